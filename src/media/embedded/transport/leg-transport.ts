import type { LegFailure, SilenceCause } from '../../plane.js';

/** Why a datagram on a leg came to nothing; the keys of `LegStats.dropped`. */
export type DropReason = 'source' | 'srtp' | 'replay' | 'malformed' | 'before-dtls' | 'payload-type';

/**
 * What a leg asks of its sockets. `send` and the handlers run for every packet: no promise, no
 * object, no log line.
 */
export interface LegTransport {
  /** Whether media may be sent now: DTLS is up, or an address to send to is known. */
  readonly isReady: boolean;
  /** Sends `buffer[0, length)`, an RTP packet of extended sequence number `index`; 64 bytes behind it are free. False when it did not leave. */
  send(buffer: Buffer, length: number, index: number): boolean;
  /** Sends `buffer[0, length)`, a compound RTCP packet; 64 bytes behind it are free. */
  sendRtcp(buffer: Buffer, length: number): void;
  /** Text for the page on its data channel; false when there is none open. */
  sendText(text: string): boolean;
  /** Looks at what time has done; called about twice a second. */
  tick(nowMs: number): void;
  /** Nothing has arrived for a while; time to find out why. Called once per silence. */
  investigateSilence(): void;
  /** The transport's own view of why nothing arrives; undefined when it has none. */
  silenceCause(nowMs: number): SilenceCause | undefined;
  /** Sockets held now. */
  readonly sockets: number;
  close(): Promise<void>;
}

export interface LegTransportHandlers {
  /** A packet that may be believed, decrypted, in `buffer[0, length)`. Its length may be less than the buffer's. */
  readonly onRtp: (buffer: Buffer, length: number) => void;
  readonly onRtcp: (buffer: Buffer, length: number) => void;
  readonly onDropped: (reason: DropReason) => void;
  readonly onUp: () => void;
  readonly onFailed: (cause: LegFailure, detail: string) => void;
  readonly onGone: (detail: string) => void;
  /** The page has opened its data channel. */
  readonly onChannel: () => void;
  /** A text of the page on it. */
  readonly onText: (text: string) => void;
}
