/**
 * The media plane port: what the call core asks of whatever moves RTP. Every argument, result and
 * event is plain structured-clonable data, so worker threads and an external media engine are two
 * implementations of the same thing. RTP itself never crosses it.
 *
 * A session joins two legs, `a` (the calling side) and `b` (the called side). Media that arrives on
 * one leg leaves on the other as soon as both can carry it, which is how early media works: nobody
 * has to switch anything on.
 */
import type { SessionId } from '../base/ids.js';
import type { LiveObjects } from '../base/live-objects.js';
import type { Startable } from '../base/startable.js';
import type { Digit } from './dtmf/digit.js';

export type LegName = 'a' | 'b';
export const otherLeg = (leg: LegName): LegName => (leg === 'a' ? 'b' : 'a');
/** `c` is a leg in the making that carries nothing to the others until it takes the place of one (`replace`). */
export type LegSlot = LegName | 'c';

/** As in SDP, from the side of whoever wrote it (RFC 3264 §5.1). */
export type MediaDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export type AudioCodec = 'PCMU' | 'PCMA';

export type { Digit };

/**
 * How digits travel in the media of a leg. auto: telephone-events where the peer takes them, else tones.
 * none: not in the media at all (SIP INFO).
 */
export type DigitCarriage = 'auto' | 'events' | 'tones' | 'none';

/** Number of a press within its session: the same in `digit`, `digit-sent`, `digit-unsent` and what `sendDigits` resolves with. */
export type PressId = number;

/** A browser: ICE, DTLS-SRTP, rtcp-mux, BUNDLE. */
export interface WebRtcLegOptions {
  readonly kind: 'webrtc';
  /** In order of preference. */
  readonly codecs: readonly AudioCodec[];
  /** What an offer of ours says, `sendrecv` when absent. An answer follows its offer. */
  readonly direction?: MediaDirection;
  /** `events` when absent; `tones` and `none` offer no telephone-event. */
  readonly digits?: DigitCarriage;
}

/** A trunk: RTP and RTCP over UDP on an even/odd port pair. */
export interface UdpLegOptions {
  readonly kind: 'udp';
  readonly codecs: readonly AudioCodec[];
  /** CIDR blocks from which a source other than the SDP address may be learnt; empty = only the SDP address itself (any port). */
  readonly learnFrom: readonly string[];
  /** Whether audio that begins anew carries the marker bit (RFC 3551 §4.1), as it does when absent; telephone-events do in any case. */
  readonly audioMarker?: 'never';
  /** What an offer of ours says, `sendrecv` when absent. An answer follows its offer. */
  readonly direction?: MediaDirection;
  /** `events` when absent; `tones` and `none` offer no telephone-event. */
  readonly digits?: DigitCarriage;
}

export type LegOptions = WebRtcLegOptions | UdpLegOptions;

export interface DigitToSend {
  readonly digit: Digit;
  /** Milliseconds of tone, 40 to 6000. */
  readonly durationMs: number;
  /** Silence after it before the next, 40 when absent; measured from the end of the digit. */
  readonly gapMs?: number;
  /** `page` when absent: the page may send the same press in its RTP too. `api`: nobody pressed it, so no copy of it can come. */
  readonly origin?: 'page' | 'api';
}

/** Why a direction carries nothing, as far as it can be told. */
export type SilenceCause = 'nothing-received' | 'source-mismatch' | 'srtp-failing' | 'ice-lost' | 'dtls-pending' | 'unreachable';

export type LegFailure = 'ice-failed' | 'dtls-failed' | 'fingerprint-mismatch' | 'setup-timeout';

export type MediaEvent =
  /** webrtc: DTLS is up and keys are in place. udp: the first packet was accepted and the source is locked. */
  | { readonly type: 'leg-up'; readonly session: SessionId; readonly leg: LegSlot }
  | { readonly type: 'leg-failed'; readonly session: SessionId; readonly leg: LegSlot; readonly cause: LegFailure; readonly detail: string }
  /** The browser said goodbye on DTLS (close_notify) or stopped answering consent checks (RFC 7675). */
  | { readonly type: 'leg-gone'; readonly session: SessionId; readonly leg: LegSlot; readonly detail: string }
  /** Nothing usable has arrived ON `leg` for `silentMs`. `detail` is a sentence an operator can act on. */
  | {
      readonly type: 'media-silent';
      readonly session: SessionId;
      readonly leg: LegSlot;
      readonly silentMs: number;
      readonly cause: SilenceCause;
      readonly detail: string;
    }
  /** What the far end of a leg does has changed by an offer or answer of its own: `sendonly`, `inactive` and `c=0.0.0.0` are hold (RFC 3264 §8.4). */
  | { readonly type: 'leg-direction'; readonly session: SessionId; readonly leg: LegSlot; readonly direction: MediaDirection }
  | { readonly type: 'media-resumed'; readonly session: SessionId; readonly leg: LegSlot }
  /** A digit arrived on `leg`; one event per key press, when its length is known. `relayed`: it is going out on the other leg, where `digit-sent` or `digit-unsent` follows with the same press. */
  | {
      readonly type: 'digit';
      readonly session: SessionId;
      readonly leg: LegSlot;
      readonly press: PressId;
      readonly digit: Digit;
      readonly by: 'rfc4733' | 'inband';
      readonly durationMs: number;
      readonly relayed: boolean;
    }
  /** A digit has left on `leg`: with its last packet, or, where the stream ended before that, with the first that tells its end. */
  | {
      readonly type: 'digit-sent';
      readonly session: SessionId;
      readonly leg: LegSlot;
      readonly press: PressId;
      readonly as: 'rfc4733' | 'inband';
      readonly durationMs: number;
      readonly packets: number;
    }
  /** A digit that should have left on `leg` will not any more. */
  | {
      readonly type: 'digit-unsent';
      readonly session: SessionId;
      readonly leg: LegSlot;
      readonly press: PressId;
      readonly why: 'format-changed' | 'closed' | 'queue-full';
    }
  /** The page of `leg` has opened its data channel, the one with label `call`: `sendMessage` is taken from now on. */
  | { readonly type: 'channel-up'; readonly session: SessionId; readonly leg: LegSlot }
  /** A text of the page on that channel, as it came: one a second and 1,024 characters at most, what is more is dropped. */
  | { readonly type: 'channel-text'; readonly session: SessionId; readonly leg: LegSlot; readonly text: string }
  /** A hook flash (RFC 4733 event 16) arrived on `leg`. */
  | { readonly type: 'flash'; readonly session: SessionId; readonly leg: LegSlot; readonly relayed: boolean }
  /** The worker that held the session died; the session is gone. */
  | { readonly type: 'session-lost'; readonly session: SessionId; readonly detail: string };

