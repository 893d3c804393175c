/** What a connected call can be asked to do besides talking: hold and transfer. Does their effects. */
import type { CallId, SessionId } from '../base/ids.js';
import type { Log } from '../base/log.js';
import type { SerialQueue } from '../base/serial-queue.js';
import { type LegName, type LegOptions, type MediaDirection, type MediaPlane, otherLeg } from '../media/plane.js';
import type { InboundRequest } from '../sip/port.js';
import type { CallMedia } from './call-media.js';
import type { CallEffect } from './effect.js';
import type { CallEvent } from './event.js';
import type { LegKind, Party } from './facts.js';
import { failureOf } from './failure.js';
import { HoldTeller } from './hold-teller.js';
import type { CallLegs } from './legs.js';
import type { Diallers, RouteTarget } from './ports.js';
import { accountingOf, type CallRequest } from './request.js';
import { type Referral, type ReplacedDialog, readRefer } from './transfer/refer.js';
import { type Borrowed, TransferLegs } from './transfer/transfer-legs.js';
import { TransferMedia } from './transfer/transfer-media.js';
import type { TransferPolicy } from './transfer/transfer-policy.js';

/** A leg of some call, by its dialog. */
export interface FoundLeg {
  readonly call: CallId;
  readonly leg: LegName;
  readonly kind: LegKind;
  /** Who sits on the other leg of that call. */
  readonly survivor: { readonly kind: LegKind; readonly media: LegOptions };
}

/** The other calls of the gateway, as a transfer may reach for them. */
export interface OtherCalls {
  find(dialog: ReplacedDialog): FoundLeg | undefined;
  borrow(call: CallId, leg: LegName): Borrowed | undefined;
}

interface MidCallOptions {
  readonly callId: CallId;
  readonly session: SessionId;
  readonly request: CallRequest;
}

interface MidCallDeps {
  readonly plane: MediaPlane;
  readonly queue: SerialQueue;
  readonly media: CallMedia;
  readonly legs: CallLegs;
  readonly diallers: Diallers;
  readonly others: OtherCalls;
  /** Absent: nobody may transfer. */
  readonly transfers?: TransferPolicy;
  readonly log: Log;
  readonly post: (event: CallEvent) => void;
  /** Somebody is called, calls in, or is taken from another call, to sit on a leg. */
  readonly begun: (leg: LegName, kind: LegKind, callIdHeader: string) => void;
}

type Judged = Extract<CallEvent, { type: 'refer-allowed' | 'refer-passed' | 'refer-denied' }>;

/** The SIP status of a REFER whose target is a leg we cannot move: a page's media belongs to its connection. */
const CANNOT_MOVE = 501;

/** Hold and transfer of one call. */
export class MidCall {
  private readonly transferLegs: TransferLegs;
  private readonly transferMedia: TransferMedia;
  private readonly holds: HoldTeller;
  /** Who was dialled for `b`. */
  private target: RouteTarget | undefined;
  /** The offer of an INVITE with Replaces that waits for its answer. */
  private replacement: CallRequest | undefined;

  constructor(
    private readonly options: MidCallOptions,
    private readonly deps: MidCallDeps,
  ) {
    const { plane, queue, legs, media, log, post } = deps;
    const { session } = options;
    this.transferLegs = new TransferLegs(
      { callId: options.callId, accounting: accountingOf(options.request) },
      { seats: legs, diallers: deps.diallers, borrow: (call, leg) => deps.others.borrow(call, leg), log, post, begun: deps.begun },
    );
    this.transferMedia = new TransferMedia({ session }, { plane, queue, log, post });
    this.holds = new HoldTeller(
      { session },
      {
        ...{ plane, queue, log, post },
        dialogOf: (leg) => legs.dialogOf(leg),
        optionsOf: (leg) => media.optionsOf(leg),
        wanted: (leg) => this.trunkOn(leg)?.hold !== 'absorb',
      },
    );
  }

  dialled(target: RouteTarget): void {
    this.target = target;
  }

  /** REFER, or a NOTIFY about one we passed on. */
  request(leg: LegName, request: InboundRequest): void {
    if (request.method === 'NOTIFY') {
      if (/^refer\b/i.test(request.headers.get('Event') ?? '')) this.transferLegs.reported(request);
      else request.respond(489);
      return;
    }
    const reading = readRefer(request.headers);
    if (reading.kind === 'refused') {
      request.respond(reading.status);
      return;
    }
    this.transferLegs.take(request);
    const { referredBy, ...anonymous } = reading.referral;
    // What a page says of itself counts for nothing.
    const believed = referredBy !== undefined && this.deps.legs.kindOf(leg) === 'trunk';
    this.deps.post({ type: 'referred', leg, referral: believed ? reading.referral : anonymous });
  }

  /** Somebody calls in to take the place of `leg`. */
  replace(request: CallRequest, leg: LegName): void {
    const before = this.replacement;
    this.replacement = request;
    if (!this.transferLegs.offerCaller(request, leg)) this.replacement = before;
  }

  /** What the far end of a leg in the making does. */
  thirdSays(direction: MediaDirection): void {
    this.transferMedia.thirdSays(direction);
  }

