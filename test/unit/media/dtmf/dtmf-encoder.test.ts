import { describe, expect, it } from 'vitest';
import { type DigitSent, DtmfEncoder } from '../../../../src/media/dtmf/dtmf-encoder.js';
import { trace, traceDigits } from './dtmf-trace.js';

const CLOCK = { clockRateHz: 8000 };

function durations(packets: readonly { readonly payload: Buffer }[]): readonly string[] {
  return packets.map(({ payload }) => `${payload.readUInt16BE(2)}${(payload.readUInt8(1) & 0x80) === 0 ? '' : 'E'}`);
}

describe('DtmfEncoder', () => {
  it('sends one packet each 20 ms, the first with one interval, and the end three times, an interval apart (D4, D5)', () => {
    const { packets } = traceDigits({ ...CLOCK, startMs: 1000, timestampAtZero: 7 }, ['5'], 100);
    expect(packets.map(({ atMs }) => atMs)).toEqual([1000, 1020, 1040, 1060, 1080, 1100, 1120]);
    expect(durations(packets)).toEqual(['160', '320', '480', '640', '800E', '800E', '800E']);
    expect(new Set(packets.map(({ timestamp }) => timestamp))).toEqual(new Set([8007]));
    expect(packets.map(({ marker }) => marker)).toEqual([true, false, false, false, false, false, false]);
    expect(packets[0]?.payload.toString('hex')).toBe('050a00a0');
  });

  it.each([
    [8000, 800],
    [16_000, 1600],
    [48_000, 4800],
  ])('counts 100 ms at %i Hz as %i units (D5)', (clockRateHz, units) => {
    const { packets } = traceDigits({ clockRateHz }, ['1'], 100);
    expect(packets.at(-1)?.payload.readUInt16BE(2)).toBe(units);
  });

  it('is never shorter than one interval', () => {
    expect(durations(traceDigits(CLOCK, ['1'], 0).packets)).toEqual(['160E', '160E', '160E']);
  });

  it('fills a segment with 0xFFFF, without end, marks nothing anew and goes on where it ended (D3, D6)', () => {
    const { packets } = traceDigits({ clockRateHz: 48_000 }, ['#'], 1400);
    const segments = [...new Set(packets.map(({ timestamp }) => timestamp))];
    expect(segments).toEqual([0, 0xffff]);
    const last = packets.filter(({ timestamp }) => timestamp === 0).at(-1);
    expect(durations(last === undefined ? [] : [last])).toEqual(['65535']);
    expect(packets.filter(({ marker }) => marker).length).toBe(1);
    expect(durations(packets).slice(-3)).toEqual(Array(3).fill(`${1400 * 48 - 0xffff}E`));
  });

  it('ends within the segment when a press is exactly 0xFFFF long', () => {
    const { packets } = traceDigits({ clockRateHz: 1000, intervalMs: 50 }, ['1'], 0xffff);
    expect(new Set(packets.map(({ timestamp }) => timestamp)).size).toBe(1);
    expect(durations(packets).slice(-3)).toEqual(['65535E', '65535E', '65535E']);
  });

  it('sends queued digits in order with the gap between them, and reports each', () => {
    const { packets, sent } = traceDigits({ ...CLOCK, minGapMs: 90 }, ['1', '2'], 60);
    expect(packets.filter(({ marker }) => marker).map(({ atMs }) => atMs)).toEqual([0, 150]);
    expect(sent).toEqual([
      { id: 1, digit: '1', durationMs: 60, packets: 5 },
      { id: 2, digit: '2', durationMs: 60, packets: 5 },
    ]);
  });

  it('gives the whole gap before a digit, however early it is asked', () => {
    const encoder = new DtmfEncoder(CLOCK, { onSent: () => undefined });
    encoder.enqueue('1', 60);
    encoder.enqueue('2', 60);
    const buffer = Buffer.alloc(4);
    for (let nowMs = 0; nowMs < 100; nowMs += 20) encoder.next(nowMs, nowMs * 8, buffer, 0);
    expect(encoder.nextDueMs()).toBe(100);
    expect(encoder.next(99.5, 796, buffer, 0)).toBeUndefined();
    expect(encoder.next(100, 800, buffer, 0)?.timestamp).toBe(800);
  });

  it('starts no digit before the last end packet of the one before', () => {
    const { packets } = traceDigits({ ...CLOCK, minGapMs: 0 }, ['1', '2'], 60);
    expect(packets.filter(({ marker }) => marker).map(({ atMs }) => atMs)).toEqual([0, 80]);
  });

  it('never lets two presses overlap in timestamps, even when the stream clock is read early', () => {
    const encoder = new DtmfEncoder({ ...CLOCK, minGapMs: 0 }, { onSent: () => undefined });
    const buffer = Buffer.alloc(4);
    encoder.enqueue('1', 100);
    encoder.enqueue('1', 100);
    const starts: number[] = [];
    for (let nowMs = 0; encoder.busy; nowMs += 20) {
      const packet = encoder.next(nowMs, 0xffffff00, buffer, 0);
      if (packet?.marker === true) starts.push(packet.timestamp);
    }
    expect(starts).toEqual([0xffffff00, (0xffffff00 + 800) >>> 0]);
  });

  it('keeps the silence between presses in timestamps when a late audio packet sets the clock back', () => {
    const encoder = new DtmfEncoder(CLOCK, { onSent: () => undefined });
    const buffer = Buffer.alloc(4);
    const starts: number[] = [];
    const run = (fromMs: number, toMs: number, setBackMs: number): void => {
      for (let nowMs = fromMs; nowMs < toMs; nowMs += 20) {
        const packet = encoder.next(nowMs, (nowMs - setBackMs) * 8, buffer, 0);
        if (packet?.marker === true) starts.push(packet.timestamp);
      }
    };
    encoder.enqueue('1', 60);
    run(1000, 1100, 0);
    encoder.enqueue('2', 60);
    run(1100, 1200, 30);
    encoder.enqueue('3', 60);
    run(70_000, 70_100, 69_500);
    expect(starts).toEqual([8000, 8800, 4000]);
  });

  it('keeps its schedule when timers are late, and skips what it missed', () => {
    const encoder = new DtmfEncoder(CLOCK, { onSent: () => undefined });
    const buffer = Buffer.alloc(4);
    encoder.enqueue('1', 200);
    const at = (nowMs: number): string | undefined =>
      encoder.next(nowMs, 0, buffer, 0) === undefined ? undefined : durations([{ payload: buffer }])[0];
    expect([at(0), at(7), at(27), at(39.5), at(41), at(95)]).toEqual(['160', undefined, '320', '480', undefined, '800']);
    expect(encoder.nextDueMs()).toBe(100);
  });

  it('holds a key down without saying more than is known', () => {
    const encoder = new DtmfEncoder(CLOCK, { onSent: () => undefined });
    const buffer = Buffer.alloc(4);
    const at = (nowMs: number): string | undefined =>
      encoder.next(nowMs, 0, buffer, 0) === undefined ? undefined : durations([{ payload: buffer }])[0];
    encoder.begin('1');
    const said = [at(0), at(20)];
    encoder.lengthen(60);
    said.push(at(40), at(60));
    encoder.lengthen(20);
    encoder.end(70);
    said.push(at(80), at(100), at(120), at(140));
    expect(said).toEqual(['160', '160', '480', '480', '560E', '560E', '560E', undefined]);
    encoder.lengthen(500);
    encoder.end(500);
    expect(encoder.busy).toBe(false);
  });

  it('queues a key that goes down while another digit is being sent', () => {
    const { sent } = trace(CLOCK, (encoder) => {
      encoder.enqueue('1', 60);
      encoder.begin('2');
      encoder.end(80);
      encoder.enqueue('3', 60);
    });
    expect(sent.map(({ digit, durationMs }) => [digit, durationMs])).toEqual([
      ['1', 60],
      ['2', 80],
      ['3', 60],
    ]);
  });

  it('has nothing due when idle, and drops what waits when told', () => {
    const sent: DigitSent[] = [];
    const encoder = new DtmfEncoder(CLOCK, { onSent: (digit) => sent.push(digit) });
    expect([encoder.nextDueMs(), encoder.next(0, 0, Buffer.alloc(4), 0), encoder.clear()]).toEqual([undefined, undefined, 0]);
    encoder.enqueue('1', 60);
    encoder.enqueue('2', 60);
    encoder.next(0, 0, Buffer.alloc(4), 0);
    expect([encoder.clear(), encoder.busy, sent.length]).toEqual([2, false, 0]);
  });

  it.each([
    [3, [], 2],
    [4, [{ id: 1, digit: '1', durationMs: 80, packets: 4 }], 1],
  ])(
    'counts a press as gone once its end is told: told to drop all after %i packets of one whose fourth ends it',
    (count, told, dropped) => {
      const sent: DigitSent[] = [];
      const encoder = new DtmfEncoder({ ...CLOCK, intervalMs: 20 }, { onSent: (digit) => sent.push(digit) });
      encoder.enqueue('1', 80);
      encoder.enqueue('2', 80);
      for (let n = 0; n < count; n += 1) encoder.next(n * 20, n * 160, Buffer.alloc(4), 0);
      expect([encoder.clear(), encoder.busy, sent]).toEqual([dropped, false, told]);
    },
  );

  it('refuses more digits than it can hold', () => {
    const encoder = new DtmfEncoder(CLOCK, { onSent: () => undefined });
    const ids = Array.from({ length: 257 }, () => encoder.enqueue('1', 60));
    expect(ids.at(-2)).toBe(256);
    expect([ids.at(-1), encoder.begin('1')]).toEqual([undefined, undefined]);
  });
});
