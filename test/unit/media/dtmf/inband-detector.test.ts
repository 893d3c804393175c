import { describe, expect, it } from 'vitest';
import { DIGITS, type Digit } from '../../../../src/media/dtmf/digit.js';
import { type InbandDetected, InbandDetector } from '../../../../src/media/dtmf/inband-detector.js';
import { seededRandom } from '../seeded-random.js';
import { detect, heard, joined, type KeyTone, keyTone, overG711, PER_MS, silence, withNoise } from './inband-sound.js';

/** Each digit at each of four places against the grid of the detector's windows. */
const PLACES = DIGITS.flatMap((digit) => Array.from({ length: 4 }, (_, place) => ({ digit, padMs: 50 + place })));

type Sound = (digit: Digit) => Int16Array;

/** In how many of all cases of digit and place the text heard is the one wanted. */
function share(sound: Sound, wanted: (digit: Digit) => string = (digit) => digit): number {
  const right = PLACES.filter(({ digit, padMs }) => heard(joined(silence(padMs), sound(digit))) === wanted(digit));
  return right.length / PLACES.length;
}

const key =
  (tone: Omit<KeyTone, 'digit'>): Sound =>
  (digit) =>
    keyTone({ digit, ...tone });
const nothing = (): string => '';
const twice = (digit: Digit): string => digit + digit;
const SIGNS = [
  [1, 1],
  [1, -1],
  [-1, 1],
  [-1, -1],
  [1, 0],
  [0, -1],
] as const;

describe('any digits', () => {
  it.each(['PCMU', 'PCMA'] as const)(
    'are heard as pressed, at random levels, twists, lengths, pauses and errors, in noise, over %s',
    (law) => {
      const random = seededRandom(7);
      const between = (from: number, to: number): number => from + (to - from) * random();
      const digits = Array.from({ length: 400 }, () => DIGITS[Math.floor(random() * 16)] ?? '0');
      const sound = joined(
        ...digits.map((digit) => {
          const lowDbm0 = between(-20, -8);
          const highDbm0 = lowDbm0 + between(-5, 4);
          const tone = keyTone({
            digit,
            onMs: between(40, 150),
            lowDbm0,
            highDbm0,
            lowError: between(-0.015, 0.015),
            highError: between(-0.015, 0.015),
          });
          const noisy = withNoise(joined(tone, silence(between(40, 150))), Math.min(lowDbm0, highDbm0) - 15, random);
          return overG711(noisy, law);
        }),
      );
      expect(heard(sound)).toBe(digits.join(''));
    },
  );
});

describe('frequency (Q.24: within 1.5% is a digit, from 3.5% on none)', () => {
  it.each([0.01, 0.015, 0.016])('takes tones %f off, both ways and each alone, in 40 ms', (error) => {
    for (const [low, high] of SIGNS) expect(share(key({ onMs: 40, lowError: low * error, highError: high * error }))).toBe(1);
  });

  it.each([0.03, 0.035, 0.05])('leaves tones %f off, be it only one of them and for 120 ms', (error) => {
    for (const [low, high] of SIGNS) {
      expect(share(key({ onMs: 120, lowError: low * error, highError: high * error }), nothing)).toBe(1);
    }
  });

  it.each(['PCMU', 'PCMA'] as const)('keeps both limits over %s in noise', (law) => {
    const random = seededRandom(1);
    const distorted =
      (onMs: number, error: number): Sound =>
      (digit) =>
        overG711(withNoise(keyTone({ digit, onMs, lowError: error, highError: -error }), -26, random), law);
    expect(share(distorted(40, 0.015))).toBe(1);
    expect(share(distorted(40, -0.015))).toBe(1);
    expect(share(distorted(120, 0.035), nothing)).toBe(1);
    expect(share(distorted(120, -0.035), nothing)).toBe(1);
  });
});

