import { describe, expect, it } from 'vitest';
import { DIGITS } from '../../src/media/dtmf/digit.js';
import type { DigitToSend, MediaEvent, PressId } from '../../src/media/plane.js';
import { BAD_PATH, BadPath, GOOD_PATH } from '../support/dtmf-channel.js';
import { withPlane } from '../support/dtmf-plane.js';
import { type Press, randomPresses } from '../support/dtmf-presses.js';
import { faultsOf, type ReadPress, readPresses } from '../support/dtmf-reading.js';
import { openCall, runCalls, STEP_MS, type StormCall } from '../support/dtmf-storm.js';
import { integerIn, seededRandom } from '../unit/media/seeded-random.js';

type SentEvent = Extract<MediaEvent, { readonly type: 'digit-sent' }>;
type SeenEvent = Extract<MediaEvent, { readonly type: 'digit' }>;

const calls = 20;
const keysEach = 60;
const silenceUnits = 40 * 8;

/** Complete, and with the silence of Q.24 before each. */
function expectClean(left: readonly ReadPress[], where: string): void {
  for (const [index, press] of left.entries()) {
    expect(faultsOf(press), `key ${index}, ${where}`).toEqual([]);
    const before = left[index - 1];
    if (before === undefined) continue;
    const silence = (press.timestamp - before.timestamp - before.units) | 0;
    expect(silence, `silence before key ${index}, ${where}`).toBeGreaterThanOrEqual(silenceUnits);
  }
}

function told(events: readonly MediaEvent[], { sessions }: StormCall): { seen: readonly SeenEvent[]; sent: readonly SentEvent[] } {
  const own = events.filter((event) => event.session === sessions.b);
  expect(own.filter(({ type }) => type === 'digit-unsent')).toEqual([]);
  return { seen: own.filter((event) => event.type === 'digit'), sent: own.filter((event) => event.type === 'digit-sent') };
}

describe('the life of a press, told by its number', () => {
  it('ends exactly once for keys of a telephone and keys we are asked to send, on one leg at one time', async () => {
    await withPlane(async ({ host, clock, calls: made, events }) => {
      const asked = new Map<StormCall, { readonly atMs: number; readonly digits: readonly DigitToSend[] }[]>();
      const numbers = new Map<StormCall, PressId[]>();
      for (let n = 0; n < calls; n += 1) {
        const random = seededRandom(600 + n);
        // Slow enough for the leg to send the other keys too.
        const slowly = (press: Press): Press => ({ ...press, digit: DIGITS[integerIn(random, 10, 15)] ?? '*', gapMs: press.gapMs + 240 });
        const letters = randomPresses(random, keysEach).map(slowly);
        const call = await openCall(host, {
          kind: 'udp',
          a: { presses: letters, random, out: new BadPath(random, BAD_PATH), in: GOOD_PATH },
          b: { presses: [], random, out: GOOD_PATH, in: GOOD_PATH },
        });
        made.push(call);
        numbers.set(call, []);
        asked.set(
          call,
          Array.from({ length: keysEach / 3 }, (_, index) => ({
            atMs: 200 + index * 500 + integerIn(random, 0, 40) * STEP_MS,
            digits: Array.from({ length: integerIn(random, 1, 3) }, () => ({
              digit: DIGITS[integerIn(random, 0, 9)] ?? '0',
              durationMs: integerIn(random, 40, 200),
              gapMs: integerIn(random, 40, 100),
              origin: 'api' as const,
            })),
          })),
        );
      }
      const replies: Promise<void>[] = [];
      await runCalls(clock, made, (atMs) => {
        for (const [call, requests] of asked)
          for (const request of requests.filter((one) => one.atMs === atMs))
            replies.push(host.sendDigits(call.sessions.b, 'b', request.digits).then((ids) => void numbers.get(call)?.push(...ids)));
      });
      await Promise.all(replies);
      for (const [n, call] of made.entries()) {
        const where = `call ${n}`;
        const left = readPresses(call.ends.b.left);
        const digits = [...(asked.get(call) ?? [])].sort((a, b) => a.atMs - b.atMs).flatMap((request) => request.digits);
        const ours = left.filter(({ digit }) => /\d/.test(digit));
        const theirs = left.filter(({ digit }) => /\D/.test(digit));
        expectClean(left, where);
        expect(
          ours.map(({ digit, units }) => [digit, units / 8]),
          where,
        ).toEqual(digits.map(({ digit, durationMs }) => [digit, durationMs]));
        expect(
          theirs.map(({ digit }) => digit),
          where,
        ).toEqual(call.ends.a.options.presses.map(({ digit }) => digit));

        const { seen, sent } = told(events, call);
        const pressed = [...seen.filter(({ relayed }) => relayed).map(({ press }) => press), ...(numbers.get(call) ?? [])];
        expect(seen.length, where).toBe(theirs.length);
        expect(new Set(pressed).size, where).toBe(left.length);
        expect(sent.map(({ press }) => press).sort(ascending), where).toEqual(pressed.sort(ascending));
        expect(
          sent.map(({ durationMs, packets, as, leg }) => ({ durationMs, packets, as, leg })),
          where,
        ).toEqual(left.map(({ units, events: packets }) => ({ durationMs: units / 8, packets: packets.length, as: 'rfc4733', leg: 'b' })));
      }
    });
  });

  it('is one life where a page sends each key by request first and in its RTP after', async () => {
    await withPlane(async ({ host, clock, calls: made, events }) => {
      const requests: { readonly call: StormCall; readonly atMs: number; readonly digit: DigitToSend }[] = [];
      for (let n = 0; n < calls; n += 1) {
        const random = seededRandom(900 + n);
        const presses = randomPresses(random, keysEach, n < 3 ? '7' : undefined);
        const call = await openCall(host, {
          kind: 'udp',
          a: { presses, random, out: new BadPath(random, BAD_PATH), in: GOOD_PATH },
          b: { presses: [], random, out: GOOD_PATH, in: GOOD_PATH },
        });
        made.push(call);
        const headStartMs = integerIn(random, 0, 30) * STEP_MS;
        for (const [index, startMs] of call.ends.a.startsMs.entries()) {
          const { digit = '0', durationMs = 0 } = presses[index] ?? {};
          requests.push({ call, atMs: Math.max(0, startMs - headStartMs), digit: { digit, durationMs, origin: 'page' } });
        }
      }
      await runCalls(clock, made, (now) => {
        for (const { call, atMs, digit } of requests) if (atMs === now) void host.sendDigits(call.sessions.b, 'b', [digit]);
      });
      for (const [n, call] of made.entries()) {
        const where = `call ${n}`;
        const left = readPresses(call.ends.b.left);
        expectClean(left, where);
        expect(
          left.map(({ digit, units }) => [digit, units / 8]),
          where,
        ).toEqual(call.ends.a.options.presses.map(({ digit, durationMs }) => [digit, durationMs]));
        const { seen, sent } = told(events, call);
        expect(seen, where).toEqual([]);
        expect(sent.length, where).toBe(keysEach);
        expect(host.stats(call.sessions.a).a?.dropped['digit-copy'], where).toBe(keysEach);
      }
    });
  });
});

const ascending = (a: number, b: number): number => a - b;
