/** The SIP side of transfers: the REFER and its reports, the third leg, and the dialog that is parted with. */
import { messageOf } from '../../base/errors.js';
import type { CallId } from '../../base/ids.js';
import type { Log } from '../../base/log.js';
import { type LegName, otherLeg } from '../../media/plane.js';
import type { ExtraHeaders, FlowRef, InboundCall, InboundRequest, OutboundCall, SipDialog } from '../../sip/port.js';
import { formatReason, q850Reason } from '../../sip/reason.js';
import type { DigitRules } from '../digits/digit-rules.js';
import type { CallEvent } from '../event.js';
import type { LegKind, Party } from '../facts.js';
import { failureOf, NORMAL_CLEARING } from '../failure.js';
import { classify } from '../outcome.js';
import type { Diallers, DialResult, RouteTarget } from '../ports.js';
import type { Accounting, CallRequest } from '../request.js';
import { type Referral, referReport, reportedStatus } from './refer.js';
import type { TransferPlan } from './transfer-state.js';

/** A dialog that sits, or is to sit, on a leg of a call, and what goes with it. */
export interface Seated {
  readonly dialog: SipDialog;
  readonly kind: LegKind;
  /** How a trunk takes and gives digits. */
  readonly digits?: DigitRules | undefined;
  /** The browser's flow, when it is one. */
  readonly flow?: FlowRef;
  /** It is the one who sat there before, loaded anew, and its ACK is still to come. */
  readonly returns?: boolean;
  /** Gives back what a dialler counts. */
  readonly release: () => void;
  /** Counts it for another call from now on. */
  readonly movedTo?: ((callId: CallId) => void) | undefined;
}

/** The legs of the call, as a transfer works on them. */
export interface Seats {
  dialogOf(leg: LegName): SipDialog | undefined;
  /** Puts somebody on a leg; the dialog that sat there is nobody's then. */
  seat(leg: LegName, seated: Seated): SipDialog | undefined;
  /** For a page that is to sit there: what takes the call back after a reload. */
  resumeHeaders(leg: LegName): ExtraHeaders;
}

/** A leg of another call that may be taken over: `take` makes it ours, once. */
export interface Borrowed {
  readonly dialog: SipDialog;
  /** `into`: the call it goes on in; absent when it is to end. */
  take(into?: CallId): Seated | undefined;
}

interface TransferLegsDeps {
  readonly seats: Seats;
  readonly diallers: Diallers;
  /** Finds the leg of another call. */
  readonly borrow: (call: CallId, leg: LegName) => Borrowed | undefined;
  readonly log: Log;
  readonly post: (event: CallEvent) => void;
  /** A dialog begins that is to sit on `leg`. */
  readonly begun: (leg: LegName, kind: LegKind, callIdHeader: string) => void;
}

/** A leg in the making, until it is seated or dropped. */
interface Third {
  readonly kind: LegKind;
  readonly digits?: DigitRules | undefined;
  readonly leg?: OutboundCall;
  readonly flow?: FlowRef;
  readonly returns?: boolean;
  readonly release: () => void;
  readonly movedTo?: Seated['movedTo'];
  dialog?: SipDialog;
}

/** What a third is called with. */
export interface ThirdCall {
  /** Where it is to sit. */
  readonly leg: LegName;
  readonly plan: TransferPlan;
  readonly offer: string;
  readonly attempt: number;
  readonly referral: Referral;
}

type Dialled = Omit<ThirdCall, 'plan'> & { readonly from: Party };

/** Turns transfer effects of a call into requests of the SIP port, and what comes of them into events. */
export class TransferLegs {
  private refer: InboundRequest | undefined;
  private third: Third | undefined;
  private caller: (Pick<Third, 'digits' | 'release'> & { readonly call: InboundCall; readonly seat: LegName }) | undefined;
  private readonly parted = new Set<SipDialog>();
  /** Reports leave one after another, so that the last one is the last (RFC 3515 §2.4.4). */
  /** Resolves with the dialog in which nobody hears reports any more. */
  private reports: Promise<SipDialog | undefined> = Promise.resolve(undefined);

  constructor(
    private readonly options: { readonly callId: CallId; readonly accounting: Accounting },
    private readonly deps: TransferLegsDeps,
  ) {}

  /** A REFER that waits for its answer. */
  take(request: InboundRequest): void {
    this.refer?.respond(491);
    this.refer = request;
  }

  /** `Refer-Sub: false` says back that there will be no reports (RFC 4488 §4). */
  answerRefer(status: number, reports: Referral['reports']): void {
    this.refer?.respond(status, status < 300 && reports === 'unwanted' ? { headers: [['Refer-Sub', 'false']] } : {});
    this.refer = undefined;
  }