describe('level', () => {
  it.each([-8, -6, -3, 0, 2, 4])('takes a high tone %i dB over the low one', (twistDb) => {
    expect(share(key({ onMs: 40, lowDbm0: -10, highDbm0: -10 + twistDb }))).toBe(1);
  });

  it.each([-12, -11, 7, 10])('leaves a high tone %i dB over the low one', (twistDb) => {
    expect(share(key({ onMs: 200, lowDbm0: -12, highDbm0: -12 + twistDb }), nothing)).toBe(1);
  });

  it.each(['PCMU', 'PCMA'] as const)('takes −25 to 0 dBm0 over %s and leaves −35', (law) => {
    for (const level of [0, -3, -10, -20, -25, -28]) {
      expect(share((digit) => overG711(keyTone({ digit, onMs: 40, lowDbm0: level, highDbm0: level }), law))).toBe(1);
    }
    expect(share((digit) => overG711(keyTone({ digit, onMs: 200, lowDbm0: -35, highDbm0: -35 }), law), nothing)).toBe(1);
  });

  it('takes what it is told to as the lowest level', () => {
    const digits: Digit[] = [];
    const detector = new InbandDetector({ lowestLevelDbm0: -40 }, { onDetected: ({ digit }) => digits.push(digit) });
    detector.receive(joined(keyTone({ digit: '7', onMs: 100, lowDbm0: -38, highDbm0: -38 }), silence(100)));
    expect(digits).toEqual(['7', '7']);
  });

  it.each([
    [-9, -9, 6],
    [-12, -10, 8],
    [-25, -25, 22],
    [-3, -3, 0],
  ])('tells %i and %i dBm0 as volume %i', (lowDbm0, highDbm0, volume) => {
    for (const digit of DIGITS) expect(detect(keyTone({ digit, onMs: 80, lowDbm0, highDbm0 }))[0]?.volume).toBe(volume);
  });
});

describe('time', () => {
  it.each([33, 36, 40, 45, 60, 100, 1000])('takes a tone of %i ms', (onMs) => {
    expect(share(key({ onMs }))).toBe(1);
  });

  it.each([5, 10, 15, 20, 23])('leaves a tone of %i ms', (onMs) => {
    expect(share(key({ onMs }), nothing)).toBe(1);
  });

  it.each([34, 40, 50, 70])('hears two digits with a pause of %i ms between', (offMs) => {
    expect(share((digit) => joined(keyTone({ digit, onMs: 40 }), silence(offMs), keyTone({ digit, onMs: 40 })), twice)).toBe(1);
  });

  it.each([1, 5, 10, 15, 20])('hears one digit over an interruption of %i ms', (offMs) => {
    expect(share((digit) => joined(keyTone({ digit, onMs: 50 }), silence(offMs), keyTone({ digit, onMs: 50 })))).toBe(1);
  });

  it('hears two digits without a pause when they differ', () => {
    const pairs = DIGITS.flatMap((one) => DIGITS.filter((other) => other !== one).map((other) => [one, other] as const));
    for (const [one, other] of pairs) {
      expect(heard(joined(silence(50), keyTone({ digit: one, onMs: 60 }), keyTone({ digit: other, onMs: 60 })))).toBe(one + other);
    }
  });

  it.each([10, 20, 30, 40, 50, 60, 70])('hears one digit when the packet %i ms after its beginning is lost, silent or skipped', (atMs) => {
    const [from, to] = [atMs * PER_MS, (atMs + 20) * PER_MS];
    const silenced = (digit: Digit): Int16Array => keyTone({ digit, onMs: 100 }).fill(0, from, to);
    const skipped = (digit: Digit): Int16Array => {
      const tone = keyTone({ digit, onMs: 100 });
      return joined(tone.subarray(0, from), tone.subarray(to));
    };
    expect(share(silenced)).toBe(1);
    expect(share(skipped)).toBe(1);
  });

  it('tells beginning and length within 6 ms', () => {
    for (const { digit, padMs } of PLACES) {
      for (const onMs of [40, 65, 100, 437]) {
        const [start, end] = detect(joined(silence(padMs), keyTone({ digit, onMs })));
        expect(start?.type).toBe('start');
        expect(end?.type).toBe('end');
        expect(Math.abs((start?.startMs ?? 0) - padMs)).toBeLessThan(6);
        expect(Math.abs((end?.durationMs ?? 0) - onMs)).toBeLessThan(6);
        expect(end?.startMs).toBe(start?.startMs);
      }
    }
  });

  it('is sure 34 ms after the beginning at the latest, 32 at the median', () => {
    const delaysMs = PLACES.map(({ digit, padMs }) => {
      const sound = joined(silence(padMs), keyTone({ digit, onMs: 100 }));
      let sureMs = 0;
      let fedMs = 0;
      const detector = new InbandDetector({}, { onDetected: ({ type }) => (sureMs = type === 'start' ? fedMs : sureMs) });
      for (let n = 0; n < sound.length; n += 1) {
        fedMs = (n + 1) / PER_MS;
        detector.receive(sound.subarray(n, n + 1));
      }
      return sureMs - padMs;
    }).sort((a, b) => a - b);
    expect(delaysMs[0]).toBeGreaterThan(24);
    expect(delaysMs[delaysMs.length >> 1]).toBeLessThanOrEqual(32);
    expect(delaysMs.at(-1)).toBeLessThanOrEqual(34);
  });
});

