/** A call to several devices that looks like a call to one. */
import type { Clock, Timer } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import { randomToken } from '../base/ids.js';
import type { Log } from '../base/log.js';
import type { ExtraHeaders, OutboundCall, OutboundOutcome, Progress } from '../sip/port.js';
import { formatReason, q850Reason } from '../sip/reason.js';
import {
  beginFork,
  type Fork,
  type ForkEffect,
  type ForkEvent,
  type ForkId,
  type ForkState,
  type ForkStep,
  nextFork,
  type StopReason,
} from './fork-machine.js';

/** A device that rings. */
export interface Ringer {
  readonly user: string;
  readonly leg: OutboundCall;
}

interface ForkedCallOptions {
  /** How long each step rings before the next one; the last rings until somebody cancels. */
  readonly steps: readonly { readonly ringMs?: number }[];
  readonly declineStopsAll: boolean;
}

interface ForkedCallDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Calls the devices of a step. */
  readonly callStep: (step: number) => readonly Ringer[];
  /** The device that has the call, and whose it is. */
  readonly onWon: (user: string, outcome: Extract<OutboundOutcome, { readonly kind: 'answered' }>) => void;
}

/** What the devices that lose are told (RFC 3326 §2). */
const reasons: Readonly<Record<Exclude<StopReason, 'cancelled'>, string>> = {
  elsewhere: formatReason({ protocol: 'SIP', cause: 200, text: 'Call completed elsewhere' }),
  declined: formatReason({ protocol: 'SIP', cause: 603, text: 'Declined on another device' }),
  'no-answer': formatReason(q850Reason(19)),
};

const noHeaders = { get: () => undefined, all: () => [] };

/**
 * Rings devices at the same time or in turn, with one and the same offer, and comes out as the first
 * that answers. The caller hears that it rings, and of early media nothing: there is no telling
 * whose it would be.
 */
export class ForkedCall implements OutboundCall {
  readonly id = `fork-${randomToken(8)}`;
  readonly callIdHeader: string;
  readonly outcome: Promise<OutboundOutcome>;
  private state: ForkState;
  private readonly ringers = new Map<ForkId, Ringer>();
  private readonly answers = new Map<ForkId, Extract<OutboundOutcome, { readonly kind: 'answered' }>>();
  private settle: (outcome: OutboundOutcome) => void = () => {};
  private progressHandler: ((progress: Progress) => void) | undefined;
  private inviteHandler: ((callIdHeader: string) => void) | undefined;
  private stepTimer: Timer | undefined;
  private cancelHeaders: ExtraHeaders = [];

  constructor(
    private readonly options: ForkedCallOptions,
    private readonly deps: ForkedCallDeps,
  ) {
    this.outcome = new Promise((resolve) => {
      this.settle = resolve;
    });
    const { state, effects } = beginFork({ steps: options.steps.length, declineStopsAll: options.declineStopsAll });
    this.state = state;
    this.run(effects);
    this.callIdHeader = [...this.ringers.values()][0]?.leg.callIdHeader ?? '';
  }

  onProgress(handler: (progress: Progress) => void): void {
    this.progressHandler = handler;
  }

  onInvite(handler: (callIdHeader: string) => void): void {
    this.inviteHandler = handler;
    for (const { leg } of [...this.ringers.values()].slice(1)) handler(leg.callIdHeader);
  }

  /** Offers before the answer are of one device among many; the stack refuses them. */
  onOffer(): void {}

  cancel({ headers = [] }: { readonly headers?: ExtraHeaders } = {}): void {
    this.cancelHeaders = headers;
    this.post({ type: 'cancel' });
  }

  private post(event: ForkEvent): void {
    this.apply(nextFork(this.state, event));
  }

  private apply({ state, effects }: ForkStep): void {
    this.state = state;
    this.run(effects);
  }

  private run(effects: readonly ForkEffect[]): void {
    for (const effect of effects) this.do(effect);
  }

  private do(effect: ForkEffect): void {
    switch (effect.do) {
      case 'call-step':
        this.callStep(effect.step);
        return;
      case 'tell-ringing':
        this.progressHandler?.({ status: 180, headers: noHeaders, fork: '' });
        return;
      case 'stop':
        this.stop(effect.forks, effect.why);
        return;
      case 'connect':
        this.connect(effect.fork);
        return;
      case 'hang-up':
        this.hangUp(effect.fork);
        return;
      case 'clear-step-timer':
        this.stepTimer?.cancel();
        return;
      case 'refuse':
        this.settle(effect.outcome);
        return;
    }
  }

  private callStep(step: number): void {
    const forks = this.deps.callStep(step).map((ringer): Fork => {
      const id = this.ringers.size;
      this.ringers.set(id, ringer);
      this.inviteHandler?.(ringer.leg.callIdHeader);
      this.follow(id, ringer.leg);
      return { id, user: ringer.user };
    });
    const ringMs = this.options.steps[step]?.ringMs;
    if (forks.length > 0 && ringMs !== undefined && step + 1 < this.options.steps.length) {
      this.stepTimer = this.deps.clock.after(ringMs, () => this.post({ type: 'step-timer' }));
    }
    this.post({ type: 'called', forks });
  }

  private follow(id: ForkId, leg: OutboundCall): void {
    leg.onProgress(() => this.post({ type: 'progress', fork: id }));
    leg.outcome.then(
      (outcome) => {
        if (outcome.kind === 'answered') {
          this.answers.set(id, outcome);
          this.post({ type: 'answered', fork: id });
        } else this.post({ type: 'failed', fork: id, outcome });
      },
      (thrown: unknown) => {
        this.deps.log.error({ fault: messageOf(thrown) }, 'the SIP stack reported no outcome');
        this.post({ type: 'failed', fork: id, outcome: { kind: 'failed', why: 'transport', detail: 'no outcome' } });
      },
    );
  }

  private stop(forks: readonly ForkId[], why: StopReason): void {
    const headers: ExtraHeaders = why === 'cancelled' ? this.cancelHeaders : [['Reason', reasons[why]]];
    for (const id of forks) this.ringers.get(id)?.leg.cancel({ headers });
  }

  private connect(fork: ForkId): void {
    const answer = this.answers.get(fork);
    const ringer = this.ringers.get(fork);
    if (answer === undefined || ringer === undefined) return;
    this.deps.onWon(ringer.user, answer);
    this.settle(answer);
  }

  private hangUp(fork: ForkId): void {
    this.answers
      .get(fork)
      ?.dialog.bye({ headers: [['Reason', reasons.elsewhere]] })
      .catch((thrown: unknown) => this.deps.log.warn({ fault: messageOf(thrown) }, 'BYE could not be sent'));
  }
}