/** Counters of one leg since it was made. Jitter and loss as RFC 3550 §A.8 and §A.3 define them. */
export interface LegStats {
  readonly kind: 'webrtc' | 'udp';
  readonly codec?: AudioCodec;
  readonly up: boolean;
  readonly packetsReceived: number;
  readonly bytesReceived: number;
  readonly packetsSent: number;
  readonly bytesSent: number;
  readonly packetsLost: number;
  readonly jitterMs: number;
  /** From RTCP, undefined until a report block came back (RFC 3550 §6.4.1). */
  readonly roundTripMs?: number;
  /** Share of what we sent that the far end says it lost, 0..1. */
  readonly farLossFraction?: number;
  readonly digitsReceived: number;
  readonly digitsSent: number;
  /** Dropped by reason: `source`, `srtp`, `replay`, `malformed`, `before-dtls`, `payload-type`; presses, not packets: `digit-copy`, `digit-echo`. */
  readonly dropped: Readonly<Record<string, number>>;
}

export interface SessionStats {
  readonly session: SessionId;
  /** Each direction as one line, e.g. `webrtc(PCMU,te 126/8000) > srtp > dtmf > g711 > udp(PCMA,te 101/8000)`. */
  readonly path: readonly string[];
  readonly a?: LegStats;
  readonly b?: LegStats;
}

export type MediaErrorInfo =
  /** The SDP cannot be read at all: 400. */
  | { readonly code: 'sdp-malformed'; readonly detail: string }
  /** It can be read and offers nothing we can take: 488. */
  | { readonly code: 'sdp-not-acceptable'; readonly detail: string }
  | { readonly code: 'no-free-ports' }
  | { readonly code: 'no-worker' }
  | { readonly code: 'unknown-session'; readonly session: SessionId }
  | { readonly code: 'wrong-state'; readonly detail: string };

/** All methods reject with `GatewayError<MediaErrorInfo>`. */
export interface MediaPlane extends Startable {
  onEvent(handler: (event: MediaEvent) => void): void;
  open(session: SessionId): Promise<void>;
  /** Makes the leg (or offers anew on it) and resolves with our offer. */
  offer(session: SessionId, leg: LegSlot, options: LegOptions): Promise<string>;
  /** Takes the peer's offer and resolves with our answer. Calling it again on a leg is a re-offer: same socket, same keys, `o=` version +1 only when something changed (RFC 3264 §8). */
  answer(session: SessionId, leg: LegSlot, offer: string, options: LegOptions): Promise<string>;
  /** Takes the peer's answer to our offer. May be called again for another early dialog or the final answer: the socket stays, the remote moves. */
  accept(session: SessionId, leg: LegSlot, answer: string): Promise<void>;
  /** `c` takes the place of `leg`, whose sockets and keys are freed; from now on its events and counters are `leg`'s. Resolves with the last counters of the one that went. */
  replace(session: SessionId, leg: LegName): Promise<LegStats | undefined>;
  /** Frees one leg and keeps the session; the leg may then be made anew, of another kind if need be. Resolves with its last counters. */
  drop(session: SessionId, leg: LegSlot): Promise<LegStats | undefined>;
  /**
   * Sends digits on `leg`, in order, after those already waiting; resolves when queued, with a press for each. A digit of
   * the page whose key is down on the other leg just now is the press that is being relayed, and is not sent again.
   * Rejects with `wrong-state`, and sends none, when the leg cannot carry them all: its carriage is `none`, or the
   * peer takes no telephone-events or not these.
   */
  sendDigits(session: SessionId, leg: LegName, digits: readonly DigitToSend[]): Promise<readonly PressId[]>;
  /** Sends text on the page's data channel, the one with label `call`. False when the leg has none open. */
  sendMessage(session: SessionId, leg: LegName, text: string): Promise<boolean>;
  stats(session: SessionId): Promise<SessionStats>;
  /** Counters of many sessions at once; those that are not there, or not any more, are left out. */
  statsOf(sessions: readonly SessionId[]): Promise<readonly SessionStats[]>;
  /** Frees everything and resolves with the last counters. Idempotent: an unknown session resolves with none. */
  close(session: SessionId): Promise<SessionStats | undefined>;
  /** Kinds: `media_session`, `media_socket`, `media_timer`, `media_port`, `media_worker`. `media_worker` stays up for life. */
  liveObjects(): Promise<LiveObjects>;
}
