import type { RelayFrame, RelayOutcome, RelayStage } from './relay-stage.js';

/** Drops packets with the SSRC that we ourselves use on this leg: our stream, sent back by a hairpin (RFC 3550 §8.2; survey R4). */
export class LoopGuard implements RelayStage {
  constructor(private readonly ownSsrc: number | undefined) {}

  process(frame: RelayFrame): RelayOutcome | undefined {
    return frame.packet.ssrc === this.ownSsrc ? 'loop' : undefined;
  }
}
