/**
 * The sounds a telephone makes by itself: ringback while the far end rings, and the ring of an
 * incoming call. Each is one looped buffer, so there is no timer and nothing drifts.
 */

export type ToneName = 'ringback' | 'ring';

interface ToneShape {
  readonly frequenciesHz: readonly [number, number];
  /** Alternating sound and silence, from sound on. */
  readonly cadenceMs: readonly number[];
  readonly level: number;
}

/** Ringback as North American exchanges send it (ITU-T E.180 supplement 2); the ring is our own. */
const shapes: Readonly<Record<ToneName, ToneShape>> = {
  ringback: { frequenciesHz: [440, 480], cadenceMs: [2000, 4000], level: 0.06 },
  ring: { frequenciesHz: [523, 659], cadenceMs: [400, 200, 400, 2000], level: 0.12 },
};

const edgeMs = 8;

/** One period of the tone as samples; the edges are ramps, so that it does not click. */
export function renderTone(name: ToneName, sampleRateHz: number): Float32Array<ArrayBuffer> {
  const { frequenciesHz, cadenceMs, level } = shapes[name];
  const samplesOf = (ms: number): number => Math.round((ms * sampleRateHz) / 1000);
  const samples = new Float32Array(cadenceMs.reduce((sum, ms) => sum + samplesOf(ms), 0));
  const edge = samplesOf(edgeMs);
  let offset = 0;
  cadenceMs.forEach((ms, part) => {
    const length = samplesOf(ms);
    for (let i = 0; part % 2 === 0 && i < length; i += 1) {
      const ramp = Math.min(1, i / edge, (length - i) / edge);
      const [low, high] = frequenciesHz;
      const angle = (2 * Math.PI * i) / sampleRateHz;
      samples[offset + i] = level * ramp * (Math.sin(angle * low) + Math.sin(angle * high));
    }
    offset += length;
  });
  return samples;
}

/** Plays one tone at a time. The audio context is made on the first one and closed with the last. */
export class TonePlayer {
  private context: AudioContext | undefined;
  private source: AudioBufferSourceNode | undefined;

  /** Replaces what sounds. Stays silent where the browser does not let a page sound yet. */
  play(name: ToneName): void {
    this.stop();
    const context = new AudioContext();
    const samples = renderTone(name, context.sampleRate);
    const buffer = context.createBuffer(1, samples.length, context.sampleRate);
    buffer.copyToChannel(samples, 0);
    const source = new AudioBufferSourceNode(context, { buffer, loop: true });
    source.connect(context.destination);
    source.start();
    this.context = context;
    this.source = source;
  }

  stop(): void {
    this.source?.stop();
    this.source = undefined;
    this.context?.close().catch(() => {});
    this.context = undefined;
  }
}
