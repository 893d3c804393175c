/** Full scale of levels here: a sine whose peak is 32767 is at 0 dBFS. */
export const FULL_SCALE = 32767;

export interface Tone {
  readonly frequencyHz: number;
  /** Of this one tone: 0 = a full-scale sine, negative below. */
  readonly levelDbfs: number;
}

/** A continuous sum of sines: each `read` goes on where the last ended, so frames join without a click. */
export class ToneGenerator {
  private position = 0;

  constructor(private readonly options: { readonly sampleRateHz: number; readonly tones: readonly Tone[] }) {}

  /** The next `count` samples, clipped to 16 bits. */
  read(count: number): Int16Array {
    const samples = new Int16Array(count);
    for (let index = 0; index < count; index += 1) {
      const seconds = (this.position + index) / this.options.sampleRateHz;
      let sum = 0;
      for (const tone of this.options.tones) sum += amplitudeOf(tone.levelDbfs) * Math.sin(2 * Math.PI * tone.frequencyHz * seconds);
      samples[index] = Math.max(-32768, Math.min(32767, Math.round(sum)));
    }
    this.position += count;
    return samples;
  }
}

function amplitudeOf(levelDbfs: number): number {
  return FULL_SCALE * 10 ** (levelDbfs / 20);
}
