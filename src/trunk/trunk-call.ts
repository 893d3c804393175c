/** An INVITE to a carrier's peer, with what the stack leaves to the trunk: silence, early media, redirection. */
import type { Clock, Timer } from '../base/clock.js';
import type { ExtraHeaders, OutboundCall, OutboundOutcome, Progress, Reoffer } from '../sip/port.js';
import { earlyMedia } from './early-media.js';
import type { EarlyMediaRule } from './options.js';

/** How long a peer may keep a call to itself. */
export interface Patience {
  /** Without any response. */
  readonly silentMs: number;
  /** At 100 Trying. */
  readonly stalledMs: number;
}

export interface TrunkCallOptions {
  /** Absent: as long as the stack and the caller wait, for there is nobody else to ask. */
  readonly patience?: Patience;
  readonly earlyMedia: EarlyMediaRule;
}

interface TrunkCallDeps {
  readonly clock: Clock;
  /** The call a redirection leads to, where the trunk's policy follows it. */
  readonly follow: (outcome: Extract<OutboundOutcome, { readonly kind: 'rejected' }>) => OutboundCall | undefined;
}

/**
 * A peer that says nothing at all, not even 100, is given up early: the next one may answer. One that
 * took the call and gets nowhere with it is given more time, for the telephone network may be slow.
 * What either says later is cancelled, or acknowledged and ended, by the stack, so that no second
 * call is up.
 */
export class TrunkCall implements OutboundCall {
  readonly id: string;
  readonly callIdHeader: string;
  readonly outcome: Promise<OutboundOutcome>;
  private settle: (outcome: OutboundOutcome) => void = () => {};
  private progressHandler: ((progress: Progress) => void) | undefined;
  private offerHandler: ((offer: Reoffer, fork: string) => void) | undefined;
  private inviteHandler: ((callIdHeader: string) => void) | undefined;
  private limit: Timer | undefined;
  private rang = false;
  private cancelHeaders: { readonly headers?: ExtraHeaders } | undefined;

  constructor(
    private leg: OutboundCall,
    private readonly options: TrunkCallOptions,
    private readonly deps: TrunkCallDeps,
  ) {
    this.id = leg.id;
    this.callIdHeader = leg.callIdHeader;
    this.outcome = new Promise((resolve) => {
      this.settle = resolve;
    });
    this.watch(leg);
  }

  /** Whether a provisional response came; 100 is none here. */
  get hasRung(): boolean {
    return this.rang;
  }

  onProgress(handler: (progress: Progress) => void): void {
    this.progressHandler = handler;
  }

  onOffer(handler: (offer: Reoffer, fork: string) => void): void {
    this.offerHandler = handler;
    this.leg.onOffer(handler);
  }

  onInvite(handler: (callIdHeader: string) => void): void {
    this.inviteHandler = handler;
  }

  cancel(options: { readonly headers?: ExtraHeaders } = {}): void {
    this.cancelHeaders = options;
    this.leg.cancel(options);
  }

  private watch(leg: OutboundCall): void {
    leg.onProgress((progress) => {
      this.limit?.cancel();
      this.rang = true;
      this.progressHandler?.(earlyMedia(progress, this.options.earlyMedia));
    });
    if (this.offerHandler !== undefined) leg.onOffer(this.offerHandler);
    const { patience } = this.options;
    if (patience !== undefined && leg.onHeard !== undefined) {
      const { silentMs, stalledMs } = patience;
      this.wait(leg, silentMs, `no response at all within ${seconds(silentMs)} s`);
      leg.onHeard(() => this.wait(leg, stalledMs, `taken, and no ringing within ${seconds(stalledMs)} s`));
    }
    void leg.outcome.then((outcome) => this.ended(leg, outcome));
  }

  private wait(leg: OutboundCall, limitMs: number, detail: string): void {
    this.limit?.cancel();
    this.limit = this.deps.clock.after(limitMs, () => {
      const why = this.cancelHeaders === undefined ? 'timeout' : 'cancelled';
      leg.cancel();
      this.settle({ kind: 'failed', why, detail });
    });
  }

  private ended(leg: OutboundCall, outcome: OutboundOutcome): void {
    this.limit?.cancel();
    const elsewhere = outcome.kind === 'rejected' && this.mayFollow(outcome.status) ? this.deps.follow(outcome) : undefined;
    if (elsewhere === undefined || leg !== this.leg) {
      this.settle(outcome);
      return;
    }
    this.leg = elsewhere;
    this.inviteHandler?.(elsewhere.callIdHeader);
    this.watch(elsewhere);
  }

  private mayFollow(status: number): boolean {
    return status >= 300 && status < 400 && this.cancelHeaders === undefined;
  }
}

const seconds = (ms: number): number => Math.round(ms / 1000);
