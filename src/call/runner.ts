/** One call at work: feeds events to the machine and does what its steps ask for. */

import { formatHostPort } from '../base/address.js';
import type { Clock } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import { type CallId, newCallId, newSessionId, type SessionId } from '../base/ids.js';
import type { Log } from '../base/log.js';
import { maskNumber } from '../base/mask.js';
import { SerialQueue } from '../base/serial-queue.js';
import { type DigitToSend, type LegName, type MediaEvent, type MediaPlane, otherLeg } from '../media/plane.js';
import type { FlowRef, InboundRequest } from '../sip/port.js';
import { CallMedia } from './call-media.js';
import { CallTimers } from './call-timers.js';
import type { CallView } from './call-view.js';
import { DigitDesk, type DigitsAsked } from './digits/digit-desk.js';
import type { CallEffect } from './effect.js';
import type { CallEvent } from './event.js';
import type { CallDirection, CallFactBody, FactSink } from './facts.js';
import { failureOf, NORMAL_CLEARING } from './failure.js';
import { q850Of } from './far-reason.js';
import { CallLegs } from './legs.js';
import { begin, next } from './machine.js';
import { eventOfMedia } from './media-event.js';
import { type FoundLeg, MidCall, type OtherCalls } from './mid-call.js';
import type { CallServiceOptions } from './options.js';
import { PageReports } from './page-report.js';
import type { Diallers, Router } from './ports.js';
import type { CallRequest } from './request.js';
import { type CallState, type EndCause, kindsOf, presenceIn } from './state.js';
import type { Step } from './step.js';
import type { ReplacedDialog } from './transfer/refer.js';
import type { Borrowed } from './transfer/transfer-legs.js';
import type { TransferPolicy } from './transfer/transfer-policy.js';

/** What a call works with. */
export interface RunnerDeps {
  readonly media: MediaPlane;
  readonly clock: Clock;
  readonly log: Log;
  readonly router: Router;
  readonly diallers: Diallers;
  readonly facts: FactSink;
  readonly others: OtherCalls;
  /** Absent: nobody may transfer. */
  readonly transfers?: TransferPolicy;
  readonly onFinished: (runner: CallRunner) => void;
}

/** Which side digits are sent to. */
export type DigitSide = 'trunk' | 'page';

/** What came of digits somebody asked to be sent. */
export type SendDigitsResult =
  | DigitsAsked
  | { readonly kind: 'refused'; readonly why: 'unknown-call' | 'not-digits' | 'not-connected' | 'no-such-side' };

/**
 * Signalling effects run at once, in the order of the step, so that a CANCEL never waits for
 * media; media effects run one after another in the call's queue. What they come to returns as
 * events, and so does any fault of theirs.
 */
export class CallRunner {
  readonly id: CallId = newCallId();
  readonly session: SessionId = newSessionId();
  private state: CallState;
  private readonly inbox: CallEvent[] = [];
  private running = false;
  private readonly timers: CallTimers;
  private readonly log: Log;
  private readonly legs: CallLegs;
  private readonly media: CallMedia;
  private readonly midCall: MidCall;
  private readonly digits: DigitDesk;
  private readonly pageReports = new PageReports();
  private readonly startedMs: number;
  private readonly startedWallMs: number;
  private answeredMs: number | undefined;
  private answeredWallMs: number | undefined;
  private endedMs: number | undefined;
  /** No fact follows `ended`: what is still on its way then is dropped. */
  private finished = false;
  private routedTo: { readonly trunk?: string; readonly user?: string } = {};
  private direction: CallDirection;

