import { type DigitStep, type DigitTextFault, readDigitText } from './digit-text.js';

/** One button of the menu: presses its digits, opens a menu of its own, or both. */
export interface MenuEntry {
  readonly label: string;
  readonly steps: readonly DigitStep[];
  readonly menu?: IvrMenu;
}

export type IvrMenu = readonly MenuEntry[];

/** `problem` says what is wrong, where, and what to write instead. */
export type MenuReading = { readonly ok: true; readonly menu: IvrMenu } | { readonly ok: false; readonly problem: string };

const deepest = 6;

/** What is wrong with a text of digits, for the person who wrote it. */
export function digitFaultText({ at, found }: DigitTextFault): string {
  const what = /^,*w/i.test(found) ? 'is no pause' : 'is no digit';
  return `“${found}” at place ${at} ${what}. Write 0-9 * # A-D, “,” (2 s), “w” (0.5 s) or “w2000” (100 to 60000 ms).`;
}

/**
 * Reads the menu of a website: labels and what they press, as JSON text or as an object.
 * `{ "Opening hours": "1", "Sales": { "digits": "2", "menu": { "New orders": "w1000 1" } } }`
 */
export function readMenu(source: unknown): MenuReading {
  let value = source;
  if (typeof source === 'string') {
    try {
      value = JSON.parse(source);
    } catch (thrown) {
      const why = thrown instanceof Error ? thrown.message : String(thrown);
      return { ok: false, problem: `The menu is not JSON: ${why}. Use double quotes, and no comma after the last entry.` };
    }
  }
  return readLevel(value, []);
}

function readLevel(value: unknown, path: readonly string[]): MenuReading {
  if (!isObject(value)) return wrong(path, 'is no menu. Write { "label": "digits" }.');
  if (path.length >= deepest) return wrong(path, `lies too deep. Put at most ${deepest} menus into one another.`);
  const menu: MenuEntry[] = [];
  for (const [label, content] of Object.entries(value)) {
    const read = readEntry(label, content, [...path, label]);
    if ('problem' in read) return read;
    menu.push(read);
  }
  return menu.length > 0 ? { ok: true, menu } : wrong(path, 'has no entries. Write { "label": "digits" }.');
}

function readEntry(label: string, content: unknown, path: readonly string[]): MenuEntry | (MenuReading & { readonly ok: false }) {
  const { digits, menu } = isObject(content) ? content : { digits: content, menu: undefined };
  if (label.trim() === '') return wrong(path, 'has no label. Write what the button is to say.');
  if (digits === undefined && menu === undefined) return wrong(path, 'does nothing. Give it "digits", a "menu" or both.');
  if (digits !== undefined && typeof digits !== 'string') return wrong(path, 'has digits that are no text. Put them in double quotes.');
  const text = readDigitText(digits ?? '');
  if (!text.ok) return wrong(path, `has digits that cannot be pressed: ${digitFaultText(text)}`);
  if (menu === undefined) {
    return text.steps.length > 0 ? { label, steps: text.steps } : wrong(path, 'presses nothing. Give it digits.');
  }
  const inner = readLevel(menu, path);
  return inner.ok ? { label, steps: text.steps, menu: inner.menu } : inner;
}

function wrong(path: readonly string[], what: string): MenuReading & { readonly ok: false } {
  return { ok: false, problem: `${path.length === 0 ? 'The menu' : `The entry “${path.join(' › ')}”`} ${what}` };
}

function isObject(value: unknown): value is { readonly digits?: unknown; readonly menu?: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The entries on a level, and the label over them. `path` holds the places of the entries opened on the way. */
export function levelOf(menu: IvrMenu, path: readonly number[]): { readonly title: string | undefined; readonly entries: IvrMenu } {
  let level: { readonly title: string | undefined; readonly entries: IvrMenu } = { title: undefined, entries: menu };
  for (const place of path) {
    const entry = level.entries[place];
    if (entry?.menu === undefined) return level;
    level = { title: entry.label, entries: entry.menu };
  }
  return level;
}
