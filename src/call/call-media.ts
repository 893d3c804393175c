/** The media side of one call: its session on the plane, worked on one step after another. */
import { GatewayError, messageOf } from '../base/errors.js';
import type { SessionId } from '../base/ids.js';
import type { Log } from '../base/log.js';
import type { SerialQueue } from '../base/serial-queue.js';
import type { LegName, LegOptions, MediaDirection, MediaErrorInfo, MediaPlane, SessionStats } from '../media/plane.js';
import type { Reoffer } from '../sip/port.js';
import type { CallEvent, CallerSdp } from './event.js';
import type { CallFactBody } from './facts.js';
import type { FailureCode } from './failure-code.js';
import type { CallRequest } from './request.js';

interface CallMediaDeps {
  readonly plane: MediaPlane;
  readonly queue: SerialQueue;
  readonly log: Log;
  readonly post: (event: CallEvent) => void;
  readonly fact: (body: CallFactBody) => void;
}

/** Turns media effects of a call into requests of the media plane, and their results into events. */
export class CallMedia {
  /** The counters at the end, once the session is closed. */
  lastStats: SessionStats | undefined;
  private readonly legOptions: { [leg in LegName]?: LegOptions };
  /** The offer of the caller that our description answers. */
  private callerOffer: string | undefined;
  /** The called side's last offer that was answered: what a 200 then says again is in force already. */
  private agreedByOffer: string | undefined;

  constructor(
    private readonly options: { readonly session: SessionId; readonly request: CallRequest },
    private readonly deps: CallMediaDeps,
  ) {
    this.legOptions = { a: options.request.media };
    this.callerOffer = options.request.leg.offer;
  }

  /**
   * The caller's leg first: when its offer is unusable no telephone rings. A caller without an
   * offer gets ours (RFC 3261 §13.3.1.4).
   */
  prepare(called: LegOptions): void {
    const { session, request } = this.options;
    const { plane, post } = this.deps;
    this.legOptions.b = called;
    this.deps.queue.push(async () => {
      try {
        await plane.open(session);
        const a = await this.describeCaller(request.media);
        const bOffer = await plane.offer(session, 'b', called);
        post({ type: 'media-ready', a, bOffer });
      } catch (thrown) {
        this.note('the media of the call cannot be prepared', thrown);
        post({ type: 'media-refused', ...mediaRefusal(thrown) });
      }
    });
  }

  /** Another target may be of another kind, so its leg begins from nothing. */
  prepareCallee(called: LegOptions): void {
    const { session } = this.options;
    const { plane, post } = this.deps;
    this.legOptions.b = called;
    this.deps.queue.push(async () => {
      try {
        await plane.drop(session, 'b');
        this.agreedByOffer = undefined;
        post({ type: 'callee-ready', bOffer: await plane.offer(session, 'b', called) });
      } catch (thrown) {
        this.note('the media of the next target cannot be prepared', thrown);
        post({ type: 'media-refused', ...mediaRefusal(thrown) });
      }
    });
  }

  /** The plane counts a browser's set-up time from our answer; it has not been sent while the telephone network is silent. */
  renewCaller(): void {
    this.deps.queue.push(async () => {
      await this.describeCaller(this.options.request.media);
    });
  }

  acceptCallee(sdp: string, stage: 'early' | 'final', attempt: number): void {
    const { plane, post } = this.deps;
    this.deps.queue.push(async () => {
      try {
        if (stage === 'early' || sdp !== this.agreedByOffer) await plane.accept(this.options.session, 'b', sdp);
        post(stage === 'early' ? { type: 'early-accepted', attempt } : { type: 'final-accepted' });
      } catch (thrown) {
        this.note(`the ${stage} session description of the called side is refused`, thrown);
        post(stage === 'early' ? { type: 'early-refused', attempt } : { type: 'final-refused', failure: mediaRefusal(thrown).failure });
      }
    });
  }

  /** How a leg is made. */
  optionsOf(leg: LegName): LegOptions {
    return this.legOptions[leg] ?? this.options.request.media;
  }

  /** Somebody else sits on the leg, whose media is made another way. */
  seated(leg: LegName, media: LegOptions | undefined): void {
    if (media !== undefined) this.legOptions[leg] = media;
  }

  /** Takes the answer that came in an ACK. */
  acceptAnswer(leg: LegName, sdp: string): void {
    this.deps.queue.push(async () => {
      try {
        await this.deps.plane.accept(this.options.session, leg, sdp);
      } catch (thrown) {
        this.note('the answer in an ACK is refused', thrown);
        this.deps.post({ type: 'answer-refused', leg });
      }
    });
  }

  /** A refused re-offer leaves the leg as it was agreed before (RFC 3261 §14.2, RFC 6337 §4). */
  answerOffer(leg: LegName, sdp: string | undefined, reoffer: Reoffer | undefined, direction: MediaDirection = 'sendrecv'): void {
    if (reoffer === undefined) return;
    this.deps.queue.push(async () => {
      try {
        const ours = await this.describeAgain(leg, sdp, direction);
        if (leg === 'a') this.callerOffer = sdp;
        else this.agreedByOffer = sdp;
        reoffer.accept(ours);
        this.deps.post({ type: 'redescribed', leg, sdp: ours });
        this.deps.fact({ type: 'reoffer', leg, accepted: true });
      } catch (thrown) {
        this.note('a re-offer is refused; the call goes on as before', thrown);
        reoffer.reject(mediaRefusal(thrown).failure === 'media-not-acceptable' ? 488 : 500);
        this.deps.fact({ type: 'reoffer', leg, accepted: false });
      }
    });
  }

  close(): void {
    this.deps.queue.push(async () => {
      try {
        this.lastStats = await this.deps.plane.close(this.options.session);
      } catch (thrown) {
        this.note('the media session did not close cleanly', thrown);
      } finally {
        this.deps.post({ type: 'part-closed', part: 'media' });
      }
    });
  }

  private async describeCaller(media: LegOptions): Promise<CallerSdp> {
    const offer = this.callerOffer;
    const { plane } = this.deps;
    const { session } = this.options;
    if (offer === undefined) return { role: 'offer', sdp: await plane.offer(session, 'a', media) };
    return { role: 'answer', sdp: await plane.answer(session, 'a', offer, media) };
  }

  private describeAgain(leg: LegName, sdp: string | undefined, direction: MediaDirection): Promise<string> {
    const { plane } = this.deps;
    const { session } = this.options;
    const media = this.optionsOf(leg);
    return sdp === undefined ? plane.offer(session, leg, { ...media, direction }) : plane.answer(session, leg, sdp, media);
  }

  private note(what: string, thrown: unknown): void {
    this.deps.log.warn({ session: this.options.session, fault: messageOf(thrown) }, what);
  }
}

/** What a fault of the media plane means to the caller. */
export function mediaRefusal(thrown: unknown): { readonly failure: FailureCode; readonly status?: number } {
  switch (mediaCode(thrown)) {
    case 'sdp-malformed':
      return { failure: 'media-not-acceptable', status: 400 };
    case 'sdp-not-acceptable':
      return { failure: 'media-not-acceptable' };
    case 'no-free-ports':
      return { failure: 'too-many-calls' };
    default:
      return { failure: 'media-setup-failed' };
  }
}

function mediaCode(thrown: unknown): MediaErrorInfo['code'] | undefined {
  return thrown instanceof GatewayError ? (thrown as GatewayError<MediaErrorInfo>).code : undefined;
}
