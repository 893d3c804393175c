import { describe, expect, it } from 'vitest';
import { SourceLock, type Verdict } from '../../../../../src/media/embedded/udp/source-lock.js';

const carrier = '192.0.2.10';
const attacker = '203.0.113.66';

function lockWith(learnFrom: readonly string[] = []) {
  const lock = new SourceLock({ learnFrom, learnWindowMs: 1000, learnPackets: 3 });
  lock.expect({ host: carrier, port: 4000 }, 0);
  return lock;
}

/** `count` packets, 20 ms apart, in sequence; the verdicts. */
function feed(
  lock: SourceLock,
  source: { readonly host: string; readonly port: number; readonly ssrc: number },
  {
    count = 3,
    atMs = 10,
    first = 100,
    negotiated = true,
  }: { readonly count?: number; readonly atMs?: number; readonly first?: number; readonly negotiated?: boolean } = {},
): Verdict[] {
  return Array.from({ length: count }, (_, at) =>
    lock.judge(source.host, source.port, source.ssrc, (first + at) & 0xffff, negotiated, atMs + at * 20),
  );
}

const honest = { host: carrier, port: 4000, ssrc: 1 };

describe('the lock on a trunk leg', () => {
  it('lets the SDP’s own address through at once and locks after three packets', () => {
    const lock = lockWith();
    expect(feed(lock, honest)).toEqual(['accepted', 'accepted', 'locked-now']);
    expect(lock.ssrc).toBe(1);
    expect(feed(lock, honest, { first: 103, atMs: 70 })).toEqual(['accepted', 'accepted', 'accepted']);
  });

  it('sends to the SDP’s address until it has learnt another', () => {
    const lock = lockWith();
    expect(lock.target).toEqual({ host: carrier, port: 4000 });
    feed(lock, { host: carrier, port: 61_000, ssrc: 1 });
    expect(lock.target).toEqual({ host: carrier, port: 61_000 });
  });

  it('learns nobody of another address, before, during or after', () => {
    const lock = lockWith();
    const stranger = { host: attacker, port: 4000, ssrc: 9 };
    expect(feed(lock, stranger, { count: 50 })).toEqual(Array.from({ length: 50 }, () => 'rejected'));
    feed(lock, honest, { atMs: 1100 });
    expect(feed(lock, stranger, { count: 50, atMs: 1200 }).every((verdict) => verdict === 'rejected')).toBe(true);
    expect(lock.target).toEqual({ host: carrier, port: 4000 });
  });

  it('learns another port of the SDP’s address only while the SDP’s own is quiet', () => {
    const lock = lockWith();
    lock.judge(carrier, 4000, 1, 100, true, 10);
    expect(feed(lock, { host: carrier, port: 5555, ssrc: 9 }, { atMs: 11, count: 2 })).toEqual(['rejected', 'rejected']);
    feed(lock, honest, { atMs: 30 });
    expect(feed(lock, { host: carrier, port: 5555, ssrc: 9 }, { atMs: 75, count: 10 }).every((verdict) => verdict === 'rejected')).toBe(
      true,
    );
  });

  it('gives the SDP’s own port back what another port had learnt before it spoke', () => {
    const lock = lockWith();
    feed(lock, { host: carrier, port: 5555, ssrc: 9 });
    expect(feed(lock, honest, { atMs: 100 }).at(-1)).toBe('locked-now');
    expect(lock.target).toEqual({ host: carrier, port: 4000 });
  });

  it('learns within a configured network, but only soon after the SDP', () => {
    const inside = { host: '198.51.100.77', port: 7000, ssrc: 3 };
    const inTime = lockWith(['198.51.100.0/24']);
    expect(feed(inTime, inside)).toEqual(['rejected', 'rejected', 'locked-now']);
    expect(inTime.target).toEqual({ host: '198.51.100.77', port: 7000 });
    const tooLate = lockWith(['198.51.100.0/24']);
    expect(feed(tooLate, inside, { atMs: 1500, count: 10 }).every((verdict) => verdict === 'rejected')).toBe(true);
    const outside = lockWith(['198.51.100.0/24']);
    expect(feed(outside, { host: '198.51.101.1', port: 7000, ssrc: 3 }, { count: 10 }).every((verdict) => verdict === 'rejected')).toBe(
      true,
    );
  });

  it('counts only packets of an agreed payload type, in sequence', () => {
    const lock = lockWith();
    expect(feed(lock, honest, { negotiated: false, count: 5 })).toEqual(Array.from({ length: 5 }, () => 'rejected'));
    const jumping = [100, 9000, 20, 40_000].map((sequence, at) => lock.judge(carrier, 5555, 9, sequence, true, 200 + at * 20));
    expect(jumping.every((verdict) => verdict === 'rejected')).toBe(true);
  });

  it('follows a new SSRC from the same place once the old one is quiet', () => {
    const lock = lockWith();
    feed(lock, honest);
    expect(lock.judge(carrier, 4000, 2, 500, true, 60)).toBe('rejected');
    expect(feed(lock, { ...honest, ssrc: 2 }, { atMs: 200, first: 501 })).toContain('locked-now');
    expect(lock.ssrc).toBe(2);
  });

  it('follows it within two packets though a straggler of the old one comes, and not back to it', () => {
    const lock = lockWith();
    feed(lock, honest);
    expect(lock.judge(carrier, 4000, 2, 500, true, 110)).toBe('rejected');
    expect(lock.judge(carrier, 4000, 1, 103, true, 115)).toBe('accepted');
    expect(lock.judge(carrier, 4000, 2, 501, true, 130)).toBe('locked-now');
    expect(feed(lock, honest, { count: 2, atMs: 131, first: 104 })).toEqual(['rejected', 'rejected']);
    expect(lock.ssrc).toBe(2);
  });

  it('does not follow a new SSRC while the old one goes on', () => {
    const lock = lockWith();
    feed(lock, honest, { count: 20 });
    for (let n = 0; n < 20; n += 1) {
      expect(lock.judge(carrier, 4000, 1, 120 + n, true, 410 + n * 20)).toBe('accepted');
      expect(lock.judge(carrier, 4000, 2, 500 + n, true, 411 + n * 20)).toBe('rejected');
    }
  });

  it('learns anew when the SDP names another place, and not when it says the same', () => {
    const lock = lockWith();
    feed(lock, honest);
    lock.expect({ host: carrier, port: 4000 }, 100);
    expect(lock.isLocked).toBe(true);
    lock.expect({ host: carrier, port: 4100 }, 200);
    expect(lock.isLocked).toBe(false);
    expect(lock.target).toEqual({ host: carrier, port: 4100 });
    expect(feed(lock, { host: carrier, port: 4100, ssrc: 8 }, { atMs: 210 }).at(-1)).toBe('locked-now');
  });

  it('learns over the wrap of the sequence number', () => {
    expect(feed(lockWith(), { host: carrier, port: 5555, ssrc: 1 }, { first: 0xfffe })).toEqual(['rejected', 'rejected', 'locked-now']);
  });
});
