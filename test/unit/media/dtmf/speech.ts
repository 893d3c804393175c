import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { decodeG711 } from '../../../../src/media/codec/g711.js';

/** Sentences with many vowels, numbers and s-sounds, as said into telephones. */
const TEXT = [
  'Good morning, you have reached the office of the northern water company. Nobody can take your call at the moment.',
  'My number is oh one six three two, nine six oh oh four seven, extension eight five two. I will wait for you to ring me back.',
  'The quick onyx goblin jumps over a lazy dwarf while five wizards box quietly. We were away a year ago, you know, in Oahu.',
  'She sells sea shells on the sea shore; the shells she sells are surely sea shells. Please leave a message after the tone.',
  'Ooh, hello? Hello! Are you there? Yes, yes, I can hear you now. Eee, the line is awful. Aah, much better, no noise at all.',
  'Your order of twenty-two blue umbrellas, seven yellow lamps and one violet mule will leave on Tuesday at eleven thirty.',
].join(' ');

const VOICES = [
  'en',
  'en-us',
  'en+f2',
  'en+f4',
  'en+m3',
  'en+m7',
  'de',
  'de+f3',
  'fr',
  'fr+f1',
  'es',
  'it+f2',
  'sv',
  'pl+m4',
  'fi+f5',
  'hu',
];
const PITCHES = [25, 50, 75, 99];

/** The recorded prompts of the demo line, one after the other, at 8000 Hz. */
export function recordedSpeech(folder = new URL('../../../../src/demo/prompts/', import.meta.url)): readonly Int16Array[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.ulaw'))
    .map((name) => decodeG711('PCMU', readFileSync(new URL(name, folder))));
}

/** espeak-ng can be run here. */
export function speechCanBeMade(): boolean {
  return spawnSync('espeak-ng', ['--version']).status === 0;
}

/** The same text in voices of many languages and heights, at 8000 Hz and a level as on the telephone; some 50 s each. */
export function* madeSpeech(voices: readonly string[] = VOICES, pitches: readonly number[] = PITCHES): Generator<Int16Array> {
  for (const voice of voices) {
    for (const pitch of pitches) {
      const { stdout, status } = spawnSync('espeak-ng', ['-v', voice, '-p', String(pitch), '-s', '160', '--stdout', TEXT], {
        maxBuffer: 64 * 1024 * 1024,
      });
      if (status !== 0) throw new Error(`espeak-ng does not speak ${voice}`);
      yield telephoneBand(stdout);
    }
  }
}

/** The samples of a WAV file of 22050 Hz at 8000 Hz, low-passed at 3600 Hz, its peak at half of full scale. */
function telephoneBand(wav: Buffer): Int16Array {
  const fromHz = wav.readUInt32LE(24);
  const source = new Float64Array((wav.length - 44) >> 1);
  for (let n = 0; n < source.length; n += 1) source[n] = wav.readInt16LE(44 + 2 * n);
  const reach = 48;
  const cutoff = (2 * 3600) / fromHz;
  const samples = new Float64Array(Math.floor((source.length * 8000) / fromHz));
  let peak = 1;
  for (let n = 0; n < samples.length; n += 1) {
    const centre = (n * fromHz) / 8000;
    let sum = 0;
    for (let k = Math.ceil(centre - reach); k <= centre + reach; k += 1) {
      const x = k - centre;
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * cutoff * x) / (Math.PI * cutoff * x);
      sum += (source[k] ?? 0) * cutoff * sinc * (0.5 + 0.5 * Math.cos((Math.PI * x) / reach));
    }
    samples[n] = sum;
    peak = Math.max(peak, Math.abs(sum));
  }
  return Int16Array.from(samples, (sample) => Math.round((sample * 16_384) / peak));
}
