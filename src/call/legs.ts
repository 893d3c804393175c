/** The two SIP legs of one call: the INVITE that reached us, the one we send, and their dialogs. */
import { messageOf } from '../base/errors.js';
import type { CallId } from '../base/ids.js';
import type { Log } from '../base/log.js';
import type { DigitToSend, LegName } from '../media/plane.js';
import type { ExtraHeaders, FlowRef, Headers, InboundRequest, OutboundOutcome, Reoffer, SipDialog } from '../sip/port.js';
import { type DigitRules, defaultDigitRules } from './digits/digit-rules.js';
import { readInfo } from './digits/info.js';
import type { CallEvent } from './event.js';
import type { LegKind } from './facts.js';
import { failureOf } from './failure.js';
import type { FailureCode } from './failure-code.js';
import { failureHeaders } from './failure-headers.js';
import { type FarReasons, farReasons } from './far-reason.js';
import { classify, isChallenge } from './outcome.js';
import type { Diallers, DialResult, RouteTarget } from './ports.js';
import { accountingOf, type CallRequest } from './request.js';
import { ResumeTokens } from './resume-tokens.js';
import { type EndCause, kindsOf, type Shown } from './state.js';
import type { Seated, Seats } from './transfer/transfer-legs.js';

interface CallLegsOptions {
  readonly callId: CallId;
  readonly request: CallRequest;
  readonly retryAfterSeconds: number;
}

interface CallLegsDeps {
  readonly diallers: Diallers;
  readonly log: Log;
  readonly post: (event: CallEvent) => void;
  /** Digits of an INFO. */
  readonly digits: (leg: LegName, digits: readonly DigitToSend[]) => void;
  /** Header fields of whatever the peer of a leg has said. */
  readonly headers: (leg: LegName, headers: Headers) => void;
  /** A dialog begins on a leg, or is tried for. */
  readonly begun: (leg: LegName, callIdHeader: string) => void;
  /** A page on the leg is offered a token for its call, told by its digest. */
  readonly tokenIssued: (leg: LegName, digest: string) => void;
  /** REFER, and NOTIFY about one. */
  readonly transfer: (leg: LegName, request: InboundRequest) => void;
}

/** Where a dialog sits, as its handlers know it; nowhere once somebody else sits there. */
interface Seat {
  leg: LegName | undefined;
}

type Dialled = Extract<DialResult, { readonly kind: 'dialling' }>;

/** Turns signalling effects of a call into requests of the SIP port, and what the port reports into events. */
export class CallLegs implements Seats {
  private dialled: Dialled | undefined;
  /** Called legs given up for another target, until the stack says what became of them. */
  private readonly abandoned = new Set<Dialled>();
  private calledKind: LegKind;
  private calledDigits: DigitRules | undefined;
  private readonly dialogs: Partial<Record<LegName, SipDialog>> = {};
  private readonly seats: Partial<Record<LegName, Seat>> = {};
  /** Legs that were put there by a transfer. */
  private readonly guests: Partial<Record<LegName, Seated>> = {};
  /** Legs whose page has come back and is still to send its ACK, with the dialog it had before. */
  private readonly returning = new Map<LegName, SipDialog>();
  private readonly offers: Partial<Record<LegName, Reoffer>> = {};
  private readonly resume: ResumeTokens;
  private readonly onCancel = (): void => this.deps.post({ type: 'cancelled', far: farReasons(this.options.request.leg.cancelHeaders) });

  constructor(
    private readonly options: CallLegsOptions,
    private readonly deps: CallLegsDeps,
  ) {
    this.calledKind = kindsOf(options.request.direction).b;
    this.resume = new ResumeTokens(deps.tokenIssued);
  }

  watchCaller(): void {
    const { leg } = this.options.request;
    this.deps.begun('a', leg.callIdHeader);
    this.deps.headers('a', leg.headers);
    leg.onOffer((offer) => this.offeredEarly('a', offer));
    leg.onAnswer?.((sdp) => this.deps.post({ type: 'acked', leg: 'a', sdp }));
    const { cancelled } = leg;
    if (cancelled.aborted) {
      this.onCancel();
      return;
    }
    cancelled.addEventListener('abort', this.onCancel, { once: true });
  }

  /** A peer may have come back over another connection; the loss of its old one is then no news. */
  legOn(flow: FlowRef): LegName | undefined {
    return (['a', 'b'] as const).find((leg) => (this.dialogs[leg]?.flow ?? this.firstFlowOf(leg)) === flow);
  }

