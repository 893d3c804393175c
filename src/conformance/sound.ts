import { decodeG711, encodeG711 } from '../media/codec/g711.js';

const FRAME_SAMPLES = 160;
const RATE_HZ = 8000;
/** The key "5" (ITU-T Q.23), at about −10 dBm0 a tone. */
const TONES_HZ = [770, 1336] as const;
const TONE_PEAK = 7000;
/** Silence and the noise of companding stay far below this; any digit is far above. */
const SOUND_PEAK = 1000;
/** Opus with nothing in it: the frame a sender uses for silence (RFC 6716 §3.1, one empty frame of 20 ms). */
const OPUS_SILENCE = Buffer.from([0xf8, 0xff, 0xfe]);

/** 20 ms of silence in this codec; for codecs we do not know, bytes that nobody will decode. */
export function silenceIn(codec: string): Buffer {
  const name = codec.toUpperCase();
  if (name === 'PCMU' || name === 'PCMA') return Buffer.alloc(FRAME_SAMPLES, name === 'PCMU' ? 0xff : 0xd5);
  return name === 'OPUS' ? OPUS_SILENCE : Buffer.alloc(20);
}

/** 20 ms of the key's tone, the n-th frame of it; silence in codecs other than G.711. */
export function toneIn(codec: string, n: number): Buffer {
  const law = codec.toUpperCase();
  if (law !== 'PCMU' && law !== 'PCMA') return silenceIn(codec);
  const samples = Int16Array.from({ length: FRAME_SAMPLES }, (_, index) => {
    const seconds = (n * FRAME_SAMPLES + index) / RATE_HZ;
    return TONES_HZ.reduce((sum, hz) => sum + TONE_PEAK * Math.sin(2 * Math.PI * hz * seconds), 0);
  });
  const frame = Buffer.alloc(FRAME_SAMPLES);
  encodeG711(law, samples, frame);
  return frame;
}

/** Whether there is more than silence in a frame of G.711; false in other codecs. */
export function soundsIn(codec: string, payload: Buffer): boolean {
  const law = codec.toUpperCase();
  if (law !== 'PCMU' && law !== 'PCMA') return false;
  return decodeG711(law, payload).some((sample) => Math.abs(sample) > SOUND_PEAK);
}
