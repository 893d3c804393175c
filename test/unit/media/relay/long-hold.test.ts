import { describe, expect, it } from 'vitest';
import { RelayRig, TRUNK } from './relay-rig.js';

const holdMs = 15 * 60_000;
const holdPackets = holdMs / 20;

/** Half a second of speech, then a quarter of an hour of which only `during` knows, then `resume`. */
function held(during: (rig: RelayRig) => void, resume: (rig: RelayRig) => void): RelayRig {
  const rig = new RelayRig();
  for (let n = 0; n < 25; n += 1) {
    rig.nowMs = n * 20;
    rig.audio(n);
  }
  rig.nowMs = 480 + holdMs;
  during(rig);
  resume(rig);
  return rig;
}

describe('a stream after fifteen minutes of hold', () => {
  const nothing = (): void => undefined;
  const sources: readonly (readonly [string, (rig: RelayRig) => void, (rig: RelayRig) => void])[] = [
    ['whose clock went on and whose numbers stood still', nothing, (rig) => rig.input(0, 25, (24 + holdPackets) * 160, Buffer.alloc(160))],
    ['whose clock stood still', nothing, (rig) => rig.input(0, 25, 25 * 160, Buffer.alloc(160))],
    ['whose numbers and clock both went on', nothing, (rig) => rig.audio(24 + holdPackets)],
    ['that begins again from nothing', nothing, (rig) => rig.input(0, 40_000, 7, Buffer.alloc(160))],
    ['with another SSRC', nothing, (rig) => rig.input(0, 1, 1, Buffer.alloc(160), 99)],
    [
      'that never stopped sending into the hold',
      (rig) => {
        rig.output.setFormat({ ...TRUNK, direction: 'recvonly' });
        for (let n = 25; n < 24 + holdPackets; n += 1) {
          rig.nowMs = n * 20;
          rig.audio(n);
        }
        rig.output.setFormat(TRUNK);
        rig.nowMs = 480 + holdMs;
      },
      (rig) => rig.audio(24 + holdPackets),
    ],
  ];

  it.each(sources)('from a source %s goes on one number later, by the time that passed, as the same stream', (_, during, resume) => {
    const { left } = held(during, resume);
    const [last, next] = left.slice(-2);
    expect(left.length).toBe(26);
    expect(next?.index).toBe((last?.index ?? 0) + 1);
    expect((next?.timestamp ?? 0) - (last?.timestamp ?? 0)).toBe(holdMs * 8);
    expect(next?.ssrc).toBe(last?.ssrc);
  });

  it('carries on steadily with the packets that follow', () => {
    const rig = held(nothing, (held) => {
      for (let n = 0; n < 5; n += 1) {
        held.input(0, 25 + n, (25 + n) * 160, Buffer.alloc(160));
        held.nowMs += 20;
      }
    });
    const resumed = rig.left.slice(25);
    expect(resumed.map(({ index }) => index)).toEqual([125, 126, 127, 128, 129]);
    expect(resumed.map(({ timestamp }) => timestamp - (resumed[0]?.timestamp ?? 0))).toEqual([0, 160, 320, 480, 640]);
    expect(resumed.map(({ marker }) => marker)).toEqual([true, false, false, false, false]);
  });
});
