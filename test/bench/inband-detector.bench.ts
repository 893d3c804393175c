/**
 * Prints how good and how costly hearing digits in the audio is: delay from the beginning of a tone
 * until it is sure and until it is suspected, false digits in voices per hour (needs espeak-ng), and
 * CPU per second of audio. Run: `npx esbuild test/bench/inband-detector.bench.ts --bundle
 * --platform=node --format=esm | node --input-type=module`, in the folder of the project.
 */
import { pathToFileURL } from 'node:url';
import { DIGITS } from '../../src/media/dtmf/digit.js';
import { InbandDetector } from '../../src/media/dtmf/inband-detector.js';
import { joined, keyTone, overG711, PER_MS, silence, withNoise } from '../unit/media/dtmf/inband-sound.js';
import { madeSpeech, recordedSpeech, speechCanBeMade } from '../unit/media/dtmf/speech.js';
import { seededRandom } from '../unit/media/seeded-random.js';
import { markdownTable, percentile } from './percentile.js';

const PACKET_SAMPLES = 20 * PER_MS;
const rounds = 5;

interface Heard {
  readonly seconds: number;
  readonly digits: number;
  readonly suspectedPackets: number;
  readonly cpuMs: number;
}

function hear(parts: Iterable<Int16Array>): Heard {
  let [digits, suspectedPackets, samples, cpuMs] = [0, 0, 0, 0];
  const detector = new InbandDetector({}, { onDetected: ({ type }) => (digits += type === 'start' ? 1 : 0) });
  for (const part of parts) {
    const start = performance.now();
    for (let at = 0; at < part.length; at += PACKET_SAMPLES) {
      detector.receive(part.subarray(at, at + PACKET_SAMPLES));
      suspectedPackets += detector.suspects ? 1 : 0;
    }
    cpuMs += performance.now() - start;
    samples += part.length;
  }
  return { seconds: samples / (1000 * PER_MS), digits, suspectedPackets, cpuMs };
}

/** Median over the rounds, in milliseconds a second of audio. */
function costMs(sound: Int16Array): number {
  const costs = Array.from({ length: rounds + 1 }, () => hear([sound])).map(({ cpuMs, seconds }) => cpuMs / seconds);
  return percentile(costs.slice(1), 50);
}

interface Delays {
  readonly sureMs: number;
  readonly suspectedMs: number;
}

/** How long after its beginning a tone is taken for a digit. */
function delaysOf(sound: Int16Array, beginsMs: number): Delays {
  const detector = new InbandDetector({}, { onDetected: () => {} });
  let [sureMs, suspectedMs] = [Number.NaN, Number.NaN];
  for (let n = 0; n < sound.length && !detector.active; n += 1) {
    detector.receive(sound.subarray(n, n + 1));
    const sinceMs = (n + 1) / PER_MS - beginsMs;
    if (detector.active) sureMs = sinceMs;
    if (sinceMs > 0 && detector.suspects && Number.isNaN(suspectedMs)) suspectedMs = sinceMs;
  }
  return { sureMs, suspectedMs };
}

function delaysIn(noiseDbm0: number | undefined): readonly Delays[] {
  const random = seededRandom(1);
  return DIGITS.flatMap((digit) =>
    Array.from({ length: 32 }, (_, place) => {
      const beginsMs = 50 + place / PER_MS;
      const clean = joined(silence(beginsMs), keyTone({ digit, onMs: 100 }));
      return delaysOf(overG711(noiseDbm0 === undefined ? clean : withNoise(clean, noiseDbm0, random), 'PCMA'), beginsMs);
    }),
  );
}

const ms = (value: number): string => `${value.toFixed(1)} ms`;
const delayRow = (name: string, values: readonly number[]): string[] => [
  name,
  ...[50, 99, 100].map((percent) => ms(percentile(values, percent))),
];
const [quiet, noisy] = [delaysIn(undefined), delaysIn(-21)];
console.log('\n### Delay from the beginning of a tone\n');
console.log(
  markdownTable([
    ['', 'median', '99%', 'worst'],
    delayRow(
      'sure',
      quiet.map(({ sureMs }) => sureMs),
    ),
    delayRow(
      'sure, noise 15 dB below',
      noisy.map(({ sureMs }) => sureMs),
    ),
    delayRow(
      'suspected',
      quiet.map(({ suspectedMs }) => suspectedMs),
    ),
    delayRow(
      'suspected, noise 15 dB below',
      noisy.map(({ suspectedMs }) => suspectedMs),
    ),
  ]),
);

const recorded = recordedSpeech(pathToFileURL(`${process.cwd()}/src/demo/prompts/`));
const pressed = joined(...DIGITS.flatMap((digit) => [keyTone({ digit, onMs: 100 }), silence(100)]));
console.log('\n### CPU of one stream\n');
console.log(
  markdownTable([
    ['audio', 'a second of it', 'of a core'],
    ...(
      [
        ['silence', silence(20_000)],
        ['a voice', joined(...recorded)],
        ['noise', withNoise(silence(20_000), -20, seededRandom(2))],
        ['digits without end', joined(...Array.from({ length: 6 }, () => pressed))],
      ] as const
    ).map(([name, sound]) => {
      const cost = costMs(sound);
      return [name, `${cost.toFixed(2)} ms`, `${(cost / 10).toFixed(2)}%`];
    }),
  ]),
);

const talkOffRow = (name: string, { seconds, digits, suspectedPackets }: Heard): string[] => [
  name,
  `${(seconds / 60).toFixed(1)} min`,
  String(digits),
  ((digits * 3600) / seconds).toFixed(1),
  ((suspectedPackets * 3600) / seconds).toFixed(0),
];
console.log('\n### Voices taken for digits\n');
console.log(
  markdownTable([
    ['voices', 'heard', 'false digits', 'an hour', 'packets of 20 ms kept back an hour'],
    talkOffRow('recorded prompts', hear(recorded)),
    ...(speechCanBeMade() ? [talkOffRow('made by espeak-ng', hear(madeSpeech()))] : []),
  ]),
);
