import { describe, expect, it } from 'vitest';
import type { HeardPacket } from '../../../src/conformance/capture.js';
import { exercisesOf } from '../../../src/conformance/exercise.js';
import { judge } from '../../../src/conformance/judge.js';
import { timelineOf } from '../../../src/conformance/timeline.js';
import type { AgreedMedia } from '../../../src/conformance/tool-sdp.js';
import { readVectors } from '../../../src/conformance/vectors.js';

const exercises = exercisesOf(readVectors());

function agreed(clockRateHz: number): AgreedMedia {
  return {
    remote: { address: '127.0.0.1', port: 9 },
    audio: { name: 'PCMU', sendPayloadType: 0, receivePayloadType: 0 },
    events: { clockRateHz, sendPayloadType: 101, receivePayloadType: 101, mask: 0xffff, listed: true, audioClockRateHz: clockRateHz },
  };
}

/** What a wire would bring of an exercise: a gateway that changes nothing. */
function passedOn(name: string, clockRateHz = 8000): { readonly exercise: (typeof exercises)[number]; readonly packets: HeardPacket[] } {
  const exercise =
    exercises.find((each) => each.name === name && each.clockRateHz === clockRateHz && each.flawless) ??
    exercises.find((each) => each.name === name);
  if (exercise === undefined) throw new Error(`there is no exercise "${name}"`);
  const packets = timelineOf(exercise).packets.map((packet): HeardPacket => {
    const kind = packet.kind === 'event' ? 'event' : 'audio';
    const { atMs, sequence, timestamp, marker, source } = packet;
    return {
      atMs,
      kind,
      sequence,
      timestamp,
      marker,
      ssrc: source,
      payload: packet.payload ?? Buffer.alloc(0),
      sounds: packet.kind === 'tone',
    };
  });
  return { exercise, packets };
}

function brokenRules(name: string, change: (packets: HeardPacket[]) => HeardPacket[], clockRateHz = 8000): readonly string[] {
  const { exercise, packets } = passedOn(name, clockRateHz);
  const findings = judge(exercise, { packets: change(packets), info: [], agreed: agreed(clockRateHz) });
  return [...new Set(findings.filter(({ kept }) => !kept).map(({ rule }) => rule))];
}

const press = 'three end packets, spaced';
const isEnd = ({ kind, payload }: HeardPacket): boolean => kind === 'event' && (payload[1] ?? 0) >= 0x80;

/** As many packets, numbered without holes. */
function renumbered(packets: readonly HeardPacket[]): HeardPacket[] {
  const first = packets[0]?.sequence ?? 0;
  return packets.map((packet, n) => ({ ...packet, sequence: (first + n) & 0xffff }));
}

