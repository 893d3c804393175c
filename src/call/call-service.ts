/** All calls of the gateway: takes them in, finds them again, ends them all when it must. */

import { formatHostPort } from '../base/address.js';
import type { Clock } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import { type CallId, newCallId, type SessionId } from '../base/ids.js';
import type { LiveObjects } from '../base/live-objects.js';
import type { Log } from '../base/log.js';
import { digitOfText } from '../media/dtmf/digit.js';
import { DEFAULT_INFO_DURATION_MS } from '../media/dtmf/info-body.js';
import type { DigitToSend, LegName, MediaEvent, MediaPlane } from '../media/plane.js';
import type { FlowRef } from '../sip/port.js';
import { Admission } from './admission.js';
import type { CallView } from './call-view.js';
import type { CallFactBody, Crowded, FactSink } from './facts.js';
import { failureOf } from './failure.js';
import type { FailureCode } from './failure-code.js';
import { failureHeaders } from './failure-headers.js';
import type { FoundLeg, OtherCalls } from './mid-call.js';
import type { CallServiceOptions } from './options.js';
import type { CallIntake, Diallers, Router } from './ports.js';
import type { CallRequest } from './request.js';
import { resumeHeader } from './resume-tokens.js';
import { CallRunner, type DigitSide, type SendDigitsResult } from './runner.js';
import { type ReplacedDialog, readReplaces } from './transfer/refer.js';
import type { Borrowed } from './transfer/transfer-legs.js';
import type { TransferPolicy } from './transfer/transfer-policy.js';

export type { CallServiceOptions } from './options.js';

/** What the call core stands on. */
export interface CallServiceDeps {
  readonly media: MediaPlane;
  readonly clock: Clock;
  readonly log: Log;
  readonly router: Router;
  readonly diallers: Diallers;
  readonly facts: FactSink;
  /** How late the event loop has been lately; absent where nobody measures it. */
  readonly loopDelayMs?: () => number;
  /** Who may transfer calls; nobody when absent. */
  readonly transfers?: TransferPolicy;
}

/** Where an INVITE with Replaces may sit down, or the status that refuses it. */
type Place =
  | { readonly kind: 'there'; readonly runner: CallRunner; readonly leg: LegName }
  | { readonly kind: 'refused'; readonly status: 400 | 403 | 481 | 486 };

/** How digits that are asked for are sent; to the telephone when `to` is absent. */
export interface DigitWishes {
  readonly durationMs?: number;
  readonly gapMs?: number;
  readonly to?: DigitSide;
}

/** More digits than any menu asks for in one go. */
const MAX_DIGITS = 64;

function readDigits(text: string, { durationMs = DEFAULT_INFO_DURATION_MS, gapMs }: DigitWishes): readonly DigitToSend[] | undefined {
  const gap = gapMs === undefined ? {} : { gapMs };
  const digits: DigitToSend[] = [];
  for (const character of text) {
    const digit = digitOfText(character);
    if (digit === undefined) return undefined;
    digits.push({ digit, durationMs, ...gap });
  }
  return digits.length === 0 || digits.length > MAX_DIGITS ? undefined : digits;
}

/** The call core as edges, admin API and shutdown see it. */
export class CallService implements CallIntake, OtherCalls {
  private readonly runners = new Map<CallId, CallRunner>();
  private readonly bySession = new Map<SessionId, CallRunner>();
  private readonly whenEmpty: (() => void)[] = [];
  private draining = false;
  private readonly admission: Admission;

  constructor(
    private readonly options: CallServiceOptions,
    private readonly deps: CallServiceDeps,
  ) {
    this.admission = new Admission(options, deps);
    deps.media.onEvent((event) => this.mediaEvent(event));
  }

  /** Takes a call in, or refuses it with 503 and `Retry-After` when there is no room for it. */
  incoming(request: CallRequest): void {
    const replaces = request.leg.headers.all('Replaces');
    if (replaces.length > 0) {
      this.replace(request, replaces);
      return;
    }
    const bound = this.draining ? 'draining' : this.admission.admit(this.runners.size);
    if (bound !== undefined) {
      this.turnDown(request, bound === 'draining' ? 'shutting-down' : 'too-many-calls', bound);
      return;
    }
    const runner = new CallRunner(request, this.options, {
      ...this.deps,
      others: this,
      onFinished: (done) => this.remove(done),
    });
    this.runners.set(runner.id, runner);
    this.bySession.set(runner.session, runner);
    runner.begin();
  }

  /** A refused call is recorded like any other. */
  refuse(request: CallRequest, failure: FailureCode): void {
    this.turnDown(request, failure);
  }