  /** The leg with this dialog (RFC 3891 §3). */
  legWith(named: Pick<SipDialog, 'callIdHeader' | 'localTag' | 'remoteTag'>): LegName | undefined {
    return (['a', 'b'] as const).find((leg) => {
      // A page that was loaded anew before it heard of its new dialog names the one before.
      const dialogs = [this.dialogs[leg], this.returning.get(leg)];
      return dialogs.some(
        (dialog) =>
          dialog !== undefined &&
          dialog.callIdHeader === named.callIdHeader &&
          dialog.localTag === named.localTag &&
          dialog.remoteTag === named.remoteTag,
      );
    });
  }

  /** For a page that is to sit on the leg: what takes the call back after a reload. */
  resumeHeaders(leg: LegName): ExtraHeaders {
    return this.resume.issue(leg);
  }

  /** Whether a page that shows this token, from this origin, is the one that sits on the leg. */
  isOfLeg(leg: LegName, token: string | undefined, origin: string | undefined): boolean {
    const { source } = this.options.request.leg;
    const sameOrigin = leg === 'b' || origin === source.origin;
    return this.kindOf(leg) === 'browser' && sameOrigin && this.resume.takes(leg, token);
  }

  kindOf(leg: LegName): LegKind {
    return this.guests[leg]?.kind ?? (leg === 'b' ? this.calledKind : kindsOf(this.options.request.direction).a);
  }

  /** How digits go in and out on the leg. */
  rulesOf(leg: LegName): DigitRules {
    const guest = this.guests[leg];
    const rules = guest === undefined ? (leg === 'a' ? this.options.request.digits : this.calledDigits) : guest.digits;
    return rules ?? defaultDigitRules;
  }

  /** Whether somebody sits there who was not dialled and did not call. */
  isGuest(leg: LegName): boolean {
    return this.guests[leg] !== undefined;
  }

  dialogOf(leg: LegName): SipDialog | undefined {
    return this.dialogs[leg];
  }

  hasReturned(leg: LegName): boolean {
    return this.guests[leg]?.returns === true;
  }

  isReturning(leg: LegName): boolean {
    return this.returning.has(leg);
  }

  seat(leg: LegName, seated: Seated): SipDialog | undefined {
    const named = this.returning.get(leg) ?? this.dialogs[leg];
    const before = this.leave(leg);
    before?.release();
    this.guests[leg] = seated;
    if (seated.returns === true && named !== undefined) this.returning.set(leg, named);
    this.adopt(leg, seated.dialog);
    return before?.dialog;
  }

  /** Gives a leg up to another call, with what goes with it. */
  leave(leg: LegName): Seated | undefined {
    const dialog = this.dialogs[leg];
    const seat = this.seats[leg];
    if (dialog === undefined || seat === undefined) return undefined;
    seat.leg = undefined;
    this.returning.delete(leg);
    this.offers[leg]?.reject(481);
    delete this.offers[leg];
    delete this.dialogs[leg];
    const guest = this.guests[leg];
    if (guest !== undefined) {
      // Who took it gives back what is counted for it, and not this call.
      this.guests[leg] = { ...guest, release: () => {} };
      return guest;
    }
    const { dialled } = this;
    if (leg === 'b') this.dialled = undefined;
    const flow = leg === 'a' ? this.options.request.leg.source.flow : dialled?.flow;
    const release = leg === 'b' && dialled !== undefined ? () => dialled.release() : () => {};
    const movedTo = leg === 'b' ? dialled?.movedTo : undefined;
    return { dialog, kind: this.kindOf(leg), digits: this.rulesOf(leg), release, movedTo, ...(flow === undefined ? {} : { flow }) };
  }

  /** Of a group that was called: the user who took the call. */
  get answeredBy(): string | undefined {
    return this.dialled?.answeredBy?.();
  }

  private firstFlowOf(leg: LegName): FlowRef | undefined {
    const guest = this.guests[leg];
    if (guest !== undefined) return guest.flow;
    return leg === 'a' ? this.options.request.leg.source.flow : this.dialled?.flow;
  }

  dial(target: RouteTarget, offer: string, attempt: number): void {
    this.releaseDialled();
    this.calledKind = target.kind;
    this.calledDigits = target.kind === 'trunk' ? target.digits : undefined;
    const result = this.tryDial(target, offer, attempt);
    if (result.kind === 'refused') {
      this.deps.post({ type: 'dial-refused', failure: result.failure });
      return;
    }
    if (result.kind === 'exhausted') {
      this.deps.post({ type: 'dial-exhausted' });
      return;
    }
    this.dialled = result;
    this.follow(result, target);
  }

