import type { DigitStep } from './digit-text.js';
import { type IvrMenu, levelOf, readMenu } from './ivr-menu.js';
import type { MenuActions } from './menu-view.js';

export interface SiteMenuDeps {
  /** What it shows has changed. */
  readonly onChange: () => void;
  /** A level was opened; the keyboard is to go on there. */
  readonly onOpen: () => void;
  readonly press: (steps: readonly DigitStep[]) => void;
  readonly onFault: (detail: string) => void;
}

/** The website's menu in the button: what was read of it, and which level is open. */
export class SiteMenu implements MenuActions {
  /** Undefined when the website gave none, or none that can be read. */
  menu: IvrMenu | undefined;
  /** Places of the entries opened on the way to the level shown. */
  path: readonly number[] = [];
  private source: unknown;

  constructor(private readonly deps: SiteMenuDeps) {}

  /** Reads it, when it is another one than last time. */
  take(source: unknown): void {
    if (source === this.source) return;
    this.source = source;
    this.path = [];
    const read = source === undefined || source === null ? undefined : readMenu(source);
    this.menu = read?.ok === true ? read.menu : undefined;
    if (read?.ok === false) this.deps.onFault(read.problem);
  }

  choose(place: number): void {
    const entry = levelOf(this.menu ?? [], this.path).entries[place];
    if (entry === undefined) return;
    if (entry.menu !== undefined) this.open([...this.path, place]);
    if (entry.steps.length > 0) this.deps.press(entry.steps);
  }

  back(): void {
    this.open(this.path.slice(0, -1));
  }

  private open(path: readonly number[]): void {
    this.path = path;
    this.deps.onChange();
    this.deps.onOpen();
  }
}
