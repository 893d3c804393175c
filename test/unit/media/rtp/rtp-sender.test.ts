import { describe, expect, it } from 'vitest';
import { ntpOf, RtpSender, randomRtpSenderOptions } from '../../../../src/media/rtp/rtp-sender.js';
import { integerIn, seededRandom } from '../seeded-random.js';

const SSRC = 0x1111;
const START = { clockRateHz: 8000, ssrc: 0xabcd, initialSequence: 100, initialTimestamp: 5000 };

interface Placed {
  readonly seq: number;
  readonly ts: number;
  readonly marker: boolean;
}

function placed(sender: RtpSender, ssrc: number, sequence: number, timestamp: number, nowMs: number): Placed | undefined {
  const index = sender.mapAudio(ssrc, sequence & 0xffff, timestamp >>> 0, nowMs);
  return index === undefined ? undefined : { seq: index.extendedSequence, ts: index.timestamp, marker: index.marker };
}

describe('RtpSender', () => {
  it('starts with its own numbers and a marker, then follows the source', () => {
    const sender = new RtpSender(START);
    expect(placed(sender, SSRC, 7, 900, 0)).toEqual({ seq: 100, ts: 5000, marker: true });
    expect(placed(sender, SSRC, 8, 1060, 20)).toEqual({ seq: 101, ts: 5160, marker: false });
  });

  it('keeps gaps and reordering of the source', () => {
    const sender = new RtpSender(START);
    placed(sender, SSRC, 10, 0, 0);
    expect(placed(sender, SSRC, 13, 480, 60)).toMatchObject({ seq: 103, ts: 5480 });
    expect(placed(sender, SSRC, 11, 160, 61)).toMatchObject({ seq: 101, ts: 5160 });
    expect(placed(sender, SSRC, 14, 640, 80)).toMatchObject({ seq: 104, ts: 5640 });
  });

  it('gives no index to a duplicate, in order or late', () => {
    const sender = new RtpSender(START);
    placed(sender, SSRC, 10, 0, 0);
    expect(placed(sender, SSRC, 10, 0, 1)).toBeUndefined();
    placed(sender, SSRC, 12, 320, 40);
    expect(placed(sender, SSRC, 11, 160, 41)).toBeDefined();
    expect(placed(sender, SSRC, 11, 160, 42)).toBeUndefined();
  });

  it('drops a late packet whose timestamp belongs somewhere else', () => {
    const sender = new RtpSender(START);
    placed(sender, SSRC, 10, 0, 0);
    placed(sender, SSRC, 12, 320, 40);
    expect(placed(sender, SSRC, 11, 480, 41)).toBeUndefined();
    expect(placed(sender, SSRC, 11, 320 - 8000 * 3, 42)).toBeUndefined();
  });

  it('continues under a new source one packet on, by the time that passed', () => {
    const sender = new RtpSender(START);
    placed(sender, SSRC, 10, 0, 0);
    expect(placed(sender, 0x2222, 40_000, 123_456, 500)).toEqual({ seq: 101, ts: 5000 + 4000, marker: true });
    expect(placed(sender, 0x2222, 40_001, 123_616, 520)).toEqual({ seq: 102, ts: 9160, marker: false });
    expect(placed(sender, 0x2222, 39_999, 123_296, 530)).toBeUndefined();
  });

  it('never lets a new source overlap the last packet of the old', () => {
    const sender = new RtpSender(START);
    placed(sender, SSRC, 10, 0, 0);
    placed(sender, SSRC, 11, 240, 30);
    expect(placed(sender, 0x2222, 1, 0, 31)).toMatchObject({ ts: 5240 + 240 });
  });

  it('keeps sequence and clock through a hold of eleven minutes and more, whatever the source does with its own', () => {
    const holdMs = 15 * 60_000;
    const resumes: readonly (readonly [string, number, number])[] = [
      ['went on counting', 11, 8 * holdMs],
      ['stood still', 11, 160],
      ['jumped ahead by 33,000', 33_011, 8 * holdMs],
      ['jumped back', 65_000, 77],
    ];
    for (const [name, sequence, timestamp] of resumes) {
      const sender = new RtpSender(START);
      placed(sender, SSRC, 10, 0, 0);
      expect(placed(sender, SSRC, sequence, timestamp, holdMs), name).toMatchObject({ seq: 101, ts: 5000 + 8 * holdMs });
      expect(placed(sender, SSRC, sequence + 1, timestamp + 160, holdMs + 20), name).toMatchObject({ seq: 102, ts: 5160 + 8 * holdMs });
    }
  });

  it('believes a restart in mid-stream at its second packet, and lets a stray one pass by', () => {
    const sender = new RtpSender(START);
    placed(sender, SSRC, 10, 0, 0);
    expect(placed(sender, SSRC, 30_000, 0, 20)).toBeUndefined();
    expect(placed(sender, SSRC, 11, 160, 20)).toMatchObject({ seq: 101, marker: false });
    expect(placed(sender, SSRC, 50_000, 9000, 40)).toBeUndefined();
    expect(placed(sender, SSRC, 50_001, 9160, 60)).toMatchObject({ seq: 102, ts: 5000 + 480, marker: true });
  });

  it('sets the timestamp anew when the source clock leaps against real time', () => {
    const sender = new RtpSender(START);
    placed(sender, SSRC, 10, 0, 0);
    expect(placed(sender, SSRC, 11, 1_000_000, 20)).toEqual({ seq: 101, ts: 5160, marker: true });
    expect(placed(sender, SSRC, 12, 1_000_160, 40)).toEqual({ seq: 102, ts: 5320, marker: false });
  });

  it('lets a stall of the network shorter than two seconds through unchanged', () => {
    const sender = new RtpSender(START);
    placed(sender, SSRC, 10, 0, 0);
    expect(placed(sender, SSRC, 11, 160, 1900)).toEqual({ seq: 101, ts: 5160, marker: false });
  });

  it('puts inserted packets after the newest, drops what would have to go before them and goes on behind', () => {
    const sender = new RtpSender(START);
    placed(sender, SSRC, 10, 0, 0);
    placed(sender, SSRC, 12, 320, 40);
    expect(sender.insert()).toBe(103);
    expect(sender.insert()).toBe(104);
    expect(placed(sender, SSRC, 11, 160, 41)).toBeUndefined();
    expect(placed(sender, SSRC, 13, 480, 60)).toMatchObject({ seq: 105, ts: 5480 });
  });

  it('inserts before any audio has come', () => {
    const sender = new RtpSender(START);
    expect(sender.timestampAt(1000)).toBe(5000);
    expect(sender.insert()).toBe(100);
    expect(sender.timestampAt(1020)).toBe(5160);
    expect(placed(sender, SSRC, 60_000, 1, 1040)).toEqual({ seq: 101, ts: 5320, marker: true });
  });

  it('leaves no hole for packets taken out on purpose', () => {
    const sender = new RtpSender(START);
    sender.skip(SSRC, 9);
    placed(sender, SSRC, 10, 0, 0);
    for (const sequence of [11, 12, 12, 13]) sender.skip(SSRC, sequence);
    sender.skip(0x9999, 14);
    sender.skip(SSRC, 40_000);
    expect(placed(sender, SSRC, 12, 320, 70)).toBeUndefined();
    expect(placed(sender, SSRC, 14, 640, 80)).toMatchObject({ seq: 101, ts: 5640 });
  });

  it('still shows real loss around packets taken out', () => {
    const sender = new RtpSender(START);
    placed(sender, SSRC, 10, 0, 0);
    sender.skip(SSRC, 13);
    expect(placed(sender, SSRC, 14, 640, 80)).toMatchObject({ seq: 103 });
  });

  it('counts wraps of its sequence and lets its timestamp wrap', () => {
    const sender = new RtpSender({ ...START, initialSequence: 0x7fff, initialTimestamp: 0xffffff00 });
    let last: Placed | undefined;
    for (let n = 0; n < 70_000; n += 1) last = placed(sender, SSRC, 65_500 + n, 0xfffff000 + n * 160, n * 20);
    expect(last).toEqual({ seq: 0x7fff + 69_999, ts: (0xffffff00 + 69_999 * 160) >>> 0, marker: false });
  });

  it('takes a gap wider than its memory', () => {
    const sender = new RtpSender(START);
    placed(sender, SSRC, 10, 0, 0);
    expect(placed(sender, SSRC, 1010, 160_000, 20_000)).toMatchObject({ seq: 1100 });
    expect(placed(sender, SSRC, 1009, 159_840, 20_001)).toMatchObject({ seq: 1099 });
  });

  it.each(Array.from({ length: 12 }, (_, n) => n + 1))(
    'never gives an index twice and never falls back, under any mix of packets (seed %i)',
    (seed) => {
      const source = new UnrulySource(seededRandom(seed));
      const sender = new RtpSender(START);
      const given = new Set<number>();
      let newest = 0;
      for (let step = 0; step < 3000; step += 1) {
        const { out, late } = source.step(sender);
        if (out === undefined) continue;
        expect(given.has(out)).toBe(false);
        if (!late) expect(out).toBeGreaterThan(newest - 100);
        given.add(out);
        newest = Math.max(newest, out);
      }
      expect(given.size).toBeGreaterThan(1500);
    },
  );

  it('puts frames of its own where the audio ended, or now when that was over a frame ago', () => {
    const sender = new RtpSender(START);
    expect(sender.audioEndMs()).toBe(Number.NEGATIVE_INFINITY);
    const begin = placed(sender, SSRC, 10, 0, 1000)?.ts ?? 0;
    expect(sender.audioEndMs()).toBe(1020);
    expect(sender.nextFrame(1012, 20)).toEqual({ timestamp: begin + 160, atMs: 1020, afterSilence: false });
    expect(sender.nextFrame(1039, 20)).toEqual({ timestamp: begin + 160, atMs: 1020, afterSilence: false });
    expect(sender.nextFrame(1100, 20)).toEqual({ timestamp: begin + 800, atMs: 1100, afterSilence: true });
  });

  it('gives frames of its own the next numbers, and the source the place behind them', () => {
    const sender = new RtpSender(START);
    const first = placed(sender, SSRC, 10, 0, 1000);
    const begin = first?.ts ?? 0;
    const own = [sender.insertFrame(begin + 160, 160, 1020), sender.insertFrame(begin + 320, 160, 1040)];
    expect(own).toEqual([(first?.seq ?? 0) + 1, (first?.seq ?? 0) + 2]);
    expect([160, 320, 479, 480].map((timestamp) => sender.isCovered(SSRC, timestamp))).toEqual([true, true, true, false]);
    expect(sender.isCovered(SSRC, 160), 'what is behind once is behind for good').toBe(false);
    expect(placed(sender, SSRC, 11, 480, 1060)).toMatchObject({ seq: (first?.seq ?? 0) + 3, ts: begin + 480, marker: false });
  });

  it('leaves no hole for what was lost while its own frames went out, and gives no number twice', () => {
    const sender = new RtpSender(START);
    const first = placed(sender, SSRC, 10, 0, 1000);
    const begin = first?.ts ?? 0;
    const own = Array.from({ length: 50 }, (_, n) => sender.insertFrame(begin + 160 * (n + 1), 160, 1020 + 20 * n));
    expect(sender.isCovered(SSRC, 160 * 50), 'the last of its frames').toBe(true);
    expect(sender.isCovered(SSRC, 160), 'the first of them').toBe(true);
    const next = placed(sender, SSRC, 63, 160 * 53, 2060);
    expect(next).toMatchObject({ seq: (first?.seq ?? 0) + 51, ts: begin + 160 * 53 });
    const late = [62, 61, 40, 11].map((sequence) => placed(sender, SSRC, sequence, 160 * (sequence - 10), 2061));
    expect(late, 'their numbers are taken').toEqual([undefined, undefined, undefined, undefined]);
    expect(placed(sender, SSRC, 64, 160 * 54, 2080)?.seq).toBe((next?.seq ?? 0) + 1);
    expect(new Set(own).size).toBe(50);
  });

  it('begins another source no sooner than its own frames end', () => {
    const sender = new RtpSender(START);
    const begin = placed(sender, SSRC, 10, 0, 1000)?.ts ?? 0;
    sender.insertFrame(begin + 160, 160, 1020);
    expect(sender.isCovered(SSRC + 1, 160)).toBe(false);
    expect(placed(sender, SSRC + 1, 77, 9999, 1022)?.ts).toBe(begin + 320);
  });

  it('describes itself for a sender report at one instant', () => {
    const sender = new RtpSender(START);
    placed(sender, SSRC, 10, 0, 1000);
    sender.countSent(160);
    sender.countSent(160);
    expect(sender.senderInfo(1100, 1_500)).toEqual({
      ...{ ntpSeconds: 2_208_988_801, ntpFraction: 2 ** 31, rtpTimestamp: 5800, packetCount: 2, octetCount: 320 },
    });
    expect([sender.packetsSent, sender.bytesSent]).toEqual([2, 320]);
  });

  it('draws first sequence numbers below 2^15 and different streams each time', () => {
    const drawn = Array.from({ length: 200 }, () => randomRtpSenderOptions(8000));
    expect(Math.max(...drawn.map(({ initialSequence }) => initialSequence))).toBeLessThan(2 ** 15);
    expect(new Set(drawn.map(({ ssrc }) => ssrc)).size).toBeGreaterThan(190);
  });

  it('counts NTP time from 1900', () => {
    expect(ntpOf(0)).toEqual({ ntpSeconds: 2_208_988_800, ntpFraction: 0 });
  });
});

