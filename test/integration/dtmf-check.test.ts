import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { DtmfCheck, type DtmfCheckResult } from '../../src/conformance/dtmf-check.js';
import { type Bending, PacketBridge } from '../conformance/packet-bridge.js';
import { SipB2bua } from '../conformance/sip-b2bua.js';
import { freePort } from '../support/free-ports.js';

const EVENT_PAYLOAD_TYPE = 101;
const isEvent = (packet: Buffer): boolean => ((packet[1] ?? 0) & 0x7f) === EVENT_PAYLOAD_TYPE;
const isEnd = (packet: Buffer): boolean => isEvent(packet) && (packet[13] ?? 0) >= 0x80;

async function check(rule: string, bendingOf: () => Bending, confirm = false): Promise<DtmfCheckResult> {
  const clock = new SystemClock();
  const gateway = new SipB2bua({ clock, media: new PacketBridge(bendingOf) });
  const farEndPort = await freePort();
  await gateway.start({ host: '127.0.0.1', port: farEndPort });
  try {
    const options = { target: gateway.uri(), listen: '127.0.0.1', farEndPort, from: '+15550100', patienceMs: 5_000, calls: 5 };
    return await new DtmfCheck({ ...options, directions: ['in'], rule, confirm }, { clock, onProgress: () => {} }).run();
  } finally {
    await gateway.stop();
  }
}

async function verdictOn(rule: string, bendingOf: () => Bending, confirm = false): Promise<string> {
  const result = await check(rule, bendingOf, confirm);
  if (result.kind === 'unreachable') throw new Error(result.why);
  return result.verdicts.map((verdict) => `${verdict.rule} ${verdict.result}: ${verdict.seen}`).join('\n');
}

const passOn = (): Bending => (packet) => [{ packet }];

describe('the check of a gateway for telephone-events', () => {
  it('passes one that changes nothing, where nothing needs to be changed', async () => {
    expect(await verdictOn('D4', passOn)).toContain('D4 pass');
    expect(await verdictOn('D15', passOn)).toContain('D15 pass');
  });

  it('fails one that passes the tone of a key on beside its events', async () => {
    expect(await verdictOn('D14', passOn)).toMatch(/^D14 fail: 2[0-9]+ ms of the key's tone/);
  });

  it('fails one that drops end packets', async () => {
    const dropping = (): Bending => {
      let ends = 0;
      return (packet) => {
        ends = isEnd(packet) ? ends + 1 : 0;
        return ends > 1 ? [] : [{ packet }];
      };
    };
    expect(await verdictOn('D4', dropping)).toContain('D4 fail: a press came out with 1 end packets');
  });

  it('fails one that sends end packets in a burst', async () => {
    const bursting = (): Bending => {
      let sequence = 0;
      let seen = 0;
      return (packet) => {
        seen = isEnd(packet) ? seen + 1 : 0;
        if (seen === 0) return [{ packet }];
        if (seen > 1) return [];
        sequence = packet.readUInt16BE(2);
        return [0, 1, 2].map((n) => {
          const copy = Buffer.from(packet);
          copy.writeUInt16BE((sequence + n) & 0xffff, 2);
          return { packet: copy };
        });
      };
    };
    expect(await verdictOn('D4', bursting)).toContain('D4 fail: the three end packets of a press came within');
  });

  it('fails one that moves the timestamp within a press', async () => {
    const jumping = (): Bending => (packet) => {
      if (!isEvent(packet)) return [{ packet }];
      const moved = Buffer.from(packet);
      moved.writeUInt32BE((packet.readUInt32BE(4) + packet.readUInt16BE(14)) >>> 0, 4);
      return [{ packet: moved }];
    };
    expect(await verdictOn('D1', jumping)).toContain('D1 fail');
  });

  it('fails one that says a press twice', async () => {
    const doubling = (): Bending => (packet) => {
      if (!isEvent(packet)) return [{ packet }];
      const again = Buffer.from(packet);
      again.writeUInt32BE((packet.readUInt32BE(4) + 16_000) >>> 0, 4);
      return [{ packet }, { packet: again, afterMs: 500 }];
    };
    expect(await verdictOn('D9', doubling)).toContain('D9 fail');
  });

  it('fails one that loses digits, and says what came out', async () => {
    const muffled = (): Bending => (packet) => (isEvent(packet) ? [] : [{ packet }]);
    expect(await verdictOn('D15', muffled)).toMatch(/D15 fail: .*"123" was pressed, nothing came out/);
  });

  it('asks twice when told to: what is broken once only does not count', async () => {
    const deafFor = (calls: number): (() => Bending) => {
      let directions = 0;
      return () => {
        directions += 1;
        const deaf = directions <= calls * 2;
        return (packet) => (deaf && isEvent(packet) ? [] : [{ packet }]);
      };
    };
    expect(await verdictOn('D15', deafFor(5), true)).toContain('D15 pass');
    expect(await verdictOn('D15', deafFor(50), true)).toContain('D15 fail');
  });

  it('says so when there is nobody to call', async () => {
    const clock = new SystemClock();
    const [port, farEndPort] = [await freePort(), await freePort()];
    const options = { listen: '127.0.0.1', farEndPort, from: '+15550100', patienceMs: 1_000, calls: 2, directions: ['in' as const] };
    const result = await new DtmfCheck({ ...options, target: `sip:1@127.0.0.1:${port}` }, { clock, onProgress: () => {} }).run();
    expect(result.kind).toBe('unreachable');
  });
});
