import { readFileSync, writeFileSync } from 'node:fs';

/** Sound made and judged by tests: 16-bit samples, WAV files, G.711 and single-frequency levels. */

export interface Sound {
  readonly rateHz: number;
  readonly samples: Int16Array;
}

export interface ToneOptions {
  readonly frequencyHz: number;
  readonly seconds: number;
  readonly rateHz?: number;
  /** Root-mean-square level below full scale (a full-scale sine is -3). */
  readonly levelDb?: number;
}

export function tone({ frequencyHz, seconds, rateHz = 8_000, levelDb = -12 }: ToneOptions): Sound {
  const peak = Math.min(32_767, 32_768 * Math.SQRT2 * 10 ** (levelDb / 20));
  const samples = new Int16Array(Math.round(seconds * rateHz));
  for (let index = 0; index < samples.length; index += 1) {
    samples[index] = Math.round(peak * Math.sin((2 * Math.PI * frequencyHz * index) / rateHz));
  }
  return { rateHz, samples };
}

/** Mono 16-bit PCM. */
export function writeWav(path: string, { rateHz, samples }: Sound): void {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + samples.byteLength, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rateHz, 24);
  header.writeUInt32LE(rateHz * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(samples.byteLength, 40);
  writeFileSync(path, Buffer.concat([header, Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength)]));
}

/** First channel of a 16-bit PCM file; a file still being written (lengths 0) is read to its end. */
export function readWav(path: string): Sound {
  const file = readFileSync(path);
  let rateHz = 0;
  let channels = 1;
  let at = 12;
  while (at + 8 <= file.length) {
    const id = file.toString('latin1', at, at + 4);
    const length = file.readUInt32LE(at + 4);
    if (id === 'fmt ') {
      channels = file.readUInt16LE(at + 10);
      rateHz = file.readUInt32LE(at + 12);
    }
    if (id === 'data') {
      const end = length === 0 ? file.length : Math.min(file.length, at + 8 + length);
      return { rateHz, samples: firstChannel(file.subarray(at + 8, end), channels) };
    }
    at += 8 + length + (length % 2);
  }
  return { rateHz, samples: new Int16Array(0) };
}

function firstChannel(bytes: Buffer, channels: number): Int16Array {
  const frameBytes = 2 * channels;
  const samples = new Int16Array(Math.floor(bytes.length / frameBytes));
  for (let index = 0; index < samples.length; index += 1) samples[index] = bytes.readInt16LE(index * frameBytes);
  return samples;
}

/** ITU-T G.711 µ-law, one code word. Written apart from the gateway's own tables, so that the two can disagree. */
export function muLawToLinear(code: number): number {
  const inverted = ~code & 0xff;
  const magnitude = (((inverted & 0x0f) << 3) + 0x84) << ((inverted & 0x70) >> 4);
  return (inverted & 0x80) === 0 ? magnitude - 0x84 : 0x84 - magnitude;
}

/** ITU-T G.711 A-law, one code word. */
export function aLawToLinear(code: number): number {
  const toggled = code ^ 0x55;
  const segment = (toggled & 0x70) >> 4;
  const mantissa = ((toggled & 0x0f) << 4) + 8;
  const magnitude = segment === 0 ? mantissa : (mantissa + 0x100) << (segment - 1);
  return (toggled & 0x80) === 0 ? -magnitude : magnitude;
}

const muLawCodes = Array.from({ length: 256 }, (_, code) => ({ code, linear: muLawToLinear(code) })).sort(
  (left, right) => left.linear - right.linear,
);

/** Nearest µ-law code word. */
export function linearToMuLaw(sample: number): number {
  let low = 0;
  let high = muLawCodes.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((muLawCodes[middle]?.linear ?? 0) <= sample) low = middle;
    else high = middle;
  }
  const below = muLawCodes[low] ?? { code: 0xff, linear: 0 };
  const above = muLawCodes[high] ?? below;
  return sample - below.linear <= above.linear - sample ? below.code : above.code;
}

/** RTP payload of type 0 or 8 as samples. */
export function decodeG711(payload: Buffer, payloadType: number): Int16Array {
  const decode = payloadType === 8 ? aLawToLinear : muLawToLinear;
  return Int16Array.from(payload, decode);
}

export function muLawPayload(samples: Int16Array): Buffer {
  return Buffer.from(Uint8Array.from(samples, linearToMuLaw));
}

const toDb = (rms: number): number => 20 * Math.log10(Math.max(rms, 1e-3) / 32_768);

/** Root-mean-square level of everything, in dB below full scale. */
export function levelDb(samples: Int16Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  return toDb(Math.sqrt(sum / Math.max(1, samples.length)));
}

/** Root-mean-square level of one frequency (Goertzel), in dB below full scale. */
export function levelAtDb({ rateHz, samples }: Sound, frequencyHz: number): number {
  const coefficient = 2 * Math.cos((2 * Math.PI * frequencyHz) / rateHz);
  let previous = 0;
  let beforeThat = 0;
  for (const sample of samples) {
    const next = sample + coefficient * previous - beforeThat;
    beforeThat = previous;
    previous = next;
  }
  const power = previous ** 2 + beforeThat ** 2 - coefficient * previous * beforeThat;
  const amplitude = (2 * Math.sqrt(Math.max(0, power))) / Math.max(1, samples.length);
  return toDb(amplitude / Math.SQRT2);
}

export interface MeasuredTone {
  readonly frequencyHz: number;
  readonly levelDb: number;
  /** Of all energy, how much is at that frequency: 1 is a pure tone, 0 is also silence. */
  readonly purity: number;
}

const silentBelowDb = -60;

/** Strongest frequency between 200 and 3400 Hz, to 1 Hz. Measures at most the last two seconds. */
export function strongestTone(sound: Sound): MeasuredTone {
  const tail: Sound = { rateHz: sound.rateHz, samples: sound.samples.subarray(-2 * sound.rateHz) };
  const best = (from: number, to: number, step: number): { hz: number; db: number } => {
    let found = { hz: from, db: Number.NEGATIVE_INFINITY };
    for (let hz = from; hz <= to; hz += step) {
      const db = levelAtDb(tail, hz);
      if (db > found.db) found = { hz, db };
    }
    return found;
  };
  // Half-second slices have a main lobe of 4 Hz, so a coarse step of 2 Hz on them misses nothing.
  const slice: Sound = { rateHz: sound.rateHz, samples: tail.samples.subarray(0, Math.floor(sound.rateHz / 2)) };
  let coarse = { hz: 0, db: Number.NEGATIVE_INFINITY };
  for (let hz = 200; hz <= 3400; hz += 2) {
    const db = levelAtDb(slice, hz);
    if (db > coarse.db) coarse = { hz, db };
  }
  const fine = best(coarse.hz - 4, coarse.hz + 4, 1);
  const allDb = levelDb(tail.samples);
  const purity = allDb < silentBelowDb ? 0 : Math.min(1, 10 ** ((fine.db - allDb) / 10));
  return { frequencyHz: fine.hz, levelDb: fine.db, purity };
}
