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
  private key: string | undefined;
  private keptAtMs = 0;

  constructor(private readonly deps: CallKeeperDeps) {}

  /** Whether it was not asked for this button yet: a page may set the attributes one after the other. */
  isNew(button: ButtonPlace): boolean {
    return this.key !== keyOf(button);
  }

  /** A new call begins. */
  begin(button: ButtonPlace): CallMemory {
    this.key = keyOf(button);
    this.memory = this.deps.memory(this.key);
    return this.memory;
  }

  /** The call from before the page was loaded anew, and since when it is up by the clock of this page. */
  async find(button: ButtonPlace): Promise<{ readonly kept: KeptCall; readonly sinceMs: number } | undefined> {
    const memory = this.begin(button);
    const kept = await memory.find();
    if (kept === undefined || memory !== this.memory) return undefined;
    return { kept, sinceMs: this.deps.clock.nowMs() - (this.deps.wallMs() - kept.startedAtMs) };
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

const keyOf = ({ gateway, to, user, place }: ButtonPlace): string => ['call-button', gateway, to, user, place].join(' ');