describe('the judge of what comes out of a gateway', () => {
  it.each(exercises.filter(({ flawless }) => flawless))('finds no fault in $rule: $name, passed on as it is', ({ name, clockRateHz }) => {
    expect(brokenRules(name, (packets) => packets, clockRateHz)).toEqual([]);
  });

  it('sees a digit doubled', () => {
    const again = (packets: HeardPacket[]): HeardPacket[] => {
      const events = packets.filter(({ kind }) => kind === 'event');
      const later = events.map((packet) => ({ ...packet, atMs: packet.atMs + 400, timestamp: packet.timestamp + 3200 }));
      return renumbered([...packets.filter(({ atMs }) => atMs < 700), ...later]);
    };
    expect(brokenRules(press, again)).toContain('D4');
  });

  it('sees a digit lost, and one of another length', () => {
    expect(brokenRules(press, (packets) => renumbered(packets.filter(({ kind }) => kind === 'audio')))).toEqual(['D4']);
    const longer = (packets: HeardPacket[]): HeardPacket[] =>
      packets.map((packet) =>
        packet.kind === 'event'
          ? { ...packet, payload: Buffer.from(packet.payload.toString('hex').replace('0320', '04b0'), 'hex') }
          : packet,
      );
    expect(brokenRules('100 ms at 8000 Hz', longer)).toContain('D5');
  });

  it('sees end packets that are missing or come in a burst', () => {
    const oneEnd = (packets: HeardPacket[]): HeardPacket[] => {
      const ends = packets.filter(isEnd);
      return renumbered(packets.filter((packet) => !ends.slice(1).includes(packet)));
    };
    expect(brokenRules(press, oneEnd)).toEqual(['D4']);
    const burst = (packets: HeardPacket[]): HeardPacket[] => {
      const firstEnd = packets.find(isEnd)?.atMs ?? 0;
      return packets.map((packet) => (isEnd(packet) ? { ...packet, atMs: firstEnd } : packet));
    };
    expect(brokenRules(press, burst)).toEqual(['D4']);
  });

  it('does not take its own lateness for a burst', () => {
    const readLate = (packets: HeardPacket[]): HeardPacket[] => {
      const lastEnd = packets.findLast(isEnd)?.atMs ?? 0;
      return packets.map((packet) => (isEnd(packet) ? { ...packet, atMs: lastEnd, waited: true } : packet));
    };
    expect(brokenRules(press, readLate)).toEqual([]);
  });

  it('sees a timestamp that moves within a press', () => {
    const slides = (packets: HeardPacket[]): HeardPacket[] =>
      packets.map((packet, n) =>
        packet.kind === 'event' && !isEnd(packet) ? { ...packet, timestamp: packet.timestamp + n * 160 } : packet,
      );
    expect(brokenRules(press, slides)).toContain('D1');
  });

  it('sees audio whose clock stood still or jumped', () => {
    const lastEvent = (packets: readonly HeardPacket[]): number => packets.findLast(({ kind }) => kind === 'event')?.atMs ?? 0;
    const jumped = (packets: HeardPacket[]): HeardPacket[] =>
      packets.map((packet) => (packet.atMs > lastEvent(packets) ? { ...packet, timestamp: packet.timestamp + 8000 } : packet));
    expect(brokenRules(press, jumped)).toEqual(['D1']);
  });

  it('sees another source, and holes and doubles in the sequence numbers', () => {
    const ownSource = (packets: HeardPacket[]): HeardPacket[] =>
      packets.map((packet) => (packet.kind === 'event' ? { ...packet, ssrc: 7 } : packet));
    expect(brokenRules(press, ownSource)).toEqual(['D2']);
    const hole = (packets: HeardPacket[]): HeardPacket[] => packets.filter((_, n) => n !== 10);
    expect(brokenRules(press, hole)).toEqual(['D2']);
    const double = (packets: HeardPacket[]): HeardPacket[] => packets.flatMap((packet, n) => (n === 10 ? [packet, packet] : [packet]));
    expect(brokenRules(press, double)).toEqual(['D2']);
  });

  it('sees a marker that is missing or stands on every packet', () => {
    const without = (packets: HeardPacket[]): HeardPacket[] => packets.map((packet) => ({ ...packet, marker: false }));
    expect(brokenRules(press, without)).toEqual(['D3']);
    const everywhere = (packets: HeardPacket[]): HeardPacket[] => packets.map((packet) => ({ ...packet, marker: true }));
    expect(brokenRules(press, everywhere)).toEqual(['D3']);
  });

  it('sees durations in a clock that was not agreed', () => {
    const doubled = (packets: HeardPacket[]): HeardPacket[] =>
      packets.map((packet) => {
        if (packet.kind !== 'event') return packet;
        const payload = Buffer.from(packet.payload);
        payload.writeUInt16BE(Math.min(0xffff, payload.readUInt16BE(2) * 2), 2);
        return { ...packet, payload };
      });
    expect(brokenRules('100 ms at 8000 Hz', doubled)).toContain('D5');
  });

  it('sees durations of zero, and durations that shrink', () => {
    const saying =
      (units: number) =>
      (packets: HeardPacket[]): HeardPacket[] => {
        const third = packets.filter(({ kind }) => kind === 'event')[2];
        const payload = Buffer.from(third?.payload ?? []);
        payload.writeUInt16BE(units, 2);
        return packets.map((packet) => (packet === third ? { ...packet, payload } : packet));
      };
    expect(brokenRules(press, saying(0))).toEqual(['D5']);
    expect(brokenRules(press, saying(16))).toEqual(['D5']);
  });

  it('sees a segment that begins without the last one having been said to be full', () => {
    const noFull = (packets: HeardPacket[]): HeardPacket[] =>
      renumbered(packets.filter(({ kind, payload }) => kind !== 'event' || payload.readUInt16BE(2) !== 0xffff));
    expect(brokenRules('10 seconds at 8000 Hz', noFull)).toEqual(['D6']);
  });

  it('sees the reserved bit passed on, and the tone of a key beside its events', () => {
    expect(brokenRules('the reserved bit set', (packets) => packets)).toEqual(['D13']);
    expect(brokenRules('the tone of the key beside its events', (packets) => packets)).toEqual(['D14']);
  });

  it('sees the same digits by RTP and by SIP INFO, and takes either alone', () => {
    const { exercise, packets } = passedOn(press);
    const info = [{ digit: '5' as const, durationMs: 100 }];
    const rules = (heard: readonly HeardPacket[]): readonly string[] =>
      judge(exercise, { packets: heard, info, agreed: agreed(8000) }).flatMap(({ kept, rule }) => (kept ? [] : [rule]));
    expect(rules(packets)).toEqual(['D14']);
    expect(rules(packets.filter(({ kind }) => kind === 'audio'))).toEqual([]);
  });
});