describe('lost packets that are told as such', () => {
  interface Hole {
    readonly fromMs: number;
    readonly toMs: number;
  }

  function detectWithHoles(sound: Int16Array, holes: readonly Hole[], padMs = 50): readonly InbandDetected[] {
    const detected: InbandDetected[] = [];
    const detector = new InbandDetector({}, { onDetected: (one) => detected.push(one) });
    detector.receive(silence(padMs));
    let atMs = 0;
    for (const { fromMs, toMs } of holes) {
      detector.receive(sound.subarray(atMs * PER_MS, fromMs * PER_MS));
      detector.lose((toMs - fromMs) * PER_MS);
      atMs = toMs;
    }
    detector.receive(joined(sound.subarray(atMs * PER_MS), silence(150)));
    return detected;
  }

  function shareWithHoles(sound: Sound, holes: readonly Hole[], wanted: (digit: Digit) => string = (digit) => digit): number {
    const right = PLACES.filter(({ digit, padMs }) => {
      const starts = detectWithHoles(sound(digit), holes, padMs).filter(({ type }) => type === 'start');
      return starts.map((start) => start.digit).join('') === wanted(digit);
    });
    return right.length / PLACES.length;
  }

  const pair =
    (offMs: number): Sound =>
    (digit) =>
      joined(keyTone({ digit, onMs: 100 }), silence(offMs), keyTone({ digit, onMs: 100 }));

  it.each([20, 40, 60, 100])('do not part a digit in two: %i ms', (holeMs) => {
    for (const fromMs of [50, 70, 90]) expect(shareWithHoles(key({ onMs: 260 }), [{ fromMs, toMs: fromMs + holeMs }])).toBe(1);
  });

  it('do not part it when every second packet is lost', () => {
    const holes = [60, 100, 140, 180].map((fromMs) => ({ fromMs, toMs: fromMs + 20 }));
    expect(shareWithHoles(key({ onMs: 260 }), holes)).toBe(1);
  });

  it('do not join two digits: in the pause, at its beginning, at its end', () => {
    for (const [fromMs, toMs] of [
      [110, 130],
      [90, 110],
      [100, 120],
      [120, 140],
      [130, 150],
    ] as const) {
      expect(shareWithHoles(pair(40), [{ fromMs, toMs }], twice)).toBe(1);
    }
    expect(shareWithHoles(pair(80), [{ fromMs: 110, toMs: 150 }], twice)).toBe(1);
  });

  it.each([25, 30, 35, 40])('do not hide a digit of 80 ms: a packet %i ms after its beginning', (fromMs) => {
    expect(shareWithHoles(key({ onMs: 80 }), [{ fromMs, toMs: fromMs + 20 }])).toBe(1);
  });

  it('do not hide the end of a digit, which is where they began', () => {
    for (const digit of DIGITS) {
      const [start, end] = detectWithHoles(keyTone({ digit, onMs: 100 }), [{ fromMs: 80, toMs: 120 }]);
      expect(start?.type).toBe('start');
      expect(end?.type).toBe('end');
      expect(Math.abs((end?.durationMs ?? 0) - 80)).toBeLessThan(6);
    }
  });

  it('end a digit when all is lost from then on', () => {
    const detected: InbandDetected[] = [];
    const detector = new InbandDetector({}, { onDetected: (one) => detected.push(one) });
    detector.receive(keyTone({ digit: '8', onMs: 100 }));
    detector.lose(1000 * PER_MS);
    expect(detected.map(({ type }) => type)).toEqual(['start', 'end']);
    expect(Math.abs((detected[1]?.durationMs ?? 0) - 100)).toBeLessThan(6);
  });
});

