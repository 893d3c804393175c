import type { TrunkTarget } from '../call/ports.js';
import type { Credentials, OutboundOptions, SessionTimerChoice } from '../sip/port.js';

/** One signalling address of a carrier. Lower `priority` first. */
export interface TrunkPeer {
  /** `sip:host:port;transport=udp`. */
  readonly uri: string;
  readonly priority: number;
  readonly weight: number;
}

/**
 * How numbers are written toward the trunk: `+441234567890`, `441234567890`, as they are dialled
 * inside its country (`01234567890`, others `0033…`), or as they came.
 */
export type NumberFormat = 'e164' | 'e164-no-plus' | 'national' | 'as-dialled';

/** The country a trunk stands in, for national numbers. */
export interface NumberPlan {
  /** Without `+`; absent: numbers that come without `+` are left as they are. */
  readonly countryCode?: string;
  /** Before a number of the same country: `0` in most of Europe, `1` in North America, empty in some. */
  readonly nationalPrefix: string;
  readonly internationalPrefix: string;
}

/** How a number becomes a Request-URI. */
export interface NumberUri {
  readonly scheme: 'sip' | 'tel';
  /** Adds `;user=phone` to sip URIs (RFC 3261 §19.1.1). */
  readonly userPhone: boolean;
}

/** What a carrier is told of the caller. */
export interface IdentityRules {
  /** The number in From: the caller's, the account we register with, or the trunk's own `callerId`. */
  readonly from: 'caller' | 'account' | 'trunk';
  /** The header that carries the caller beside From (RFC 3325 §9.1, §9.2). */
  readonly header: 'none' | 'P-Asserted-Identity' | 'P-Preferred-Identity';
  readonly displayName: boolean;
  /** Whether these pass from the trunk a call came in on: Diversion (RFC 5806), History-Info (RFC 7044), Identity (RFC 8224). */
  readonly diversion: boolean;
  readonly historyInfo: boolean;
  readonly signed: boolean;
}

/** Final statuses after which a call is tried elsewhere. Transport failures always go to the next peer. */
export interface RetryRules {
  readonly nextPeer: readonly number[];
  readonly nextTrunk: readonly number[];
}

/** OPTIONS as a sign of life (RFC 3261 §11). */
export interface ProbeRules {
  readonly intervalMs: number;
  /** How long an answer may take. */
  readonly timeoutMs: number;
  /** Unanswered probes in a row that take a peer down. */
  readonly failures: number;
  /** Answered ones in a row that bring it back. */
  readonly successes: number;
}

/** Our registration with the carrier (RFC 3261 §10.2). */
export interface RegisterOptions {
  readonly user: string;
  readonly domain: string;
  readonly expiresSeconds: number;
  /** User of our Contact, which inbound calls then name; the account when absent. */
  readonly contactUser?: string;
}

/**
 * What opens early media: its first packet, SDP in a provisional response alone, SDP where P-Early-Media
 * permits it (RFC 5009), or nothing.
 */
export type EarlyMediaRule = 'heard' | 'relay' | 'authorised' | 'ignore';

export interface TrunkOptions {
  readonly id: string;
  readonly peers: readonly TrunkPeer[];
  readonly credentials?: Credentials;
  /** Host part of From, our own address toward the carrier; the peer's host when absent. */
  readonly domain?: string;
  /** Number shown when the caller has none of its own. */
  readonly callerId: string;
  readonly numberFormat: NumberFormat;
  readonly numberPlan?: NumberPlan;
  readonly numberUri?: NumberUri;
  readonly identity?: IdentityRules;
  readonly register?: RegisterOptions;
  readonly probe?: ProbeRules;
  readonly retry?: RetryRules;
  /** What a 3xx leads to: nothing, or another number of the same trunk that may be dialled. */
  readonly redirect?: 'refuse' | 'same-trunk';
  /** How long a peer may say nothing at all to an INVITE before the next one is tried. */
  readonly silentMs?: number;
  /** How long it may stay at 100 Trying. */
  readonly stalledMs?: number;
  readonly reliable?: NonNullable<OutboundOptions['reliable']>;
  readonly sessionTimer?: SessionTimerChoice;
  readonly earlyMedia?: EarlyMediaRule;
  readonly transfer?: NonNullable<TrunkTarget['transfer']>;
  /** Whether the trunk hears of a page that holds. */
  readonly hold?: NonNullable<TrunkTarget['hold']>;
  /** How digits go in and out; as telephone-events alone when absent. */
  readonly digits?: NonNullable<TrunkTarget['digits']>;
  readonly codecs: TrunkTarget['media']['codecs'];
  /** CIDR blocks whose INVITEs are this trunk's, besides the peers that are given by address. */
  readonly allow: readonly string[];
  /** CIDR blocks its RTP may come from besides the address in its SDP. */
  readonly mediaAllow: readonly string[];
  /** Whether the carrier gets marker bits in audio. */
  readonly audioMarker?: 'talkspurt' | 'never';
  /** Calls at one time, both directions. */
  readonly maxCalls?: number;
  /** New outbound calls. */
  readonly callsPerSecond?: number;
}

/** Rules of a trunk that names none. */
export const defaultIdentity: IdentityRules = {
  from: 'caller',
  header: 'none',
  displayName: true,
  diversion: false,
  historyInfo: false,
  signed: false,
};
export const defaultNumberPlan: NumberPlan = { nationalPrefix: '0', internationalPrefix: '00' };
export const defaultRetry: RetryRules = { nextPeer: [408, 502, 503, 504], nextTrunk: [401, 407] };
export const defaultSilentMs = 5_000;
export const defaultStalledMs = 30_000;
