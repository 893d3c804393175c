/**
 * G.711 (ITU-T G.711 §3, RFC 3551 §4.5.14): µ-law and A-law to and from 16-bit linear samples, and
 * the tables that turn one law's bytes into the other's.
 */
export type G711Law = 'PCMU' | 'PCMA';

const MU_BIAS = 0x84;
const MU_CLIP = 32635;

function decodeMuByte(byte: number): number {
  const inverted = ~byte & 0xff;
  const magnitude = (((inverted & 0x0f) << 3) + MU_BIAS) << ((inverted & 0x70) >> 4);
  return (inverted & 0x80) === 0 ? magnitude - MU_BIAS : MU_BIAS - magnitude;
}

function decodeAByte(byte: number): number {
  const toggled = byte ^ 0x55;
  const segment = (toggled & 0x70) >> 4;
  const step = (toggled & 0x0f) << 4;
  const magnitude = segment === 0 ? step + 8 : (step + 0x108) << (segment - 1);
  return (toggled & 0x80) === 0 ? -magnitude : magnitude;
}

/** Position of the highest set bit at or above `lowest`, counted from `lowest`, 0…7: the segment of a magnitude. */
function segmentOf(magnitude: number, lowest: number): number {
  return Math.max(0, 31 - Math.clz32(magnitude) - lowest);
}

/** One linear sample to µ-law. */
export function encodeMu(sample: number): number {
  const magnitude = Math.min(Math.abs(sample), MU_CLIP) + MU_BIAS;
  const segment = segmentOf(magnitude, 7);
  const byte = (segment << 4) | ((magnitude >> (segment + 3)) & 0x0f);
  return ~(sample < 0 ? byte | 0x80 : byte) & 0xff;
}

/** One linear sample to A-law. */
export function encodeA(sample: number): number {
  const magnitude = Math.min(sample < 0 ? -sample - 1 : sample, 32767);
  const segment = segmentOf(magnitude, 7);
  const byte = (segment << 4) | ((magnitude >> (segment === 0 ? 4 : segment + 3)) & 0x0f);
  return (sample < 0 ? byte : byte | 0x80) ^ 0x55;
}

const tableOf = (value: (byte: number) => number): Uint8Array => Uint8Array.from({ length: 256 }, (_, byte) => value(byte));

/** Linear value of each µ-law byte. */
export const MU_TO_LINEAR: Int16Array = Int16Array.from({ length: 256 }, (_, byte) => decodeMuByte(byte));
/** Linear value of each A-law byte. */
export const A_TO_LINEAR: Int16Array = Int16Array.from({ length: 256 }, (_, byte) => decodeAByte(byte));
/** Each µ-law byte in A-law. */
export const MU_TO_A: Uint8Array = tableOf((byte) => encodeA(decodeMuByte(byte)));
/** Each A-law byte in µ-law. */
export const A_TO_MU: Uint8Array = tableOf((byte) => encodeMu(decodeAByte(byte)));

/** The table from one law to another; undefined when they are the same. */
export function translationTable(from: G711Law, to: G711Law): Uint8Array | undefined {
  if (from === to) return undefined;
  return from === 'PCMU' ? MU_TO_A : A_TO_MU;
}

/** Encodes linear samples into `target` and returns the bytes written, one a sample. */
export function encodeG711(law: G711Law, samples: Int16Array, target: Buffer, offset = 0): number {
  const encode = law === 'PCMU' ? encodeMu : encodeA;
  for (let index = 0; index < samples.length; index += 1) target[offset + index] = encode(samples[index] ?? 0);
  return samples.length;
}

/** Decodes `length` bytes to linear samples. */
export function decodeG711(law: G711Law, source: Buffer, offset = 0, length = source.length - offset): Int16Array {
  const table = law === 'PCMU' ? MU_TO_LINEAR : A_TO_LINEAR;
  const samples = new Int16Array(length);
  for (let index = 0; index < length; index += 1) samples[index] = table[source[offset + index] ?? 0] ?? 0;
  return samples;
}
