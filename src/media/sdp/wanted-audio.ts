import type { SdpCodec } from './negotiated-audio.js';

/** The formats that a description of ours is to hold. */
export interface WantedAudio {
  /** In order of preference. */
  readonly codecs: readonly SdpCodec[];
  /** Whether to agree on telephone-events; yes when left out. */
  readonly telephoneEvents?: boolean;
}
