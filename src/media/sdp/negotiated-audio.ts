/**
 * What an offer and its answer came to, for one leg: plain data that the media worker sets its
 * sockets, keys and relay by. Payload numbers are per direction (RFC 3264 §6.1).
 */

export type SdpCodec = 'PCMU' | 'PCMA';
export type SdpDirection = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
export type DtlsSetup = 'active' | 'passive' | 'actpass' | 'holdconn';

export interface ReceiveFormat {
  readonly payloadType: number;
  readonly format: SdpCodec | 'telephone-event';
}

export interface NegotiatedTelephoneEvent {
  readonly clockRateHz: number;
  /** Number to put on events we send; absent when the peer takes none. */
  readonly sendPayloadType?: number;
  /** Bit n set: the peer listed event n in its fmtp; 0–15 when it listed none (RFC 4733 §2.4.1). */
  readonly sendEventMask: number;
}

export interface IceParameters {
  readonly usernameFragment: string;
  readonly password: string;
  readonly lite: boolean;
  /** `candidate:` lines without `a=` and without the word `candidate:`. */
  readonly candidates: readonly string[];
  readonly endOfCandidates: boolean;
}

export interface Fingerprint {
  /** Lower case, e.g. `sha-256`. */
  readonly algorithm: string;
  /** Upper case hexadecimal with colons. */
  readonly value: string;
}

export interface NegotiatedDataChannel {
  readonly mid?: string;
  readonly sctpPort: number;
  /** What the peer takes; 65536 when it did not say (RFC 8841 §6.1); 0 = any size. */
  readonly maxMessageSize: number;
}

/** The DTLS-SRTP and ICE side of a browser leg. */
export interface NegotiatedWebRtc {
  readonly mid?: string;
  readonly ice: IceParameters;
  /** Every fingerprint the peer gave; its certificate must match one (RFC 8827 §6.5, RFC 8122 §5). Never empty. */
  readonly fingerprints: readonly Fingerprint[];
  /** Our own role: `active` sends the ClientHello (RFC 5763 §5). */
  readonly setup: 'active' | 'passive';
  readonly dataChannel?: NegotiatedDataChannel;
}

export interface RemoteTransport {
  /** IP literal or name of the peer's `c=` line. */
  readonly address: string;
  readonly port: number;
  /** `a=rtcp` or port + 1 (RFC 3550 §11, RFC 3605); equal to `port` with rtcp-mux. */
  readonly rtcpAddress: string;
  readonly rtcpPort: number;
  readonly rtcpMux: boolean;
}

export interface NegotiatedAudio {
  /** What we send. The peer may send any format of `receivePayloadTypes` at any time (RFC 3264 §5.1). */
  readonly codec: SdpCodec;
  readonly sendPayloadType: number;
  readonly receivePayloadTypes: readonly ReceiveFormat[];
  /** Absent when telephone-events were not agreed. */
  readonly telephoneEvent?: NegotiatedTelephoneEvent;
  /** What the peer asks to receive, 20 when it did not say. */
  readonly ptimeMs: number;
  /** From our side: `recvonly` = we must not send (the peer holds us). `c=0.0.0.0` counts as hold. */
  readonly direction: SdpDirection;
  readonly remote: RemoteTransport;
  /** Present on browser legs. */
  readonly webRtc?: NegotiatedWebRtc;
}
