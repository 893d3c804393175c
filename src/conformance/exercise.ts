import { digitOfText } from '../media/dtmf/digit.js';
import { DtmfEncoder } from '../media/dtmf/dtmf-encoder.js';
import { impair } from './lossy-path.js';
import type { PathVector, SendVector, VectorDigit, VectorFile, VectorPacket } from './vectors.js';

/** One call of a check: packets to play into a gateway, and the digits that must come out of it. */
export interface Exercise {
  readonly rule: string;
  readonly name: string;
  readonly clockRateHz: number;
  readonly packets: readonly VectorPacket[];
  readonly digits: readonly VectorDigit[];
  /** The packets are those of a flawless sender: what comes out must keep every rule for senders, too. */
  readonly flawless: boolean;
  /** The tone of the key is sent as audio beside its events. */
  readonly tone: boolean;
  /** What is lost on the way in may cost the end of a press some of its length, never the press. */
  readonly lossy: boolean;
}

const INTERVAL_MS = 20;

/** Everything the vectors ask for, in their order. */
export function exercisesOf(files: readonly VectorFile[]): readonly Exercise[] {
  return files.flatMap(({ rule, send, receive, path }) => [
    ...send.map((vector) => sent(rule, vector)),
    ...receive.map(({ name, clockRateHz, packets, digits, tone }) => {
      return { rule, name, clockRateHz, packets, digits, flawless: false, tone, lossy: false };
    }),
    ...path.map((vector) => overPath(rule, vector)),
  ]);
}

/** A press of less than an interval is said to be one interval long (RFC 4733 §2.3.5). */
function sent(rule: string, { name, clockRateHz, packets, presses }: SendVector): Exercise {
  const digits = presses.map(({ digit, durationMs }) => ({ digit, durationMs: Math.max(durationMs, INTERVAL_MS) }));
  return { rule, name, clockRateHz, packets, digits, flawless: true, tone: false, lossy: false };
}

function overPath(rule: string, vector: PathVector): Exercise {
  const { name, clockRateHz, durationMs } = vector;
  const digits = [...vector.digits].flatMap((text) => digitOfText(text) ?? []).map((digit) => ({ digit, durationMs }));
  const packets = impair(flawlessPackets(digits, clockRateHz), vector);
  return { rule, name, clockRateHz, packets, digits, flawless: false, tone: false, lossy: true };
}

/** These presses as a flawless sender says them, 40 ms apart at least. */
function flawlessPackets(digits: readonly VectorDigit[], clockRateHz: number): readonly VectorPacket[] {
  const encoder = new DtmfEncoder({ clockRateHz, intervalMs: INTERVAL_MS }, { onSent: () => {} });
  for (const { digit, durationMs } of digits) encoder.enqueue(digit, durationMs);
  const packets: VectorPacket[] = [];
  const buffer = Buffer.alloc(4);
  for (let atMs = 0; encoder.busy; atMs += INTERVAL_MS) {
    const packet = encoder.next(atMs, (atMs * clockRateHz) / 1000, buffer, 0);
    if (packet === undefined) continue;
    const { timestamp, marker } = packet;
    packets.push({ atMs, sequence: packets.length, timestamp, marker, ssrc: 1, payload: Buffer.from(buffer) });
  }
  return packets;
}
