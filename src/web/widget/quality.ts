/** How well two people hear each other over one call, as far as the page can tell. */
export interface CallQuality {
  /** From 5, as over a good telephone line, to 1. */
  readonly score: 1 | 2 | 3 | 4 | 5;
  readonly roundTripMs: number;
  /** The greater of both directions. */
  readonly lostPercent: number;
  readonly jitterMs: number;
  readonly hint?: QualityHint;
}

export type QualityHint = 'network-slow' | 'network-loss' | 'no-incoming-sound' | 'microphone-silent';

/** Counters of a call at one moment, as the browser has them. */
export interface MediaSample {
  readonly received: number;
  /** Whatever came on the path of the media, answers to its checks too; never the same twice where the browser does not tell. */
  readonly arrived: number;
  readonly lost: number;
  readonly jitterMs: number;
  readonly roundTripMs: number;
  /** What the gateway reports of our packets in its receiver reports. */
  readonly farLostPercent: number;
  readonly farJitterMs: number;
  /** Energy of the microphone so far; undefined where the browser does not tell. */
  readonly spoken: number | undefined;
}

/** Buffering and packet length beside the network's own delay: two packets of 20 ms. */
const ownDelayMs = 40;
/** Robustness of G.711 with packet loss concealment, as every browser has (ITU-T G.113 Table I.3). */
const lossRobustness = 25.1;

/** Reads what is needed from the browser's report (W3C WebRTC Statistics §8); undefined before there is media. */
export function readStats(report: Iterable<readonly [string, unknown]>): MediaSample | undefined {
  const found: Record<string, Readonly<Record<string, number | string | boolean | undefined>>> = {};
  let arrived: number | undefined;
  for (const [, one] of report) {
    const stats = one as (typeof found)[string];
    if (stats['type'] === 'candidate-pair') arrived = (arrived ?? 0) + Number(stats['bytesReceived']) + Number(stats['responsesReceived']);
    if (stats['kind'] === 'audio' || (stats['type'] === 'candidate-pair' && stats['nominated'] === true))
      found[String(stats['type'])] = stats;
  }
  const { 'inbound-rtp': inbound, 'remote-inbound-rtp': far, 'candidate-pair': pair, 'media-source': source } = found;
  if (inbound === undefined) return undefined;
  const number = (value: unknown): number => (typeof value === 'number' && value > 0 ? value : 0);
  return {
    received: number(inbound['packetsReceived']),
    arrived: arrived ?? Number.NaN,
    lost: number(inbound['packetsLost']),
    jitterMs: 1000 * number(inbound['jitter']),
    roundTripMs: 1000 * number(far?.['roundTripTime'] ?? pair?.['currentRoundTripTime']),
    farLostPercent: 100 * number(far?.['fractionLost']),
    farJitterMs: 1000 * number(far?.['jitter']),
    spoken: source === undefined ? undefined : number(source['totalAudioEnergy']),
  };
}

/** What two samples say about the time between them; `silent` is a hint that stands above loss and delay. */
export function qualityOf(before: MediaSample, now: MediaSample, silent?: QualityHint): CallQuality {
  const lost = Math.max(0, now.lost - before.lost);
  const expected = lost + Math.max(0, now.received - before.received);
  const lostPercent = Math.max(expected === 0 ? 0 : (100 * lost) / expected, now.farLostPercent);
  const jitterMs = Math.max(now.jitterMs, now.farJitterMs);
  const { roundTripMs } = now;
  const { score, worst } = rate({ lostPercent, delayMs: roundTripMs / 2 + 2 * jitterMs + ownDelayMs });
  const hint = silent ?? (score <= 3 ? worst : undefined);
  const round = (value: number): number => Math.round(10 * value) / 10;
  return {
    score: silent === 'no-incoming-sound' ? 1 : score,
    roundTripMs: Math.round(roundTripMs),
    lostPercent: round(lostPercent),
    jitterMs: round(jitterMs),
    ...(hint === undefined ? {} : { hint }),
  };
}

/**
 * The E-model with its default values (ITU-T G.107 §7: R = 93.2 − Id − Ie,eff), the delay part as two
 * straight lines for talk without echo, and its grades (Table B.1: 90, 80, 70, 60).
 */
function rate({ lostPercent, delayMs }: { readonly lostPercent: number; readonly delayMs: number }): {
  readonly score: CallQuality['score'];
  readonly worst: QualityHint;
} {
  const byDelay = 0.024 * delayMs + 0.11 * Math.max(0, delayMs - 177.3);
  const byLoss = (95 * lostPercent) / (lostPercent + lossRobustness);
  const rating = 93.2 - byDelay - byLoss;
  const score = rating >= 90 ? 5 : rating >= 80 ? 4 : rating >= 70 ? 3 : rating >= 60 ? 2 : 1;
  return { score, worst: byLoss > byDelay ? 'network-loss' : 'network-slow' };
}