  constructor(
    private readonly request: CallRequest,
    options: CallServiceOptions,
    private readonly deps: RunnerDeps,
  ) {
    this.log = deps.log.child({ callId: this.id });
    this.startedMs = deps.clock.nowMs();
    this.startedWallMs = deps.clock.wallMs();
    this.direction = request.direction;
    this.state = { name: 'routing', direction: request.direction, legs: kindsOf(request.direction) };
    const post = (event: CallEvent): void => this.post(event);
    const fact = (body: CallFactBody): void => this.emit(body);
    const lengths = request.maxCallMs === undefined ? {} : { maxCallMs: Math.min(options.maxCallMs, request.maxCallMs) };
    this.timers = new CallTimers({ ...options, ...lengths }, { clock: deps.clock, post });
    this.legs = new CallLegs(
      { callId: this.id, request, retryAfterSeconds: options.retryAfterSeconds },
      {
        ...{ diallers: deps.diallers, log: this.log, post },
        digits: (leg, digits) => this.digits.informed(leg, digits),
        headers: (leg, headers) => this.digits.headersOn(leg, headers),
        begun: (leg, sipCallId) => this.emit({ type: 'leg', leg, kind: this.legs.kindOf(leg), sipCallId }),
        tokenIssued: (leg, digest) => this.emit({ type: 'page-token', leg, digest }),
        transfer: (leg, request) => this.transferRequest(leg, request),
      },
    );
    this.digits = new DigitDesk({ session: this.session }, { plane: deps.media, legs: this.legs, clock: deps.clock, log: this.log, fact });
    const queue = new SerialQueue((thrown) => this.fault('media step', thrown));
    this.media = new CallMedia({ session: this.session, request }, { plane: deps.media, queue, log: this.log, post, fact });
    this.midCall = new MidCall(
      { callId: this.id, session: this.session, request },
      {
        ...{
          plane: deps.media,
          queue,
          media: this.media,
          legs: this.legs,
          diallers: deps.diallers,
          others: deps.others,
          log: this.log,
          post,
        },
        begun: (leg, kind, sipCallId) => this.emit({ type: 'leg', leg, kind, sipCallId }),
        ...(deps.transfers === undefined ? {} : { transfers: deps.transfers }),
      },
    );
  }

  /** Takes the call up. */
  begin(): void {
    const { request } = this;
    this.emit({
      type: 'received',
      direction: request.direction,
      from: request.from,
      to: request.to,
      source: formatHostPort({ host: request.leg.source.address, port: request.leg.source.port }),
      ...(request.leg.source.origin === undefined ? {} : { origin: request.leg.source.origin }),
      ...(request.trunk === undefined ? {} : { trunk: request.trunk }),
      ...(request.account === undefined ? {} : { account: request.account }),
    });
    this.running = true;
    this.apply(begin(request.direction));
    this.legs.watchCaller();
    this.running = false;
    this.drainInbox();
  }

  /** Hands the call an event. Events that come up while one is handled wait their turn. */
  post(event: CallEvent): void {
    this.inbox.push(event);
    this.drainInbox();
  }

  mediaEvent(event: MediaEvent): void {
    if (this.digits.mediaEvent(event)) return;
    if (event.type === 'leg-failed' && event.leg !== 'c' && this.mayFail()) {
      const { leg, cause, detail } = event;
      this.emit({ type: 'media-failed', leg, kind: this.legs.kindOf(leg), cause, detail });
    }
    if (event.type === 'channel-text' && event.leg !== 'c') this.heardOfPage(event.leg, event.text);
    if (event.type === 'leg-direction' && event.leg === 'c') this.midCall.thirdSays(event.direction);
    const translated = eventOfMedia(event);
    if (translated !== undefined) this.post(translated);
  }

  /** What a page says of its sound; told of calls that are up. */
  private heardOfPage(leg: LegName, text: string): void {
    const told = this.state.name === 'connected' ? this.pageReports.take(leg, text) : undefined;
    if (told !== undefined) this.emit(told);
  }

  /** While dialling, a page that has no answer yet cannot set media up; the machine then gives it more time. */
  private mayFail(): boolean {
    return !['dialling', 'rerouting', 'ending', 'ended'].includes(this.state.name);
  }

  /** The leg whose signalling runs over `flow`, if any. */
  legOn(flow: FlowRef): LegName | undefined {
    return this.legs.legOn(flow);
  }

  /** The leg with this dialog, and who is on the other one, while the call is connected. */
  find(dialog: ReplacedDialog): FoundLeg | undefined {
    const leg = this.state.name === 'connected' ? this.legs.legWith(dialog) : undefined;
    if (leg === undefined) return undefined;
    const other = otherLeg(leg);
    const survivor = { kind: this.legs.kindOf(other), media: this.media.optionsOf(other) };
    return { call: this.id, leg, kind: this.legs.kindOf(leg), survivor };
  }