  /** True when the effect is one of hold or transfer, and done. */
  run(effect: CallEffect): boolean {
    switch (effect.do) {
      case 'tell-hold':
        this.holds.tell(effect.leg, effect.direction);
        return true;
      case 'judge-refer':
        this.deps.post(this.judge(effect.leg, effect.referral));
        return true;
      case 'answer-refer':
        this.transferLegs.answerRefer(effect.status, effect.reports);
        return true;
      case 'report-refer':
        this.transferLegs.report(effect.leg, effect.status);
        return true;
      case 'pass-refer':
        this.transferLegs.pass(effect.leg, effect.uri);
        return true;
      default:
        return this.runThird(effect);
    }
  }

  letGo(): void {
    this.transferLegs.letGo();
  }

  private runThird(effect: CallEffect): boolean {
    switch (effect.do) {
      case 'prepare-third':
        this.transferMedia.describe(effect.media);
        return true;
      case 'describe-third':
        this.describeReplacement(effect.leg);
        return true;
      case 'call-third':
        this.transferLegs.call(effect, this.shownTo(effect.leg));
        return true;
      case 'accept-third':
        this.transferMedia.accept(effect.sdp);
        return true;
      case 'answer-third':
        this.transferLegs.answerCaller(effect.sdp, effect.kind);
        return true;
      case 'refuse-third':
        this.transferLegs.refuseCaller(effect.status);
        return true;
      case 'seat-third':
        this.transferLegs.seat(effect.leg);
        this.deps.media.seated(effect.leg, this.transferMedia.seat(effect.leg));
        if (effect.leg === 'b') this.target = undefined;
        return true;
      case 'drop-third':
        this.transferLegs.drop();
        this.transferMedia.drop();
        return true;
      case 'bye-parted':
        this.transferLegs.byeParted();
        return true;
      default:
        return false;
    }
  }

  private describeReplacement(leg: LegName): void {
    const offer = this.replacement?.leg.offer;
    this.replacement = undefined;
    if (offer === undefined) this.deps.post({ type: 'third-media-refused', failure: 'media-not-acceptable' });
    else this.transferMedia.describe(this.deps.media.optionsOf(leg), offer);
  }

  /** A dialog of another call is joined; everything else is dialled, or passed on to a carrier that wants it so. */
  private judge(leg: LegName, referral: Referral): Judged {
    const { transfers, legs, others } = this.deps;
    const by = legs.kindOf(leg);
    const user = this.userOn(leg);
    const ask = { request: this.options.request, by, referral, ...(user === undefined ? {} : { user }) };
    if (transfers?.mayTransfer(ask) !== true) return { type: 'refer-denied', status: 403, failure: 'destination-denied' };
    const found = referral.replaces === undefined ? undefined : others.find(referral.replaces);
    if (found !== undefined && found.call !== this.options.callId) return joined(found, by);
    const verdict = transfers.judge(ask);
    if (verdict.kind === 'refused') {
      return { type: 'refer-denied', status: failureOf(verdict.failure).sipStatus, failure: verdict.failure };
    }
    const far = by === 'browser' ? this.trunkOn(otherLeg(leg)) : undefined;
    if (far?.trunk !== undefined && far.transfer === 'refer' && verdict.target.kind === 'trunk') {
      return this.passed(far.trunk, verdict.target.number);
    }
    return { type: 'refer-allowed', plan: { kind: 'dial', target: verdict.target } };
  }

  /** The number that was judged, at the trunk's own host and in its own format: what else a page writes into Refer-To leads elsewhere. */
  private passed(trunk: string, number: string): Judged {
    const { callId, request } = this.options;
    const named = this.deps.diallers.trunk.referTo({ callId, trunk, number, ...accountingOf(request) });
    if (named.kind === 'uri') return { type: 'refer-passed', uri: named.uri };
    return { type: 'refer-denied', status: failureOf(named.failure).sipStatus, failure: named.failure };
  }

  /** What the trunk of a leg wants, as long as the leg is that trunk's. */
  private trunkOn(leg: LegName): Pick<CallRequest, 'trunk' | 'hold' | 'transfer'> | undefined {
    if (leg === 'a') return this.options.request;
    return this.target?.kind === 'trunk' ? this.target : undefined;
  }

  private userOn(leg: LegName): string | undefined {
    const { legs } = this.deps;
    if (legs.isGuest(leg) || legs.kindOf(leg) !== 'browser') return undefined;
    if (leg === 'a') return this.options.request.user;
    return this.target?.kind === 'browser' ? this.target.user : undefined;
  }

  /** The caller the third sees is the one who stays. */
  private shownTo(referrer: LegName): Party {
    const { request } = this.options;
    return referrer === 'b' ? request.from : { number: request.to };
  }
}

/** The one who transfers must be the one whose dialog is replaced; a page that stays cannot be moved. */
function joined(found: FoundLeg, by: LegKind): Judged {
  if (found.kind !== by) return { type: 'refer-denied', status: 403, failure: 'destination-denied' };
  const { survivor } = found;
  if (survivor.kind === 'browser') return { type: 'refer-denied', status: CANNOT_MOVE, failure: 'media-not-acceptable' };
  return {
    type: 'refer-allowed',
    plan: { kind: 'join', call: found.call, leg: otherLeg(found.leg), to: survivor.kind, media: survivor.media },
  };
}
