/** Names a call to the gateway, and proves that it is ours (RFC 3891 names it so in Replaces). */
export interface ResumePoint {
  readonly token: string;
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
}

/** What a page keeps of its call, to take it back when it was loaded anew. */
export interface KeptCall extends ResumePoint {
  readonly peer: string;
  /** Milliseconds since 1970: the page's own clock begins anew with it. */
  readonly startedAtMs: number;
  readonly keptAtMs: number;
  readonly muted: boolean;
  readonly held: boolean;
}

/** What is older is of a tab that was away for long; its call has ended. */
const freshForMs = 5 * 60_000;

/** The part of `sessionStorage` that is used. */
export type CallStore = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

/**
 * Keeps the call of one button in the storage of its tab. A tab that was duplicated has a copy of the
 * storage, but not of the lock that goes with the call.
 */
export class CallMemory {
  private release: (() => void) | undefined;
  private owned: string | undefined;

  constructor(
    private readonly options: { readonly key: string },
    private readonly deps: { readonly store: () => CallStore; readonly nowMs: () => number; readonly locks: LockManager | undefined },
  ) {}

  /** Called again and again while the call is up, so that its age is known. */
  keep(call: Omit<KeptCall, 'keptAtMs'>): void {
    const kept: KeptCall = { ...call, keptAtMs: this.deps.nowMs() };
    this.tryTo((store) => store.setItem(this.options.key, JSON.stringify(kept)));
    if (this.owned === call.callId) return;
    this.letGo();
    this.owned = call.callId;
    this.deps.locks?.request(lockOf(call), () => this.untilLetGo()).catch(() => {});
  }

  /** The call is over. */
  forget(): void {
    this.tryTo((store) => store.removeItem(this.options.key));
    this.letGo();
  }

  /** The call that this tab had before it was loaded anew, if no other tab has it. */
  async find(): Promise<KeptCall | undefined> {
    const kept = readKept(this.tryTo((store) => store.getItem(this.options.key)));
    if (kept === undefined) return undefined;
    const fresh = this.deps.nowMs() - kept.keptAtMs < freshForMs;
    if (fresh && (await this.claim(kept))) return kept;
    this.forget();
    return undefined;
  }

  private claim(kept: KeptCall): Promise<boolean> {
    const { locks } = this.deps;
    if (locks === undefined) return Promise.resolve(true);
    return new Promise((resolve) => {
      // The page before may still be on its way out.
      const signal = AbortSignal.timeout(2000);
      const held = (): Promise<void> => {
        this.owned = kept.callId;
        resolve(true);
        return this.untilLetGo();
      };
      locks.request(lockOf(kept), { signal }, held).catch(() => resolve(false));
    });
  }

  private untilLetGo(): Promise<void> {
    return new Promise((resolve) => {
      this.release = resolve;
    });
  }

  private letGo(): void {
    this.release?.();
    this.release = undefined;
    this.owned = undefined;
  }

  /** A page may be forbidden to store anything; its calls then end with it. */
  private tryTo<T>(use: (store: CallStore) => T): T | undefined {
    try {
      return use(this.deps.store());
    } catch {
      return undefined;
    }
  }
}

const lockOf = ({ callId }: ResumePoint): string => `call-button ${callId}`;

function readKept(text: string | null | undefined): KeptCall | undefined {
  try {
    const kept = JSON.parse(text ?? 'null') as KeptCall | null;
    return typeof kept?.token === 'string' && typeof kept.callId === 'string' ? kept : undefined;
  } catch {
    return undefined;
  }
}

/** Headers of the INVITE that takes a call back. Tags are as the gateway has them: its own is the `to-tag` (RFC 3891 §3). */
export function resumeHeaders({ token, callId, localTag, remoteTag }: ResumePoint): readonly string[] {
  return [`Replaces: ${callId};to-tag=${remoteTag};from-tag=${localTag}`, `X-Call-Token: ${token}`];
}
