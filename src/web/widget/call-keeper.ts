import type { QueueClock } from './digit-queue.js';
import { heldIn, type ViewState } from './machine.js';
import type { CallMemory, KeptCall, ResumePoint } from './resume.js';

/** What a call is remembered by: the button that it belongs to. */
export interface ButtonPlace {
  readonly gateway: string;
  readonly to?: string;
  readonly user?: string;
  /** Tells this button from others of the page that call the same. */
  readonly place: number;
}

export interface CallKeeperDeps {
  readonly clock: QueueClock;
  /** Milliseconds since 1970. */
  readonly wallMs: () => number;
  readonly memory: (key: string) => CallMemory;
}

/** A call that is there is written down again this often, so that its age is known. */
const keepEveryMs = 2000;

/** Keeps the call of a button for the time after a reload, and finds the one from before. */
export class CallKeeper {
  private memory: CallMemory | undefined;
  private keptAtMs = 0;

  constructor(private readonly deps: CallKeeperDeps) {}

  /** Whether it was asked already, for a call or for the one from before. */
  get begun(): boolean {
    return this.memory !== undefined;
  }

  /** A new call begins. */
  begin({ gateway, to, user, place }: ButtonPlace): CallMemory {
    this.memory = this.deps.memory(['call-button', gateway, to, user, place].join(' '));
    return this.memory;
  }

  /** The call from before the page was loaded anew, and since when it is up by the clock of this page. */
  async find(button: ButtonPlace): Promise<{ readonly kept: KeptCall; readonly sinceMs: number } | undefined> {
    const kept = await this.begin(button).find();
    return kept === undefined ? undefined : { kept, sinceMs: this.deps.clock.nowMs() - (this.deps.wallMs() - kept.startedAtMs) };
  }

  /** Writes down what it takes to have this call back; not `due` again for a while. */
  keep(point: ResumePoint, state: Extract<ViewState, { name: 'connected' }>, muted: boolean): void {
    this.keptAtMs = this.deps.clock.nowMs();
    const held = heldIn(state);
    this.memory?.keep({
      ...point,
      peer: state.peer,
      startedAtMs: this.deps.wallMs() - (this.keptAtMs - state.sinceMs),
      muted,
      held: held === 'local' || held === 'both',
    });
  }

  get due(): boolean {
    return this.deps.clock.nowMs() - this.keptAtMs >= keepEveryMs;
  }

  /** The call is over. */
  forget(): void {
    this.memory?.forget();
  }
}
