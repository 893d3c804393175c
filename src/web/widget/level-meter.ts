import type { Cancellable, QueueClock } from './digit-queue.js';

const everyMs = 100;
/** What is softer shows as nothing; speech into a headset is some 20 dB below full scale. */
const floorDb = -60;

/** Tells how loud a microphone is, ten times a second, from 0 to 1, until it is stopped. */
export function meterOf(stream: MediaStream, clock: QueueClock, onLevel: (level: number) => void): Cancellable {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 1024 });
  context.createMediaStreamSource(stream).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let timer: Cancellable | undefined;
  const look = (): void => {
    analyser.getFloatTimeDomainData(samples);
    onLevel(levelOf(samples));
    timer = clock.after(everyMs, look);
  };
  look();
  return {
    cancel: () => {
      timer?.cancel();
      context.close().catch(() => {});
    },
  };
}

/** Loudness of samples on a scale that looks even: 0 at the floor, 1 at full scale. */
export function levelOf(samples: Float32Array): number {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  return power === 0 ? 0 : Math.min(1, Math.max(0, 1 - (10 * Math.log10(power)) / floorDb));
}
