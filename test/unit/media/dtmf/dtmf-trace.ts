import type { Digit } from '../../../../src/media/dtmf/digit.js';
import { type DtmfDecoded, DtmfDecoder } from '../../../../src/media/dtmf/dtmf-decoder.js';
import { type DigitSent, DtmfEncoder, type DtmfEncoderOptions } from '../../../../src/media/dtmf/dtmf-encoder.js';

/** One event packet as it would be on the wire. */
export interface TracedPacket {
  readonly atMs: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payload: Buffer;
}

export interface Trace {
  readonly packets: readonly TracedPacket[];
  readonly sent: readonly DigitSent[];
}

export interface TraceOptions extends DtmfEncoderOptions {
  readonly startMs?: number;
  /** Stream timestamp at 0 ms. */
  readonly timestampAtZero?: number;
}

/** Runs an encoder with timers that fire exactly when due; `press` is called once, before the first packet. */
export function trace(options: TraceOptions, press: (encoder: DtmfEncoder) => void): Trace {
  const sent: DigitSent[] = [];
  const packets: TracedPacket[] = [];
  const encoder = new DtmfEncoder(options, { onSent: (digit) => sent.push(digit) });
  const buffer = Buffer.alloc(16);
  press(encoder);
  let nowMs = options.startMs ?? 0;
  for (;;) {
    const due = encoder.nextDueMs();
    if (due === undefined) return { packets, sent };
    nowMs = Math.max(nowMs, due);
    const timestampNow = ((options.timestampAtZero ?? 0) + (nowMs * options.clockRateHz) / 1000) >>> 0;
    const packet = encoder.next(nowMs, timestampNow, buffer, 4);
    if (packet === undefined) throw new Error(`nothing written at ${nowMs} although due`);
    const payload = Buffer.from(buffer.subarray(4, 4 + packet.payloadLength));
    packets.push({ atMs: nowMs, timestamp: packet.timestamp, marker: packet.marker, payload });
  }
}

/** A trace of digits of one length each. */
export function traceDigits(options: TraceOptions, digits: readonly Digit[], durationMs: number): Trace {
  return trace(options, (encoder) => {
    for (const digit of digits) encoder.enqueue(digit, durationMs);
  });
}

/** Everything a decoder says of these packets, time-outs included. */
export function decode(clockRateHz: number, packets: readonly TracedPacket[], ssrc = 1): readonly DtmfDecoded[] {
  const decoded: DtmfDecoded[] = [];
  const decoder = new DtmfDecoder({ clockRateHz }, { onDecoded: (event) => decoded.push(event) });
  for (const { atMs, timestamp, payload } of packets) {
    decoder.tick(atMs);
    decoder.receive(ssrc, timestamp, payload, 0, payload.length, atMs);
  }
  decoder.tick(Number.POSITIVE_INFINITY);
  return decoded;
}

/** The finished presses of what a decoder said. */
export function presses(decoded: readonly DtmfDecoded[]): readonly { readonly digit: Digit; readonly durationMs: number }[] {
  return decoded.filter(({ type }) => type === 'end').map(({ digit, durationMs }) => ({ digit, durationMs }));
}

/** A packet written by hand. */
export function eventPacket(atMs: number, timestamp: number, hex: string): TracedPacket {
  return { atMs, timestamp: timestamp >>> 0, marker: false, payload: Buffer.from(hex.replace(/\s/g, ''), 'hex') };
}