  progressCaller(status: Shown, sdp: string | undefined, offer: string | undefined): void {
    const { leg } = this.options.request;
    const said = sdp ?? (leg.takesReliable === true ? offer : undefined);
    leg.progress(status, said === undefined ? {} : { sdp: said });
  }

  answerCaller(sdp: string): void {
    const { leg } = this.options.request;
    this.adopt('a', this.kindOf('a') === 'browser' ? leg.answer(sdp, { headers: this.resume.issue('a') }) : leg.answer(sdp));
  }

  rejectCaller(failure: FailureCode, status: number | undefined, far?: FarReasons): void {
    const { sipStatus, reasonPhrase } = failureOf(failure);
    const headers = this.headers('a', failure, far);
    if (status !== undefined && status !== sipStatus) {
      this.options.request.leg.reject(status, { headers });
      return;
    }
    this.options.request.leg.reject(sipStatus, { reason: reasonPhrase, headers });
  }

  /** The outcome that follows, whatever it is, closes the leg. */
  cancelCallee(cause: EndCause): void {
    const leg = this.dialled?.leg;
    if (leg === undefined) {
      this.deps.post({ type: 'part-closed', part: 'b' });
      return;
    }
    leg.cancel({ headers: this.headers('b', cause.failure, cause.far) });
  }

  /** Gives the called leg up for another target. Nothing of it comes back, not even a 200 that crosses. */
  abandonCallee(cause: EndCause): void {
    const { dialled } = this;
    if (dialled === undefined) return;
    this.dialled = undefined;
    this.abandoned.add(dialled);
    dialled.leg.cancel({ headers: this.headers('b', cause.failure, cause.far) });
  }

  bye(leg: LegName, cause: EndCause): void {
    const closed = (): void => this.deps.post({ type: 'part-closed', part: leg });
    const dialog = this.dialogs[leg];
    if (dialog !== undefined) {
      dialog.bye({ headers: this.headers(leg, cause.failure, cause.far) }).then(closed, (thrown: unknown) => {
        this.deps.log.warn({ leg, fault: messageOf(thrown) }, 'BYE could not be sent');
        closed();
      });
      return;
    }
    // The 200 could not be sent, so there is an INVITE to refuse instead of a dialog to end.
    if (leg === 'a') this.rejectCaller(cause.failure ?? 'internal', undefined, cause.far);
    closed();
  }

  /** The re-offer last made on this leg, once. */
  takeOffer(leg: LegName): Reoffer | undefined {
    const offer = this.offers[leg];
    delete this.offers[leg];
    return offer;
  }

  /** Frees what the dialler counts and stops listening to the caller. */
  letGo(): void {
    this.releaseDialled();
    for (const leg of ['a', 'b'] as const) {
      this.guests[leg]?.release();
      delete this.guests[leg];
    }
    this.options.request.leg.cancelled.removeEventListener('abort', this.onCancel);
  }

  private tryDial(target: RouteTarget, offer: string, attempt: number): DialResult {
    const { callId, request } = this.options;
    const { from, maxForwards, identity } = request;
    const common = {
      ...{ callId, from, called: request.to, offer, attempt },
      ...(maxForwards === undefined ? {} : { maxForwards }),
      ...(identity === undefined ? {} : { identity }),
      ...accountingOf(request),
    };
    try {
      return target.kind === 'trunk'
        ? this.deps.diallers.trunk.dial({ ...common, target })
        : this.deps.diallers.browser.dial({ ...common, target, headers: this.resume.issue('b') });
    } catch (thrown) {
      this.deps.log.error({ kind: target.kind, fault: messageOf(thrown) }, 'the called side cannot be dialled');
      return { kind: 'refused', failure: 'internal' };
    }
  }

  private follow(dialled: Dialled, target: RouteTarget): void {
    const { leg, tryNext } = dialled;
    const begun = (callIdHeader: string): void => this.deps.begun('b', callIdHeader);
    begun(leg.callIdHeader);
    leg.onInvite?.(begun);
    leg.onProgress(({ status, sdp, fork, headers }) => {
      if (this.abandoned.has(dialled)) return;
      this.deps.headers('b', headers);
      this.deps.post({ type: 'progress', status, fork, ...(sdp === undefined ? {} : { sdp }) });
    });
    leg.onOffer((offer, fork) => {
      if (this.abandoned.has(dialled)) offer.reject(481);
      else this.offeredEarly('b', offer, fork);
    });
    leg.outcome.then(
      (outcome) => {
        if (this.abandoned.delete(dialled)) this.letAbandonedGo(dialled, outcome);
        else this.settled(outcome, target, tryNext);
      },
      (thrown: unknown) => {
        if (this.abandoned.delete(dialled)) {
          dialled.release();
          return;
        }
        this.deps.log.error({ fault: messageOf(thrown) }, 'the SIP stack reported no outcome');
        this.deps.post({ type: 'failed', failure: 'internal', elsewhere: false });
      },
    );
  }