  /** Lets another call take a leg over. */
  lend(leg: LegName): Borrowed | undefined {
    const dialog = this.state.name === 'connected' ? this.legs.dialogOf(leg) : undefined;
    if (dialog === undefined) return undefined;
    return {
      dialog,
      take: (into) => {
        if (this.state.name !== 'connected' || this.legs.dialogOf(leg) !== dialog) return undefined;
        const seated = this.legs.leave(leg);
        // Before the end of this call, which would be taken for the leg's.
        if (into !== undefined) seated?.movedTo?.(into);
        this.post({ type: 'given-away', leg });
        return seated;
      },
    };
  }

  /** The trunk a leg is on. */
  trunkOn(leg: LegName): string | undefined {
    return leg === 'a' ? this.request.trunk : this.routedTo.trunk;
  }

  /** Whether a page that shows this token, from this origin, is the one that sits on the leg. */
  isOfLeg(leg: LegName, token: string | undefined, origin: string | undefined): boolean {
    return this.legs.isOfLeg(leg, token, origin);
  }

  /** Takes in an INVITE that is to replace one of the legs (RFC 3891). */
  replace(request: CallRequest, leg: LegName): void {
    this.midCall.replace(request, leg);
  }

  private transferRequest(leg: LegName, request: InboundRequest): void {
    if (this.state.name === 'connected') this.midCall.request(leg, request);
    else request.respond(request.method === 'REFER' ? 491 : 481);
  }

  /** Sends digits to one side; to a trunk before the answer too, for menus that ask without answering. */
  async sendDigits(side: DigitSide, digits: readonly DigitToSend[]): Promise<SendDigitsResult> {
    const { state } = this;
    const early = state.name === 'ringing' && state.shown === 183 && side === 'trunk';
    if (state.name !== 'connected' && !early) return { kind: 'refused', why: 'not-connected' };
    const kind = side === 'trunk' ? 'trunk' : 'browser';
    const leg = (['b', 'a'] as const).find((one) => state.legs[one] === kind);
    return leg === undefined ? { kind: 'refused', why: 'no-such-side' } : await this.digits.send(leg, digits);
  }

  /** Opens the secure window for so long, or closes it. */
  secureDigits(open: boolean, lastsMs?: number): void {
    this.digits.secure(open, 'api', lastsMs);
  }

  view(): CallView {
    const { request } = this;
    const { origin, address, port } = request.leg.source;
    const trunk = request.trunk ?? this.routedTo.trunk;
    const user = request.user ?? this.routedTo.user;
    return {
      id: this.id,
      direction: this.direction,
      state: this.state.name,
      from: request.from,
      to: request.to,
      source: formatHostPort({ host: address, port }),
      startedAtMs: this.startedWallMs,
      ...(origin === undefined ? {} : { origin }),
      ...(trunk === undefined ? {} : { trunk }),
      ...(user === undefined ? {} : { user }),
      ...(this.answeredWallMs === undefined ? {} : { answeredAtMs: this.answeredWallMs }),
    };
  }

  /** Timers of this call now set. */
  get liveTimers(): number {
    return this.timers.size + this.digits.liveTimers;
  }

  private drainInbox(): void {
    if (this.running) return;
    this.running = true;
    try {
      for (let event = this.inbox.shift(); event !== undefined; event = this.inbox.shift()) this.apply(next(this.state, event));
    } finally {
      this.running = false;
    }
  }

  private apply(step: Step): void {
    const before = this.state;
    this.state = step.state;
    if (before.name !== step.state.name) this.log.debug({ from: before.name, to: step.state.name }, 'call changes state');
    const over = step.state.name === 'ending' || step.state.name === 'ended';
    if (over && this.endedMs === undefined) this.endedMs = this.deps.clock.nowMs();
    for (const effect of step.effects) {
      try {
        this.run(effect);
      } catch (thrown) {
        this.fault(effect.do, thrown);
      }
    }
    this.digits.refresh(this.state.name, presenceIn(this.state));
  }