  /** In their order; after one that was not taken there is nobody to tell of the next (RFC 6665 §4.2.2). */
  report(leg: LegName, status: number): void {
    const dialog = this.deps.seats.dialogOf(leg);
    if (dialog === undefined) return;
    this.reports = this.reports.then(async (unheard) => {
      if (unheard === dialog) return unheard;
      try {
        const { status: answer } = await dialog.request('NOTIFY', referReport(status));
        return answer === 481 ? dialog : undefined;
      } catch (thrown) {
        this.deps.log.debug({ leg, status, fault: messageOf(thrown) }, 'a transfer report was not taken');
        return dialog;
      }
    });
  }

  /** Lets the far end of the other leg do it; what it reports comes back by `reported`. */
  pass(leg: LegName, uri: string): void {
    const { refer } = this;
    this.refer = undefined;
    const settle = (status: number): void => {
      refer?.respond(status);
      this.deps.post({ type: 'refer-reported', by: 'answer', status });
    };
    const dialog = this.deps.seats.dialogOf(otherLeg(leg));
    if (dialog === undefined) {
      settle(480);
      return;
    }
    dialog.request('REFER', { headers: [['Refer-To', `<${uri}>`]] }).then(
      ({ status }) => settle(status),
      () => settle(503),
    );
  }

  /** A NOTIFY of somebody a REFER was passed to. */
  reported(request: InboundRequest): void {
    const status = reportedStatus(request.body);
    request.respond(status === undefined ? 400 : 200);
    if (status !== undefined) this.deps.post({ type: 'refer-reported', by: 'notify', status });
  }

  /** `from` is the caller the third is shown. */
  call({ leg, plan, offer, attempt, referral }: ThirdCall, from: Party): void {
    if (plan.kind === 'join') this.join(plan, offer, leg);
    else this.dial(plan.target, { leg, from, offer, attempt, referral });
  }

  /** INVITE with Replaces: somebody who wants to sit on a leg of this call (RFC 3891). False when another one is before him. */
  offerCaller({ leg: call, trunk, digits, onOver: release = () => {} }: CallRequest, leg: LegName): boolean {
    if (this.caller !== undefined) {
      call.reject(486);
      release();
      return false;
    }
    this.deps.begun(leg, trunk === undefined ? 'browser' : 'trunk', call.callIdHeader);
    this.caller = { call, digits, release, seat: leg };
    call.cancelled.addEventListener(
      'abort',
      () => {
        if (this.caller?.call === call) this.deps.post({ type: 'third-failed', failure: 'cancelled', elsewhere: false });
      },
      { once: true },
    );
    this.deps.post({ type: 'replacement-offered', leg });
    return true;
  }

  answerCaller(sdp: string, kind: LegKind): void {
    const { caller } = this;
    this.caller = undefined;
    if (caller === undefined) return;
    const { call, digits, release, seat } = caller;
    const returns = kind === 'browser';
    const headers = returns ? { headers: this.deps.seats.resumeHeaders(seat) } : {};
    this.third = { kind, digits, flow: call.source.flow, returns, release, dialog: call.answer(sdp, headers) };
  }

  refuseCaller(status: number): void {
    this.caller?.call.reject(status);
    this.caller?.release();
    this.caller = undefined;
  }

  /** The third takes its place; who sat there is parted with. */
  seat(leg: LegName): void {
    const { third } = this;
    this.third = undefined;
    if (third?.dialog === undefined) return;
    const { dialog, kind, digits, flow, returns = false, release, movedTo } = third;
    const before = this.deps.seats.seat(leg, { dialog, kind, digits, returns, release, movedTo, ...(flow === undefined ? {} : { flow }) });
    if (before !== undefined) this.parted.add(before);
  }

  /** BYE to whoever was parted with and has not hung up; after the last report. */
  byeParted(): void {
    for (const dialog of this.parted) {
      void this.reports.then(() => this.bye(dialog));
    }
    this.parted.clear();
  }

  /** Gives the third leg up, whatever it is by now. */
  drop(): void {
    this.refuseCaller(480);
    const { third } = this;
    this.third = undefined;
    if (third === undefined) return;
    if (third.dialog === undefined) third.leg?.cancel();
    else {
      this.bye(third.dialog);
      third.release();
    }
  }

  /** The call is over: nothing of a transfer may outlive it. */
  letGo(): void {
    this.refer?.respond(481);
    this.refer = undefined;
    this.drop();
    this.byeParted();
  }

