import { describe, expect, it } from 'vitest';
import { parseRtcp } from '../../../../src/media/rtp/rtcp-packet.js';
import { RtcpSession } from '../../../../src/media/rtp/rtcp-session.js';
import { RtpPacket, writeRtpHeader } from '../../../../src/media/rtp/rtp-packet.js';
import { RtpReceiver } from '../../../../src/media/rtp/rtp-receiver.js';
import { RtpSender } from '../../../../src/media/rtp/rtp-sender.js';

interface End {
  readonly sender: RtpSender;
  readonly receiver: RtpReceiver;
  readonly rtcp: RtcpSession;
}

function end(ssrc: number): End {
  const sender = new RtpSender({ clockRateHz: 8000, ssrc, initialSequence: 1, initialTimestamp: 0 });
  const receiver = new RtpReceiver({ clockRateHz: 8000 });
  return { sender, receiver, rtcp: new RtcpSession({ cname: `end-${ssrc}` }, { sender, receiver }) };
}

function talk(from: End, to: End, lose: readonly number[] = []): void {
  const buffer = Buffer.alloc(172);
  const packet = new RtpPacket();
  for (let n = 0; n < 100; n += 1) {
    const index = from.sender.insert();
    from.sender.countSent(160);
    writeRtpHeader(buffer, 0, false, 0, index, n * 160, from.sender.ssrc);
    packet.parse(buffer);
    if (!lose.includes(n)) to.receiver.receive(packet, n * 20);
  }
}

describe('RtcpSession', () => {
  it('measures round trip and far loss between two ends', () => {
    const [a, b] = [end(1), end(2)];
    talk(a, b, [10, 11, 12, 13, 14]);
    const buffer = Buffer.alloc(600);
    const first = a.rtcp.write(buffer, 0, 2000, 1_000_000);
    expect(parseRtcp(buffer, 0, first)?.[0]).toMatchObject({ type: 'sender-report', ssrc: 1, info: { packetCount: 100 } });
    expect(b.rtcp.read(buffer, 0, first, 7030, 0)).toBe('report');
    const second = b.rtcp.write(buffer, 0, 7530, 0);
    expect(parseRtcp(buffer, 0, second)?.[0]).toMatchObject({ type: 'receiver-report', blocks: [{ ssrc: 1, cumulativeLost: 5 }] });
    expect(a.rtcp.roundTripMs).toBeUndefined();
    a.rtcp.read(buffer, 0, second, 2570, 1_000_570);
    expect(a.rtcp.roundTripMs).toBeCloseTo(70, 0);
    expect(a.rtcp.farLossFraction).toBeCloseTo(0.05, 2);
  });

  it('sends a receiver report once it has stopped sending', () => {
    const a = end(1);
    talk(a, end(2));
    const buffer = Buffer.alloc(600);
    a.rtcp.write(buffer, 0, 0, 0);
    const length = a.rtcp.write(buffer, 0, 5000, 5000);
    expect(parseRtcp(buffer, 0, length)?.[0]).toMatchObject({ type: 'receiver-report', blocks: [] });
  });

  it('ignores blocks about others, and such as echo no report of ours', () => {
    const [a, b] = [end(1), end(2)];
    talk(end(3), b);
    const buffer = Buffer.alloc(600);
    a.rtcp.read(buffer, 0, b.rtcp.write(buffer, 0, 0, 0), 0, 0);
    expect(a.rtcp.farLossFraction).toBeUndefined();
    talk(a, b);
    a.rtcp.read(buffer, 0, b.rtcp.write(buffer, 0, 0, 0), 0, 0);
    expect([a.rtcp.farLossFraction, a.rtcp.roundTripMs]).toEqual([0, undefined]);
  });

  it('does not believe a round trip below zero', () => {
    const [a, b] = [end(1), end(2)];
    talk(a, b);
    const buffer = Buffer.alloc(600);
    b.rtcp.read(buffer, 0, a.rtcp.write(buffer, 0, 0, 5000), 0, 0);
    a.rtcp.read(buffer, 0, b.rtcp.write(buffer, 0, 0, 0), 0, 4000);
    expect(a.rtcp.roundTripMs).toBeUndefined();
  });

  it('says goodbye behind a last report', () => {
    const [a, b] = [end(1), end(2)];
    const buffer = Buffer.alloc(600);
    expect(b.rtcp.read(buffer, 0, a.rtcp.writeGoodbye(buffer, 0, 0, 0), 0, 0)).toBe('goodbye');
    expect(b.rtcp.read(Buffer.from('00', 'hex'), 0, 1, 0, 0)).toBe('malformed');
  });

  it('spreads reports over half to one and a half of five seconds', () => {
    expect([RtcpSession.intervalMs(0), RtcpSession.intervalMs(0.5)]).toEqual([2500, 5000]);
  });
});