/** A source that loses, repeats, delays, jumps, pauses and changes, with events inserted between. */
class UnrulySource {
  private ssrc = 1;
  private sequence = 65_000;
  private timestamp = 0;
  private nowMs = 0;

  constructor(private readonly random: () => number) {}

  step(sender: RtpSender): { readonly out: number | undefined; readonly late: boolean } {
    const dice = this.random();
    this.nowMs += integerIn(this.random, 0, 40);
    this.disturb(dice);
    if (dice >= 0.06 && dice < 0.1) sender.skip(this.ssrc, this.sequence & 0xffff);
    this.sequence += 1;
    this.timestamp += 160;
    if (dice >= 0.1 && dice < 0.2) return { out: sender.insert(), late: false };
    const behind = dice > 0.9 ? integerIn(this.random, 0, 150) : 0;
    const index = placed(sender, this.ssrc, this.sequence - behind, this.timestamp - behind * 160, this.nowMs);
    return { out: index?.seq, late: behind > 0 };
  }

  private disturb(dice: number): void {
    if (dice < 0.02) {
      this.ssrc = integerIn(this.random, 1, 3);
      this.sequence = integerIn(this.random, 0, 65_535);
      this.timestamp = integerIn(this.random, 0, 2 ** 32 - 1);
    } else if (dice < 0.04) this.nowMs += integerIn(this.random, 0, 700_000);
    else if (dice < 0.06) this.sequence += integerIn(this.random, -5000, 5000);
  }
}