  private dial(target: RouteTarget, what: Dialled): void {
    const result = this.tryDial(target, what);
    if (result.kind === 'refused') {
      this.deps.post({ type: 'third-failed', failure: result.failure, elsewhere: false });
      return;
    }
    if (result.kind === 'exhausted') {
      this.deps.post({ type: 'third-exhausted' });
      return;
    }
    const { leg, flow, release, movedTo } = result;
    const begun = (callIdHeader: string): void => this.deps.begun(what.leg, target.kind, callIdHeader);
    begun(leg.callIdHeader);
    leg.onInvite?.(begun);
    const digits = target.kind === 'trunk' ? target.digits : undefined;
    const third: Third = { kind: target.kind, digits, leg, release, movedTo, ...(flow === undefined ? {} : { flow }) };
    this.third = third;
    this.follow(third, leg, result.tryNext);
  }

  private tryDial(target: RouteTarget, { leg, ...what }: Dialled): DialResult {
    const common = { callId: this.options.callId, ...this.options.accounting, ...what };
    try {
      return target.kind === 'trunk'
        ? this.deps.diallers.trunk.dial({ ...common, target })
        : this.deps.diallers.browser.dial({ ...common, target, headers: this.deps.seats.resumeHeaders(leg) });
    } catch (thrown) {
      this.deps.log.error({ kind: target.kind, fault: messageOf(thrown) }, 'the transfer’s target cannot be dialled');
      return { kind: 'refused', failure: 'internal' };
    }
  }

  private follow(third: Third, leg: OutboundCall, tryNext: Extract<DialResult, { readonly kind: 'dialling' }>['tryNext']): void {
    const current = (): boolean => this.third === third;
    leg.onProgress(({ status }) => {
      if (current()) this.deps.post({ type: 'third-progress', status });
    });
    leg.outcome.then(
      (outcome) => {
        if (outcome.kind === 'answered') {
          if (current()) this.answered(third, outcome.dialog, outcome.sdp);
          else this.bye(outcome.dialog);
          return;
        }
        third.release();
        if (!current()) return;
        this.third = undefined;
        const { failure, status } = classify(outcome, third.kind);
        const elsewhere = third.kind === 'trunk' && (tryNext === undefined ? failureOf(failure).elsewhere : tryNext(outcome) === 'peer');
        this.deps.post({ type: 'third-failed', failure, elsewhere, ...(status === undefined ? {} : { status }) });
      },
      (thrown: unknown) => {
        this.deps.log.error({ fault: messageOf(thrown) }, 'the SIP stack reported no outcome');
        if (current()) this.deps.post({ type: 'third-failed', failure: 'internal', elsewhere: false });
      },
    );
  }

  /** Moves the far end of another call's leg into this one by a re-INVITE. */
  private join(plan: Extract<TransferPlan, { readonly kind: 'join' }>, offer: string, leg: LegName): void {
    const failed = (status: number): void => this.deps.post({ type: 'third-failed', failure: 'rejected', status, elsewhere: false });
    const borrowed = this.deps.borrow(plan.call, plan.leg);
    if (borrowed === undefined) {
      failed(481);
      return;
    }
    this.deps.begun(leg, plan.to, borrowed.dialog.callIdHeader);
    const waiting: Third = { kind: plan.to, release: () => {} };
    this.third = waiting;
    borrowed.dialog.offer(offer).then(({ status, sdp }) => {
      if (status >= 300 || sdp === undefined) {
        if (this.third === waiting) failed(status);
        return;
      }
      const taken = this.third === waiting ? borrowed.take(this.options.callId) : borrowed.take();
      if (taken === undefined || this.third !== waiting) {
        // Its media points at us and nobody wants it any more.
        if (taken !== undefined) this.bye(taken.dialog);
        taken?.release();
        if (this.third === waiting) failed(481);
        return;
      }
      this.third = { ...taken };
      this.answered(this.third, taken.dialog, sdp);
    }, this.faultOf('a leg of another call'));
  }

  private faultOf(what: string): (thrown: unknown) => void {
    return (thrown) => {
      this.deps.log.error({ fault: messageOf(thrown) }, `${what} could not be taken over`);
      this.deps.post({ type: 'third-failed', failure: 'internal', elsewhere: false });
    };
  }

  private answered(third: Third, dialog: SipDialog, sdp: string): void {
    third.dialog = dialog;
    dialog.onEnd(() => {
      if (this.third !== third) return;
      this.third = undefined;
      third.release();
      this.deps.post({ type: 'third-failed', failure: 'rejected', elsewhere: false });
    });
    this.deps.post({ type: 'third-answered', sdp });
  }

  private bye(dialog: SipDialog): void {
    dialog.bye({ headers: [['Reason', formatReason(q850Reason(NORMAL_CLEARING))]] }).catch((thrown: unknown) => {
      this.deps.log.warn({ fault: messageOf(thrown) }, 'BYE could not be sent');
    });
  }
}
