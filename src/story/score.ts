/**
 * Mean opinion score of G.711 speech by the E-model (ITU-T G.107), simplified to what a gateway can
 * measure: delay and packet loss. All other impairments stand at their defaults.
 */

/** What is known of one direction. */
export interface Heard {
  /** Share of packets that did not arrive, 0 to 1. */
  readonly lossFraction: number;
  readonly jitterMs: number;
  /** There and back on the network, where RTCP told. */
  readonly roundTripMs?: number;
}

/** Basic signal-to-noise ratio with all defaults of G.107 (§7.7, table 3). */
const bestR = 93.2;
/** Packet-loss robustness of G.711 with packet-loss concealment (ITU-T G.113, appendix I). */
const lossRobustness = 25.1;
/** One packet of audio, and a play-out buffer that holds twice the jitter, as receivers do. */
const packetMs = 20;
const jitterFactor = 2;
/** A delay beyond which people notice it (the simplified Idd of G.107, by its knee). */
const noticedMs = 177.3;

/** Score from 1 (bad) to about 4.4 (the best telephone call there is). */
export function legScore({ lossFraction, jitterMs, roundTripMs = 0 }: Heard): number {
  const delayMs = roundTripMs / 2 + packetMs + jitterFactor * jitterMs;
  const delay = 0.024 * delayMs + (delayMs > noticedMs ? 0.11 * (delayMs - noticedMs) : 0);
  const lossPercent = Math.min(100, Math.max(0, lossFraction * 100));
  // Ie-eff with Ie = 0 and BurstR = 1 (G.107 §7.5).
  const loss = (95 * lossPercent) / (lossPercent + lossRobustness);
  return scoreOf(bestR - delay - loss);
}

/** R to MOS (G.107 annex B). */
function scoreOf(r: number): number {
  if (r <= 0) return 1;
  if (r >= 100) return 4.5;
  return Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}