describe('suspicion', () => {
  /** The longest stretch of a tone that leaves in packets after which no digit is suspected. */
  function leakMs(padMs: number, sound: Int16Array, onMs: number): number {
    const stream = joined(silence(padMs), sound, silence(100));
    const detector = new InbandDetector({}, { onDetected: () => {} });
    let [longest, current] = [0, 0];
    for (let at = 0; at < stream.length; at += 20 * PER_MS) {
      detector.receive(stream.subarray(at, at + 20 * PER_MS));
      const toneSamples = Math.min(at + 20 * PER_MS, (padMs + onMs) * PER_MS) - Math.max(at, padMs * PER_MS);
      current = detector.suspects ? 0 : current + Math.max(0, toneSamples);
      longest = Math.max(longest, current);
    }
    return longest / PER_MS;
  }

  it('comes early enough that no more than 20 ms of a tone leave in packets of 20 ms', () => {
    const random = seededRandom(8);
    for (const digit of DIGITS) {
      for (let place = 0; place < 20; place += 1) {
        const padMs = 100 + place + 1 / PER_MS;
        const tone = keyTone({ digit, onMs: 60, lowDbm0: -12, highDbm0: -12 + 12 * random() - 8, lowError: 0.015, highError: -0.015 });
        expect(leakMs(padMs, tone, 60)).toBeLessThanOrEqual(20);
        expect(leakMs(padMs, withNoise(tone, -30, random), 60)).toBeLessThanOrEqual(20);
      }
    }
  });

  it('lasts until the digit is over, and a packet after silence ends it', () => {
    const detector = new InbandDetector({}, { onDetected: () => {} });
    const suspects = [silence(20), keyTone({ digit: '4', onMs: 80 }), silence(20), silence(20), silence(20)].map((part) => {
      detector.receive(part);
      return detector.suspects;
    });
    expect(suspects).toEqual([false, true, true, false, false]);
  });

  it('passes when the tones were none in the end', () => {
    const detected: InbandDetected[] = [];
    const detector = new InbandDetector({}, { onDetected: (one) => detected.push(one) });
    detector.receive(keyTone({ digit: '4', onMs: 22 }));
    expect(detector.suspects).toBe(true);
    detector.receive(silence(30));
    expect(detector.suspects).toBe(false);
    expect(detected).toEqual([]);
  });
});

