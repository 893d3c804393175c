/** What an operator sets of the embedded media plane. */
export interface EmbeddedMediaOptions {
  /** Worker threads that carry media; at least 1. */
  readonly workers: number;
  readonly bindAddress: string;
  /** Address in SDP and candidates; the bound one when left out. */
  readonly publicAddress?: string;
  /** UDP ports of browser legs, one each. */
  readonly browserPorts: { readonly min: number; readonly max: number };
  /** UDP ports of trunk legs, an even/odd pair each. */
  readonly trunkPorts: { readonly min: number; readonly max: number };
  /** How long a port is left alone after use. */
  readonly portQuarantineMs: number;
  /** ICE and DTLS of a browser leg must be up after so long. */
  readonly setupTimeoutMs: number;
  /** A leg that should be heard and is not for so long is told of. */
  readonly silenceAfterMs: number;
  /** A source within `learnFrom` may be learnt so long after each SDP. */
  readonly learnWindowMs: number;
  /** Packets in sequence that make a source believed. */
  readonly learnPackets: number;
}
