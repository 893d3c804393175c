/** An INVITE to a carrier's peer, with what the stack leaves to the trunk: silence, early media, redirection. */
import type { Clock, Timer } from '../base/clock.js';
import type { ExtraHeaders, OutboundCall, OutboundOutcome, Progress, Reoffer } from '../sip/port.js';
import { earlyMedia } from './early-media.js';
import type { EarlyMediaRule } from './options.js';

export interface TrunkCallOptions {
  readonly silentMs: number;
  readonly earlyMedia: EarlyMediaRule;
}

interface TrunkCallDeps {
  readonly clock: Clock;
  /** The call a redirection leads to, where the trunk's policy follows it. */
  readonly follow: (outcome: Extract<OutboundOutcome, { readonly kind: 'rejected' }>) => OutboundCall | undefined;
}

/**
 * A peer that says nothing at all, not even 100, is given up early: the next one may answer. What it
 * says later is cancelled, or acknowledged and ended, by the stack, so that no second call is up.
 */
export class TrunkCall implements OutboundCall {
  readonly id: string;
  readonly callIdHeader: string;
  readonly outcome: Promise<OutboundOutcome>;
  private settle: (outcome: OutboundOutcome) => void = () => {};
  private progressHandler: ((progress: Progress) => void) | undefined;
  private offerHandler: ((offer: Reoffer, fork: string) => void) | undefined;
  private silence: Timer | undefined;
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

  /** Whether a provisional response other than 100 came. */
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

  cancel(options: { readonly headers?: ExtraHeaders } = {}): void {
    this.cancelHeaders = options;
    this.leg.cancel(options);
  }

  private watch(leg: OutboundCall): void {
    leg.onProgress((progress) => {
      this.heard();
      if (progress.status > 100) this.rang = true;
      this.progressHandler?.(earlyMedia(progress, this.options.earlyMedia));
    });
    if (this.offerHandler !== undefined) leg.onOffer(this.offerHandler);
    if (leg.onHeard !== undefined) {
      this.silence = this.deps.clock.after(this.options.silentMs, () => this.silent(leg));
      leg.onHeard(() => this.heard());
    }
    void leg.outcome.then((outcome) => this.ended(leg, outcome));
  }

  private heard(): void {
    this.silence?.cancel();
    this.silence = undefined;
  }

  private silent(leg: OutboundCall): void {
    this.silence = undefined;
    const why = this.cancelHeaders === undefined ? 'timeout' : 'cancelled';
    const detail = `no response at all within ${Math.round(this.options.silentMs / 1000)} s`;
    leg.cancel();
    this.settle({ kind: 'failed', why, detail });
  }

  private ended(leg: OutboundCall, outcome: OutboundOutcome): void {
    this.heard();
    const elsewhere = outcome.kind === 'rejected' && this.mayFollow(outcome.status) ? this.deps.follow(outcome) : undefined;
    if (elsewhere === undefined || leg !== this.leg) {
      this.settle(outcome);
      return;
    }
    this.leg = elsewhere;
    this.watch(elsewhere);
  }

  private mayFollow(status: number): boolean {
    return status >= 300 && status < 400 && this.cancelHeaders === undefined;
  }
}
