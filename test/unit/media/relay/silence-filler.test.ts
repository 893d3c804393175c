import { describe, expect, it } from 'vitest';
import { type Left, RelayRig, TRUNK } from './relay-rig.js';

const frames = (left: readonly Left[], fromMs: number, toMs = Number.POSITIVE_INFINITY): readonly Left[] =>
  left.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
const isSilence = ({ payload }: Left): boolean => payload.length === 160 && payload.every((byte) => byte === 0xd5);
/** One after the other, in numbers and in time. */
const isUnbroken = (left: readonly Left[]): boolean =>
  left.slice(1).every(({ index, timestamp }, at) => index === (left[at]?.index ?? 0) + 1 && timestamp > (left[at]?.timestamp ?? 0));

/** A page that talked for a second, number 0 to 49, and a worker that looks at it twice a second. */
function talked(rig: RelayRig): void {
  for (let n = 0; n < 50; n += 1) {
    rig.audio(n);
    rig.runTo((n + 1) * 20);
  }
}

function wait(rig: RelayRig, toMs: number): void {
  while (rig.nowMs < toMs) {
    rig.output.fillSilence(rig.nowMs);
    rig.runTo(Math.min(toMs, rig.nowMs + 500));
  }
}

describe('a telephone whose page has gone quiet', () => {
  it('is sent silence, fifty packets a second of one stream, from half a second on', () => {
    const rig = new RelayRig();
    talked(rig);
    wait(rig, 6_000);
    const silence = frames(rig.left, 1_000);
    expect(silence.every(isSilence)).toBe(true);
    expect(frames(rig.left, 2_000, 5_000)).toHaveLength(150);
    expect(silence[0]?.atMs).toBeLessThanOrEqual(1_600);
    expect(isUnbroken(rig.left)).toBe(true);
    const steps = new Set(silence.slice(1).map(({ timestamp }, at) => timestamp - (silence[at]?.timestamp ?? 0)));
    expect([...steps]).toEqual([160]);
    expect(silence.some(({ marker }) => marker)).toBe(false);
  });

  it('hears it at once when it talks on, without a hole for what was lost', () => {
    const rig = new RelayRig();
    talked(rig);
    wait(rig, 3_000);
    for (let n = 150; n < 200; n += 1) {
      rig.audio(n);
      rig.runTo((n + 1) * 20);
    }
    const back = frames(rig.left, 3_040);
    expect(back).toHaveLength(48);
    expect(back.some(isSilence)).toBe(false);
    expect(isUnbroken(rig.left)).toBe(true);
    // Its clock went on meanwhile.
    expect((back.at(-1)?.timestamp ?? 0) - (rig.left[0]?.timestamp ?? 0)).toBe(199 * 160);
  });

  it('hears the page that was loaded anew in the same stream', () => {
    const rig = new RelayRig();
    talked(rig);
    wait(rig, 3_000);
    for (let n = 0; n < 50; n += 1) {
      rig.input(0, 9_000 + n, 77_000 + n * 160, Buffer.alloc(160, 1), 2);
      rig.runTo(3_000 + (n + 1) * 20);
    }
    expect(frames(rig.left, 3_000).filter((one) => !isSilence(one))).toHaveLength(50);
    expect(isUnbroken(rig.left)).toBe(true);
    expect(new Set(rig.left.map(({ ssrc }) => ssrc)).size).toBe(1);
  });

  it('does not hear late what was held up on the way, and hears what comes in time after it', () => {
    const rig = new RelayRig();
    talked(rig);
    wait(rig, 4_000);
    // All of three seconds in one burst, as over TCP.
    for (let n = 50; n < 200; n += 1) rig.audio(n);
    const live = rig.left.length;
    for (let n = 200; n < 250; n += 1) {
      rig.audio(n);
      rig.runTo((n + 1) * 20);
    }
    expect(rig.left.length - live).toBeGreaterThanOrEqual(49);
    expect(isUnbroken(rig.left)).toBe(true);
    const { timestamp = 0, atMs = 0 } = rig.left.at(-1) ?? {};
    expect(Math.abs((timestamp - (rig.left[0]?.timestamp ?? 0)) / 8 - atMs), 'ms behind real time').toBeLessThanOrEqual(40);
  });

  it('hears a page whose every packet comes later than before', () => {
    const rig = new RelayRig();
    talked(rig);
    wait(rig, 2_000);
    for (let n = 100; n < 250; n += 1) {
      rig.runTo(n * 20 + 700);
      if (n % 25 === 0) rig.output.fillSilence(rig.nowMs);
      rig.audio(n);
    }
    expect(frames(rig.left, 4_000)).toHaveLength(85);
    expect(frames(rig.left, 4_000).some(isSilence)).toBe(false);
    expect(isUnbroken(rig.left)).toBe(true);
  });

  it('gets digits in between, and nothing beside them', () => {
    const rig = new RelayRig();
    talked(rig);
    wait(rig, 2_000);
    rig.output.enqueue({ press: 1, digit: '5', durationMs: 100 });
    wait(rig, 3_000);
    expect(rig.sent).toMatchObject([{ press: 1, durationMs: 100 }]);
    const events = rig.left.filter(({ payloadType }) => payloadType === 101);
    const [first, last] = [events[0]?.atMs ?? 0, events.at(-1)?.atMs ?? 0];
    expect(frames(rig.left, first, last).every(({ payloadType }) => payloadType === 101)).toBe(true);
    expect(frames(rig.left, 2_500).length).toBeGreaterThan(20);
    expect(rig.left.map(({ index }) => index)).toEqual(rig.left.map((_, at) => 100 + at));
  });

  it('is sent none before the page has talked, while it may not be sent to, and once it is no longer there', () => {
    const rig = new RelayRig();
    wait(rig, 2_000);
    expect(rig.left).toEqual([]);
    talked(rig);
    rig.output.setFormat({ ...TRUNK, direction: 'recvonly' });
    const before = rig.left.length;
    wait(rig, 6_000);
    expect(rig.left).toHaveLength(before);
    rig.output.setFormat(TRUNK);
    wait(rig, 7_000);
    expect(rig.left.length).toBeGreaterThan(before);
    rig.output.close();
    const atEnd = rig.left.length;
    wait(rig, 9_000);
    expect(rig.left).toHaveLength(atEnd);
    expect(rig.output.nextDueMs()).toBeUndefined();
  });
});
