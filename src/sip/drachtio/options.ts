import type { Clock } from '../../base/clock.js';
import type { Log } from '../../base/log.js';
import type { SessionTimerChoice } from '../port.js';
import type { SipTrace } from '../trace.js';

/** A drachtio server we connect to ("inbound" in its documentation). */
export interface DrachtioServer {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
  /** Connect with TLS; `ca` is PEM, the system's authorities when absent. */
  readonly tls?: { readonly ca?: string; readonly verifyPeer: boolean };
}

/** Where drachtio servers connect to us, one connection for each call ("outbound" in its documentation). */
export interface DrachtioListen {
  readonly host: string;
  readonly port: number;
  readonly secret: string;
}

/** What the drachtio adapter is told. */
export interface DrachtioSipOptions {
  readonly servers: readonly DrachtioServer[];
  readonly listen?: DrachtioListen;
  readonly userAgent: string;
  /** For calls that choose none; half an hour when absent. */
  readonly sessionTimer?: SessionTimerChoice;
  readonly timing?: Partial<DrachtioTiming>;
}

export interface DrachtioSipDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Uniform in [0, 1): waits before reconnecting and after glare. */
  readonly random?: () => number;
  /** Who is told of every message, as it is when a connection with a server begins. */
  readonly trace?: () => SipTrace | undefined;
}

/** Time limits of the adapter; the SIP timers themselves are the server's. */
export interface DrachtioTiming {
  /** How long `start` waits for the first server. */
  readonly startMs: number;
  readonly connectMs: number;
  readonly firstRetryMs: number;
  readonly maxRetryMs: number;
  readonly pingMs: number;
  /** A connection on which nothing was heard for so long is given up. */
  readonly silenceMs: number;
  /** A bit above 64*T1 (32 s): by then the server must have reported a time-out itself. */
  readonly answerMs: number;
  /** A reliable provisional response must have its PRACK (RFC 3262 §3). */
  readonly prackMs: number;
  /** How long `stop` waits for the answers to its last messages. */
  readonly farewellMs: number;
}

export const defaultDrachtioTiming: DrachtioTiming = {
  startMs: 10_000,
  connectMs: 5_000,
  firstRetryMs: 500,
  maxRetryMs: 15_000,
  pingMs: 15_000,
  silenceMs: 45_000,
  answerMs: 35_000,
  prackMs: 32_000,
  farewellMs: 1_000,
};

/** Why the adapter could not start. */
export type DrachtioError =
  | { readonly code: 'drachtio-unreachable'; readonly servers: number }
  | { readonly code: 'drachtio-secret-refused'; readonly host: string; readonly port: number }
  | { readonly code: 'drachtio-listen-failed'; readonly host: string; readonly port: number };