  /** The leg with this dialog. Asked for by transfers only, so looking through the calls is quick enough. */
  find(dialog: ReplacedDialog): FoundLeg | undefined {
    for (const runner of this.runners.values()) {
      const found = runner.find(dialog);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  borrow(call: CallId, leg: LegName): Borrowed | undefined {
    return this.runners.get(call)?.lend(leg);
  }

  calls(): readonly CallView[] {
    return [...this.runners.values()].map((runner) => runner.view());
  }

  /** Whose media each session carries. */
  sessions(): ReadonlyMap<SessionId, CallId> {
    return new Map([...this.bySession].map(([session, { id }]) => [session, id]));
  }

  /** False when there is no such call. Without a failure the record says that the gateway hung up. */
  hangUp(callId: CallId, failure?: FailureCode): boolean {
    const runner = this.runners.get(callId);
    runner?.post({ type: 'hang-up', by: 'gateway', ...(failure === undefined ? {} : { failure }) });
    return runner !== undefined;
  }

  /** Sends digits (`0-9`, `*`, `#`, `A-D`) to one side, as if the other had pressed them. */
  async sendDigits(callId: CallId, text: string, wishes: DigitWishes = {}): Promise<SendDigitsResult> {
    const runner = this.runners.get(callId);
    if (runner === undefined) return { kind: 'refused', why: 'unknown-call' };
    const digits = readDigits(text, wishes);
    return digits === undefined ? { kind: 'refused', why: 'not-digits' } : await runner.sendDigits(wishes.to ?? 'trunk', digits);
  }

  /** Opens a call's secure window for so long, or closes it. False when there is no such call. */
  secureDigits(callId: CallId, open: boolean, lastsMs?: number): boolean {
    const runner = this.runners.get(callId);
    runner?.secureDigits(open, lastsMs);
    return runner !== undefined;
  }

  /** A page whose dialogs have moved to this connection is there again. */
  flowFound(flow: FlowRef): void {
    for (const runner of [...this.runners.values()]) {
      const leg = runner.legOn(flow);
      if (leg !== undefined) runner.post({ type: 'flow-found', leg });
    }
  }

  /** A connection toward a peer is gone. */
  flowClosed(flow: FlowRef): void {
    for (const runner of [...this.runners.values()]) {
      const leg = runner.legOn(flow);
      if (leg !== undefined) runner.post({ type: 'flow-lost', leg });
    }
  }

  /**
   * Takes no more calls, gives those that live `graceMs` to end by themselves, and then ends them on
   * both legs. Resolves when none is left and every record is written.
   */
  async drain(graceMs: number): Promise<void> {
    this.draining = true;
    if (this.runners.size === 0) return;
    const empty = new Promise<void>((resolve) => this.whenEmpty.push(resolve));
    const timer = this.deps.clock.after(graceMs, () => this.endAll());
    await empty;
    timer.cancel();
  }

  liveObjects(): LiveObjects {
    let timers = 0;
    for (const runner of this.runners.values()) timers += runner.liveTimers;
    return { call: this.runners.size, call_timer: timers };
  }

  /**
   * INVITE with Replaces (RFC 3891 §3): nothing to replace is 481, only an unanswered one wanted is
   * 486. Whoever takes a place must come over the same trunk as the one who leaves it; a page must show
   * the token of the page that leaves, which is the same page loaded anew.
   */
  private replace(request: CallRequest, values: readonly string[]): void {
    const place = this.placeOf(request, values);
    if (place.kind === 'there') {
      place.runner.replace(request, place.leg);
      return;
    }
    request.leg.reject(place.status);
    request.onOver?.();
  }

  private placeOf(request: CallRequest, values: readonly string[]): Place {
    const dialog = values.length === 1 ? readReplaces(values[0] ?? '') : undefined;
    if (dialog === undefined) return { kind: 'refused', status: 400 };
    const found = this.find(dialog);
    const runner = found === undefined ? undefined : this.runners.get(found.call);
    if (found === undefined || runner === undefined) return { kind: 'refused', status: 481 };
    if (dialog.earlyOnly) return { kind: 'refused', status: 486 };
    const mayTake = found.kind === 'trunk' ? isOfTrunk(request, runner.trunkOn(found.leg)) : isOfPage(request, runner, found.leg);
    return mayTake ? { kind: 'there', runner, leg: found.leg } : { kind: 'refused', status: 403 };
  }

  private turnDown(request: CallRequest, failure: FailureCode, bound?: Crowded): void {
    const { sipStatus, reasonPhrase, disposition, q850 } = failureOf(failure);
    const { address, port, origin } = request.leg.source;
    const kind = request.direction === 'browser-to-trunk' ? 'browser' : 'trunk';
    const callId = newCallId();
    this.deps.log.warn({ callId, failure }, 'call refused');
    request.leg.reject(sipStatus, { reason: reasonPhrase, headers: failureHeaders(kind, failure, this.options.retryAfterSeconds) });
    this.record(callId, {
      type: 'received',
      direction: request.direction,
      from: request.from,
      to: request.to,
      source: formatHostPort({ host: address, port }),
      ...(origin === undefined ? {} : { origin }),
      ...(request.trunk === undefined ? {} : { trunk: request.trunk }),
      ...(request.account === undefined ? {} : { account: request.account }),
    });
    this.record(callId, { type: 'leg', leg: 'a', kind, sipCallId: request.leg.callIdHeader });
    if (bound !== undefined) this.record(callId, { type: 'crowded', bound });
    this.record(callId, { type: 'ended', by: 'gateway', disposition, failure, q850, talkMs: 0, totalMs: 0 });
    request.onOver?.();
  }

  private endAll(): void {
    for (const id of [...this.runners.keys()]) this.hangUp(id, 'shutting-down');
  }

  private mediaEvent(event: MediaEvent): void {
    this.bySession.get(event.session)?.mediaEvent(event);
  }

  private remove(runner: CallRunner): void {
    this.runners.delete(runner.id);
    this.bySession.delete(runner.session);
    if (this.runners.size > 0) return;
    for (const resolve of this.whenEmpty.splice(0)) resolve();
  }

  private record(callId: CallId, body: CallFactBody): void {
    try {
      this.deps.facts({ ...body, callId, atMs: this.deps.clock.wallMs() });
    } catch (thrown) {
      this.deps.log.error({ callId, fact: body.type, fault: messageOf(thrown) }, 'a listener of call facts failed');
    }
  }
}

const isOfTrunk = ({ trunk }: CallRequest, there: string | undefined): boolean => trunk !== undefined && trunk === there;

function isOfPage({ leg, trunk }: CallRequest, runner: CallRunner, place: LegName): boolean {
  return trunk === undefined && runner.isOfLeg(place, leg.headers.get(resumeHeader), leg.source.origin);
}
