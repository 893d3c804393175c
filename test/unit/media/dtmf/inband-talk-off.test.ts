import { describe, expect, it } from 'vitest';
import { InbandDetector } from '../../../../src/media/dtmf/inband-detector.js';
import { peakOfDbm0 } from '../../../../src/media/dtmf/inband-tones.js';
import { seededRandom } from '../seeded-random.js';
import { joined, overG711, PER_MS, silence, withNoise } from './inband-sound.js';
import { madeSpeech, recordedSpeech, speechCanBeMade } from './speech.js';

const PACKET_SAMPLES = 20 * PER_MS;

interface TalkOff {
  readonly falseDigits: number;
  readonly suspectedPackets: number;
  readonly packets: number;
}

function talkOffOf(parts: Iterable<Int16Array>): TalkOff {
  let falseDigits = 0;
  let [suspectedPackets, packets] = [0, 0];
  const detector = new InbandDetector({}, { onDetected: ({ type }) => (falseDigits += type === 'start' ? 1 : 0) });
  for (const part of parts) {
    for (let at = 0; at < part.length; at += PACKET_SAMPLES) {
      detector.receive(part.subarray(at, at + PACKET_SAMPLES));
      suspectedPackets += detector.suspects ? 1 : 0;
      packets += 1;
    }
  }
  return { falseDigits, suspectedPackets, packets };
}

interface Partial {
  readonly hz: number;
  readonly dbm0: number;
}

function chord(partials: readonly Partial[], ms: number): Int16Array {
  const sines = partials.map(({ hz, dbm0 }) => ({ peak: peakOfDbm0(dbm0), step: (2 * Math.PI * hz) / 8000 }));
  return Int16Array.from({ length: ms * PER_MS }, (_, n) =>
    Math.round(sines.reduce((sum, { peak, step }) => sum + peak * Math.sin(step * n), 0)),
  );
}

const tones =
  (...frequenciesHz: readonly number[]): ((ms: number) => Int16Array) =>
  (ms) =>
    chord(
      frequenciesHz.map((hz) => ({ hz, dbm0: -12 })),
      ms,
    );

/** What else sounds on a telephone line (ITU-T E.180, T.30, V.25). */
const LINE_TONES: readonly (readonly [string, Int16Array])[] = [
  ['dial tone of 350 and 440 Hz', tones(350, 440)(2000)],
  ['dial tone of 425 Hz', tones(425)(2000)],
  ['ringing tone of 440 and 480 Hz', tones(440, 480)(2000)],
  ['ringing tone of 400 and 450 Hz', tones(400, 450)(2000)],
  ['busy tone of 480 and 620 Hz', joined(tones(480, 620)(500), silence(500), tones(480, 620)(500))],
  ['special information tones', joined(tones(950)(330), tones(1400)(330), tones(1800)(330))],
  ['special information tones of other lengths', joined(tones(913.8)(274), tones(1370.6)(380), tones(1776.7)(380))],
  ['record tone of 1400 Hz', tones(1400)(500)],
  ['calling tone of a fax, 1100 Hz', tones(1100)(500)],
  ['answer tone of a modem, 2100 Hz', tones(2100)(3000)],
  ['a test tone of 1004 Hz', tones(1004)(3000)],
  ['a low tone of a key by itself', tones(770)(500)],
  ['a high tone of a key by itself', tones(1336)(500)],
  ['two tones of the same group', tones(697, 941)(500)],
  ['three tones: two of the low group', tones(697, 852, 1336)(500)],
  ['three tones: two of the high group', tones(770, 1209, 1477)(500)],
  [
    'the tones of a key and one 5 dB below them beside',
    joined(
      chord(
        [
          { hz: 697, dbm0: -9 },
          { hz: 1336, dbm0: -9 },
          { hz: 852, dbm0: -14 },
        ],
        500,
      ),
    ),
  ],
  ['the tones of a key and one as strong below', tones(400, 770, 1336)(500)],
  ['the tones of a key and one as strong above', tones(770, 1336, 2400)(500)],
];

/** Instruments: harmonics that fall off by so much each time they double. */
function note(hz: number, fallDb: number, dbm0: number): readonly Partial[] {
  const harmonics = Math.min(12, Math.floor(3600 / hz));
  return Array.from({ length: harmonics }, (_, n) => ({ hz: hz * (n + 1), dbm0: dbm0 - fallDb * Math.log2(n + 1) }));
}

function music(seconds: number, random: () => number): Int16Array {
  const intervals = [
    [0, 4, 7],
    [0, 3, 7],
    [0, 4, 7, 10],
    [0, 5, 9],
    [0, 3, 8],
  ];
  const parts: Int16Array[] = [];
  for (let ms = 0; ms < seconds * 1000; ms += 250) {
    const root = 110 * 2 ** (Math.floor(random() * 36) / 12);
    const kind = intervals[Math.floor(random() * intervals.length)] ?? [];
    const fallDb = 4 + 8 * random();
    parts.push(
      chord(
        kind.flatMap((step) => note(root * 2 ** (step / 12), fallDb, -16)),
        250,
      ),
    );
  }
  return joined(...parts);
}

describe('what is no digit', () => {
  it.each(LINE_TONES)('is not heard as one: %s', (_, sound) => {
    expect(talkOffOf([sound, silence(100)]).falseDigits).toBe(0);
    expect(talkOffOf([overG711(sound, 'PCMU'), silence(100)]).falseDigits).toBe(0);
    expect(talkOffOf([withNoise(sound, -30, seededRandom(5)), silence(100)]).falseDigits).toBe(0);
  });

  it('is not heard as one: five minutes of chords on instruments of many colours', () => {
    const random = seededRandom(6);
    const { falseDigits, suspectedPackets, packets } = talkOffOf(Array.from({ length: 30 }, () => music(10, random)));
    expect(falseDigits).toBe(0);
    expect(suspectedPackets / packets).toBeLessThan(0.01);
  });
});

describe('talk-off of a recorded voice', () => {
  it('finds no digit in the recorded prompts, and suspects one packet in a hundred at most', () => {
    const { falseDigits, suspectedPackets, packets } = talkOffOf(recordedSpeech());
    expect(packets).toBeGreaterThan(3000);
    expect(falseDigits).toBe(0);
    expect(suspectedPackets / packets).toBeLessThan(0.01);
  });
});

const speaks = speechCanBeMade();

describe.skipIf(!speaks)(`talk-off of made voices${speaks ? '' : ' [skipped: espeak-ng is not installed]'}`, () => {
  it.each([
    ['en', 50],
    ['en+f2', 75],
    ['en+f4', 75],
    ['en+f4', 99],
    ['de', 25],
    ['fr+f1', 75],
  ])(
    'finds no digit in 50 seconds of the voice %s at pitch %i',
    (voice, pitch) => {
      const { falseDigits, suspectedPackets, packets } = talkOffOf(madeSpeech([voice], [pitch]));
      expect(packets).toBeGreaterThan(2000);
      expect(falseDigits).toBe(0);
      expect(suspectedPackets / packets).toBeLessThan(0.01);
    },
    60_000,
  );
});