  /** An UPDATE, or an offer in or to a reliable provisional, before the answer (RFC 3311 §5.2). */
  private offeredEarly(leg: LegName, offer: Reoffer, fork?: string): void {
    if (offer.headers !== undefined) this.deps.headers(leg, offer.headers);
    this.offers[leg]?.reject(491);
    this.offers[leg] = offer;
    const facts = { ...(offer.sdp === undefined ? {} : { sdp: offer.sdp }), ...(fork === undefined ? {} : { fork }) };
    this.deps.post({ type: 'offered', leg, ...facts });
  }

  /** A 200 that was on its way when the call went on must not leave somebody connected to nothing. */
  private letAbandonedGo(dialled: Dialled, outcome: OutboundOutcome): void {
    dialled.release();
    if (outcome.kind !== 'answered') return;
    outcome.dialog.bye().catch((thrown: unknown) => {
      this.deps.log.warn({ leg: 'b', fault: messageOf(thrown) }, 'BYE could not be sent');
    });
  }

  private settled(outcome: OutboundOutcome, target: RouteTarget, tryNext: Dialled['tryNext']): void {
    if (outcome.kind === 'answered') {
      this.adopt('b', outcome.dialog);
      this.deps.headers('b', outcome.headers);
      this.deps.post({ type: 'answered', sdp: outcome.sdp });
      return;
    }
    const { failure, status } = classify(outcome, target.kind);
    const next = tryNext?.(outcome);
    const elsewhere = target.kind === 'trunk' && (next === undefined ? failureOf(failure).elsewhere : next === 'peer');
    this.deps.log.info(
      { leg: 'b', failure, status, detail: outcome.kind === 'failed' ? outcome.detail : outcome.reason },
      'the called side did not answer',
    );
    this.deps.post({
      type: 'failed',
      failure,
      elsewhere,
      far: outcome.kind === 'rejected' && !isChallenge(outcome.status) ? farReasons(outcome.headers) : [],
      ...(status === undefined ? {} : { status }),
      ...(next === undefined ? {} : { next }),
    });
  }

  private adopt(leg: LegName, dialog: SipDialog): void {
    const seat: Seat = { leg };
    this.dialogs[leg] = dialog;
    this.seats[leg] = seat;
    const post = (eventOn: (leg: LegName) => CallEvent): void => {
      if (seat.leg !== undefined) this.deps.post(eventOn(seat.leg));
    };
    dialog.onAck((sdp) => {
      if (seat.leg !== undefined) this.returning.delete(seat.leg);
      post((leg) => ({ type: 'acked', leg, ...(sdp === undefined ? {} : { sdp }) }));
    });
    dialog.onOffer((offer) => {
      if (seat.leg === undefined) {
        offer.reject(481);
        return;
      }
      if (offer.headers !== undefined) this.deps.headers(seat.leg, offer.headers);
      this.offers[seat.leg]?.reject(491);
      this.offers[seat.leg] = offer;
      post((leg) => ({ type: 'offered', leg, ...(offer.sdp === undefined ? {} : { sdp: offer.sdp }) }));
    });
    dialog.onRequest((request) => this.inDialog(seat.leg, request));
    dialog.onEnd(({ by, headers }) => post((leg) => ({ type: 'leg-ended', leg, by, far: farReasons(headers) })));
  }

  private inDialog(leg: LegName | undefined, request: InboundRequest): void {
    if (leg === undefined) {
      request.respond(481);
      return;
    }
    if (request.method === 'REFER' || request.method === 'NOTIFY') {
      this.deps.transfer(leg, request);
      return;
    }
    if (request.method !== 'INFO') {
      request.respond(405, { headers: [['Allow', 'INVITE, ACK, CANCEL, BYE, INFO, OPTIONS, REFER, NOTIFY']] });
      return;
    }
    const { status, digits } = readInfo(request.body);
    request.respond(status);
    this.deps.headers(leg, request.headers);
    // Whatever a page says shows that it is there again.
    this.deps.post({ type: 'flow-found', leg });
    if (digits.length > 0) this.deps.digits(leg, digits);
  }

  private releaseDialled(): void {
    this.dialled?.release();
    this.dialled = undefined;
  }

  private headers(leg: LegName, failure: FailureCode | undefined, far?: FarReasons): ReturnType<typeof failureHeaders> {
    return failureHeaders(this.kindOf(leg), failure, this.options.retryAfterSeconds, far);
  }
}