  private run(effect: CallEffect): void {
    if (this.midCall.run(effect)) return;
    switch (effect.do) {
      case 'route':
        this.route();
        return;
      case 'dial':
        this.midCall.dialled(effect.target);
        this.routedTo = effect.target.kind === 'trunk' ? { trunk: effect.target.trunk } : { user: effect.target.user };
        this.legs.dial(effect.target, effect.offer, effect.attempt);
        return;
      case 'progress-caller':
        this.legs.progressCaller(effect.status, effect.sdp, effect.offer);
        return;
      case 'answer-caller':
        this.legs.answerCaller(effect.answer.sdp);
        return;
      case 'reject-caller':
        this.legs.rejectCaller(effect.failure, effect.status, effect.far);
        return;
      case 'cancel-callee':
        this.legs.cancelCallee(effect.cause);
        return;
      case 'bye':
        this.legs.bye(effect.leg, effect.cause);
        return;
      case 'refuse-offer':
        this.legs.takeOffer(effect.leg)?.reject(effect.status);
        return;
      case 'prepare-media':
        this.media.prepare(effect.target.media);
        return;
      case 'prepare-callee':
        this.media.prepareCallee(effect.target.media);
        return;
      case 'abandon-callee':
        this.legs.abandonCallee(effect.cause);
        return;
      case 'renew-caller':
        this.media.renewCaller();
        return;
      case 'accept-callee':
        this.media.acceptCallee(effect.sdp, effect.stage, effect.attempt);
        return;
      case 'accept-answer':
        this.media.acceptAnswer(effect.leg, effect.sdp);
        return;
      case 'answer-offer':
        this.media.answerOffer(effect.leg, effect.sdp, this.legs.takeOffer(effect.leg), effect.direction);
        return;
      case 'close-media':
        this.media.close();
        return;
      case 'set-timer':
        this.timers.set(effect.id, effect.ms);
        return;
      case 'clear-timer':
        this.timers.clear(effect.id);
        return;
      case 'clear-timers':
        this.timers.clearAll();
        return;
      case 'fact':
        this.emit(effect.fact);
        return;
      case 'finish':
        this.finish(effect.cause);
        return;
    }
  }

  private route(): void {
    const decision = this.deps.router.route(this.request);
    if (decision.kind === 'refused') {
      const { failure, by } = decision;
      if (by !== undefined) this.emit({ type: 'decision', ...by, verdict: 'refused', failure });
      this.post({ type: 'route-refused', failure });
      return;
    }
    const { target, otherwise } = decision;
    this.post({ type: 'routed', target, ...(otherwise === undefined ? {} : { otherwise }) });
  }

  private finish(cause: EndCause): void {
    const { answeredMs, startedMs, endedMs = startedMs } = this;
    const failure = cause.failure === undefined ? undefined : failureOf(cause.failure);
    const last = this.media.lastStats;
    this.digits.letGo();
    this.emit({
      type: 'ended',
      by: cause.by,
      disposition: failure?.disposition ?? 'completed',
      q850: q850Of(cause.far) ?? failure?.q850 ?? NORMAL_CLEARING,
      talkMs: answeredMs === undefined ? 0 : Math.round(endedMs - answeredMs),
      totalMs: Math.round(endedMs - startedMs),
      ...(cause.failure === undefined ? {} : { failure: cause.failure }),
      ...(cause.sipStatus === undefined ? {} : { sipStatus: cause.sipStatus }),
      ...(last?.a?.codec === undefined ? {} : { codecA: last.a.codec }),
      ...(last?.b?.codec === undefined ? {} : { codecB: last.b.codec }),
      ...(last?.a === undefined ? {} : { mediaA: last.a }),
      ...(last?.b === undefined ? {} : { mediaB: last.b }),
      ...(last === undefined || last.path.length === 0 ? {} : { path: last.path }),
    });
    this.midCall.letGo();
    this.legs.letGo();
    this.request.onOver?.();
    this.deps.onFinished(this);
  }

  private emit(body: CallFactBody): void {
    if (this.finished) return;
    if (body.type === 'ended') this.finished = true;
    if (body.type === 'routed') this.direction = body.direction;
    if (body.type === 'answered') {
      this.answeredMs = this.deps.clock.nowMs();
      this.answeredWallMs = this.deps.clock.wallMs();
    }
    const by = this.legs.answeredBy;
    const told = body.type === 'answered' && by !== undefined ? { ...body, by } : body;
    try {
      this.deps.facts({ ...told, callId: this.id, atMs: this.deps.clock.wallMs() });
    } catch (thrown) {
      this.log.error({ fact: body.type, fault: messageOf(thrown) }, 'a listener of call facts failed; the call goes on');
    }
  }

  private fault(where: string, thrown: unknown): void {
    this.log.error({ where, to: maskNumber(this.request.to), fault: messageOf(thrown) }, 'a step of the call failed; the call is ended');
    this.post({ type: 'fault' });
  }
}