describe('noise and echo', () => {
  it.each(['PCMU', 'PCMA'] as const)('hears every digit of 40 ms in noise 15 dB below it, over %s', (law) => {
    const random = seededRandom(2);
    for (let round = 0; round < 4; round += 1) {
      expect(share((digit) => overG711(withNoise(keyTone({ digit, onMs: 40 }), -21, random), law))).toBe(1);
    }
  });

  it('hears each digit of a long number once in noise 15 dB below it', () => {
    const random = seededRandom(3);
    const digits = Array.from({ length: 500 }, () => DIGITS[Math.floor(random() * 16)] ?? '0');
    const sound = joined(...digits.map((digit) => joined(keyTone({ digit, onMs: 50 }), silence(50))));
    expect(heard(withNoise(sound, -21, random))).toBe(digits.join(''));
  });

  it('hears two digits through an echo of 20 ms that is 10 dB down', () => {
    const echoed = (digit: Digit): Int16Array => {
      const sound = joined(keyTone({ digit, onMs: 60 }), silence(40), keyTone({ digit, onMs: 60 }));
      return sound.map((sample, n) => sample + Math.round((sound[n - 20 * PER_MS] ?? 0) * 0.316));
    };
    expect(share(echoed, twice)).toBe(1);
  });

  it.each([3, 6, 10, 12])('hears one digit when a key that is held gets %i dB quieter, and louder again', (dropDb) => {
    const dropping = (digit: Digit): Int16Array =>
      keyTone({ digit, onMs: 600 }).map((sample, n) => (n > 200 * PER_MS && n < 400 * PER_MS ? sample * 10 ** (-dropDb / 20) : sample));
    expect(share(dropping)).toBe(1);
  });

  it('hears nothing in tones that swell or fade by 1 dB a millisecond', () => {
    const swelling = (digit: Digit): Int16Array =>
      keyTone({ digit, onMs: 40, lowDbm0: 0, highDbm0: 0 }).map((sample, n) => sample * 10 ** ((n / PER_MS - 40) / 20));
    expect(share(swelling, nothing)).toBe(1);
    expect(share((digit) => swelling(digit).reverse(), nothing)).toBe(1);
  });

  it('hears nothing in ten minutes of noise', () => {
    const random = seededRandom(4);
    let detected = 0;
    const detector = new InbandDetector({}, { onDetected: () => (detected += 1) });
    for (let second = 0; second < 600; second += 1) detector.receive(withNoise(silence(1000), -12, random));
    expect(detected).toBe(0);
  });
});

describe('the stream', () => {
  const sound = joined(silence(33), keyTone({ digit: '1', onMs: 60 }), silence(45), keyTone({ digit: '#', onMs: 80 }), silence(100));
  const ofFrames = (frameSamples: number): readonly InbandDetected[] => detect(sound, frameSamples);

  it.each([1, 13, 80, 161, 240, 480, 8000])('comes in frames of %i samples with the same result', (frameSamples) => {
    expect(ofFrames(frameSamples)).toEqual(ofFrames(160));
    expect(ofFrames(160).map(({ type, digit }) => `${type} ${digit}`)).toEqual(['start 1', 'end 1', 'start #', 'end #']);
  });

  it('says whether a digit sounds, and ends it when the stream does', () => {
    const detected: InbandDetected[] = [];
    const detector = new InbandDetector({}, { onDetected: (one) => detected.push(one) });
    expect(detector.active).toBe(false);
    detector.receive(keyTone({ digit: '9', onMs: 120 }));
    expect(detector.active).toBe(true);
    detector.flush();
    expect(detector.active).toBe(false);
    expect(detected.map(({ type, digit }) => `${type} ${digit}`)).toEqual(['start 9', 'end 9']);
    expect(detected[1]?.durationMs).toBeGreaterThan(110);
    detector.flush();
    expect(detected).toHaveLength(2);
  });

  it('begins anew after it has ended: nothing of before is heard', () => {
    const detected: InbandDetected[] = [];
    const detector = new InbandDetector({}, { onDetected: (one) => detected.push(one) });
    detector.receive(keyTone({ digit: '9', onMs: 28 }));
    expect(detector.suspects).toBe(true);
    detector.flush();
    expect(detector.suspects).toBe(false);
    detector.receive(keyTone({ digit: '9', onMs: 20 }));
    detector.receive(silence(100));
    expect(detected).toEqual([]);
  });

  it('forgets what it heard when it ends', () => {
    const tone = keyTone({ digit: '9', onMs: 112 });
    const detector = new InbandDetector({}, { onDetected: () => {} });
    detector.receive(tone.subarray(0, 100 * PER_MS));
    detector.flush();
    detector.receive(tone.subarray(100 * PER_MS));
    expect(detector.suspects).toBe(false);
  });

  it('ends a digit where its tone did when the stream ends a little later', () => {
    const detected: InbandDetected[] = [];
    const detector = new InbandDetector({}, { onDetected: (one) => detected.push(one) });
    detector.receive(joined(keyTone({ digit: '9', onMs: 100 }), silence(24)));
    detector.flush();
    expect(Math.abs((detected[1]?.durationMs ?? 0) - 100)).toBeLessThan(6);
  });
});
