import type { HostPort } from '../base/address.js';
import type { CallFact } from '../call/facts.js';
import type { LegKind } from '../call/leg-kind.js';
import type { LegName, LegStats } from '../media/plane.js';
import type { TracedMessage } from '../sip/trace.js';
import type { SipTransport } from '../sip/transport-name.js';
import { type KeptSample, SampleRows } from './sample-rows.js';
import { legScore } from './score.js';
import { withoutSecrets } from './without-secrets.js';

/** One SIP message as it is kept: without secrets, with whole numbers. */
export interface KeptMessage {
  readonly atMs: number;
  /** When it was sent again; of many, the first ones. */
  readonly repeatsAtMs: number[];
  repeats: number;
  readonly leg: LegName;
  readonly way: 'in' | 'out';
  readonly transport: SipTransport;
  readonly local: HostPort;
  readonly remote: HostPort;
  /** One byte a character (latin1). */
  readonly text: string;
}

export interface KeptLeg {
  kind: LegKind;
  codec: string | undefined;
  readonly samples: SampleRows;
  /** How far apart samples are, once there were too many of them. */
  intervalMs: number;
  last: { readonly atMs: number; readonly stats: LegStats } | undefined;
}

/** Bounds of what is kept of one call. */
export interface KeptLimits {
  readonly messagesPerCall: number;
  readonly samplesPerCall: number;
}

const maxFacts = 2_000;
const maxRepeatsTimed = 16;
/** Bytes of messages of one call, however few they are. */
const maxMessageBytes = 512 * 1024;
/** How far back a repetition is looked for. */
const repeatWindow = 24;

/** All that is kept of one call. */
export class KeptCall {
  readonly facts: CallFact[] = [];
  readonly messages: KeptMessage[] = [];
  readonly legs: Partial<Record<LegName, KeptLeg>> = {};
  readonly callIds = new Set<string>();
  omittedMessages = 0;
  omittedFacts = 0;
  private bytes = 0;

  constructor(
    readonly callId: string,
    readonly beganAtMs: number,
    private readonly limits: KeptLimits,
  ) {}

  get ended(): boolean {
    return this.facts.some((fact) => fact.type === 'ended');
  }

  takeFact(fact: CallFact): void {
    // The end is told in any case.
    if (this.facts.length >= maxFacts && fact.type !== 'ended' && fact.type !== 'rated') this.omittedFacts += 1;
    else this.facts.push(fact);
  }

  takeMessage(leg: LegName, message: Omit<TracedMessage, 'bytes' | 'callIdHeader'>, text: string): void {
    const { way, atMs, transport, local, remote } = message;
    const same = this.messages.slice(-repeatWindow).find((each) => each.leg === leg && each.way === way && each.text === text);
    if (same !== undefined) {
      same.repeats += 1;
      if (same.repeatsAtMs.length < maxRepeatsTimed) same.repeatsAtMs.push(atMs);
      return;
    }
    if (this.messages.length >= this.limits.messagesPerCall || this.bytes + text.length > maxMessageBytes) {
      this.omittedMessages += 1;
      return;
    }
    this.bytes += text.length;
    this.messages.push({ atMs, repeatsAtMs: [], repeats: 0, leg, way, transport, local, remote, text });
  }

  private mediaBeganAtMs(leg: LegName): number {
    return this.facts.find((fact) => fact.type === 'media-up' && fact.leg === leg)?.atMs ?? this.beganAtMs;
  }

  /** Counters of a leg, from which the sample is the difference to those before. */
  takeStats(leg: LegName, atMs: number, stats: LegStats): void {
    const kind = stats.kind === 'webrtc' ? 'browser' : 'trunk';
    let kept = this.legs[leg];
    if (kept === undefined) {
      kept = { kind, codec: stats.codec, samples: new SampleRows(), intervalMs: 0, last: undefined };
      this.legs[leg] = kept;
    }
    if (kept.last !== undefined && atMs - kept.last.atMs < kept.intervalMs * 0.8) return;
    const last = kept.last ?? { atMs: this.mediaBeganAtMs(leg), stats: { ...stats, packetsReceived: 0, packetsSent: 0, packetsLost: 0 } };
    kept.codec = stats.codec ?? kept.codec;
    kept.kind = kind;
    kept.last = { atMs, stats };
    // A leg that was replaced counts from nothing again.
    if (last.stats.kind !== stats.kind || stats.packetsReceived < last.stats.packetsReceived) return;
    const seconds = (atMs - last.atMs) / 1000;
    if (seconds <= 0) return;
    if (kept.samples.length >= this.limits.samplesPerCall) thin(kept);
    kept.samples.push(sampleOf(last.stats, stats, Math.max(0, atMs - this.beganAtMs), seconds));
  }
}

/** Half as many samples, and from now on each for twice as long: of a long call the whole is kept, less finely. */
function thin(leg: KeptLeg): void {
  const { samples } = leg;
  leg.intervalMs = (2 * samples.spanMs) / Math.max(1, samples.length - 1);
  samples.thin();
}

function sampleOf(before: LegStats, now: LegStats, atMs: number, seconds: number): KeptSample {
  const arrived = now.packetsReceived - before.packetsReceived;
  const lost = Math.max(0, now.packetsLost - before.packetsLost);
  const lossFraction = arrived + lost === 0 ? 0 : lost / (arrived + lost);
  const { jitterMs, roundTripMs } = now;
  const score = arrived === 0 ? undefined : legScore({ lossFraction, jitterMs, ...(roundTripMs === undefined ? {} : { roundTripMs }) });
  return {
    atMs,
    received: arrived / seconds,
    sent: Math.max(0, now.packetsSent - before.packetsSent) / seconds,
    lostPercent: lossFraction * 100,
    jitterMs,
    ...(roundTripMs === undefined ? {} : { roundTripMs }),
    ...(score === undefined ? {} : { score }),
  };
}

/** Text of a message as it is kept. */
export const keptText = (bytes: Buffer): string => withoutSecrets(bytes.toString('latin1'));
