import { describe, expect, it } from 'vitest';
import { DIGITS } from '../../../../src/media/dtmf/digit.js';
import { type InfoDtmfType, readInfoBody, writeInfoBody } from '../../../../src/media/dtmf/info-body.js';
import { LegOutput } from '../../../../src/media/relay/leg-output.js';
import { RtpPacket } from '../../../../src/media/rtp/rtp-packet.js';
import { eventsOf, negotiatedEvents } from '../../../../src/media/sdp/audio-formats.js';
import { parseSdp, type SdpSection } from '../../../../src/media/sdp/session-description.js';
import { BROWSER, RelayRig, TRUNK } from '../relay/relay-rig.js';

/** The rules that show only where events meet audio, SDP or INFO; the others are data in test/vectors/dtmf. */
describe('DTMF rules', () => {
  it('D1: audio after a digit of 250 ms goes on 2000 units after its start', () => {
    const rig = new RelayRig();
    rig.output.enqueue({ press: 1, digit: '1', durationMs: 250 });
    for (let n = 0; n < 30; n += 1) {
      rig.runTo(n * 20);
      rig.audio(n);
      rig.output.pump(rig.nowMs);
    }
    const start = rig.left.find(({ payloadType }) => payloadType === 101);
    for (const { atMs, timestamp, payloadType } of rig.left) {
      expect(timestamp).toBe(payloadType === 101 ? start?.timestamp : atMs * 8);
    }
    expect(rig.left.filter(({ payloadType }) => payloadType === 101).length).toBe(15);
    expect(rig.left.at(-1)).toMatchObject({ payloadType: 8, timestamp: 580 * 8 });
  });

  it('D2: events and audio share source, numbers and timestamps, without a hole or a number given twice', () => {
    const rig = new RelayRig();
    for (let n = 0; n < 40; n += 1) {
      rig.runTo(n * 20);
      if (n === 5) rig.output.enqueue({ press: 1, digit: '7', durationMs: 100 });
      if (n === 20) rig.output.enqueue({ press: 1, digit: '8', durationMs: 60 });
      rig.audio(n);
      rig.output.pump(rig.nowMs);
    }
    expect(new Set(rig.left.map(({ ssrc }) => ssrc))).toEqual(new Set([0xabcd]));
    expect(rig.left.map(({ index }) => index)).toEqual(rig.left.map((_, n) => 100 + n));
    expect(new Set(rig.left.map(({ payloadType }) => payloadType))).toEqual(new Set([8, 101]));
  });

  it('D9: sequence numbers wrap within a digit', () => {
    const sequences: number[] = [];
    const output = new LegOutput(
      { kind: 'udp', stream: { clockRateHz: 8000, ssrc: 1, initialSequence: 65_533, initialTimestamp: 0xffffff00 } },
      {
        sink: (buffer, offset, length) => sequences.push(sequenceOf(buffer, offset, length)),
        onDigitSent: () => undefined,
        onDigitUnsent: () => undefined,
      },
    );
    output.setFormat(TRUNK);
    output.enqueue({ press: 1, digit: '5', durationMs: 100 });
    for (let nowMs = 0; nowMs < 200; nowMs += 20) output.pump(nowMs);
    expect(sequences).toEqual([65_533, 65_534, 65_535, 0, 1, 2, 3]);
  });

  it.each([
    ['no fmtp', [], 0xffff],
    ['the usual list', ['a=fmtp:101 0-15'], 0xffff],
    ['a partial list', ['a=fmtp:101 0-11'], 0x0fff],
    ['a list with flash', ['a=fmtp:101 0-11,16'], 0x10fff],
    ['an fmtp of another number only', ['a=fmtp:102 0-3'], 0xffff],
  ])('D10: of %s the events are taken that it means', (_, lines, mask) => {
    const section = audioSection('0 101', ['a=rtpmap:101 telephone-event/8000', ...lines]);
    expect(negotiatedEvents(eventsOf(section)[0])).toEqual({
      telephoneEvent: { clockRateHz: 8000, sendPayloadType: 101, sendEventMask: mask },
    });
  });

  it('D10: a digit that the peer did not list is refused, not sent', () => {
    const rig = new RelayRig({
      sending: { ...TRUNK, telephoneEvent: { clockRateHz: 8000, sendPayloadType: 101, sendEventMask: 0x0fff } },
    });
    const taken = DIGITS.map((digit) => rig.output.enqueue({ press: 1, digit, durationMs: 60 }));
    expect(taken).toEqual(DIGITS.map((_, event) => event < 12));
  });

  it('D10: each direction has its own payload number', () => {
    const rig = new RelayRig({ receiving: BROWSER, sending: TRUNK });
    expect(rig.input(126, 1, 0, Buffer.from('058a0320', 'hex'))).toBe('digit');
    expect(rig.input(101, 2, 0, Buffer.from('068a0320', 'hex'))).toBe('payload-type');
    rig.runTo(200);
    expect(rig.left.map(({ payloadType }) => payloadType)).toEqual(Array(7).fill(101));
    expect(rig.digits.map(({ digit }) => digit)).toEqual(['5']);
  });

  it('D11: of several clocks that of the audio is taken, wherever it stands', () => {
    const maps = ['a=rtpmap:110 telephone-event/48000', 'a=rtpmap:126 telephone-event/8000'];
    for (const lines of [maps, maps.toReversed()]) {
      expect(eventsOf(audioSection('0 110 126', lines))[0]).toMatchObject({ payloadType: 126, clockRateHz: 8000 });
    }
  });

  it('D11: events in another clock than the audio keep their length in milliseconds on the way through', () => {
    const receiving = { ...BROWSER, telephoneEvent: { clockRateHz: 48_000, sendPayloadType: 126, sendEventMask: 0xffff } };
    const rig = new RelayRig({ receiving });
    rig.input(126, 1, 0, Buffer.from('058a12c0', 'hex'));
    rig.runTo(300);
    expect(rig.digits).toMatchObject([{ digit: '5', durationMs: 100, relayed: true }]);
    expect(rig.left.at(-1)?.payload.toString('hex')).toBe('058a0320');
  });

  it('D12: beside G.722, whose RTP clock says 8000, the events of clock 8000 are taken', () => {
    const lines = ['a=rtpmap:9 G722/8000', 'a=rtpmap:97 telephone-event/16000', 'a=rtpmap:101 telephone-event/8000'];
    expect(eventsOf(audioSection('9 0 97 101', lines))[0]).toMatchObject({ payloadType: 101, clockRateHz: 8000 });
  });

  it('D14: no audio leaves from the first packet of a digit until its last, and a guard time beyond', () => {
    const rig = new RelayRig();
    const steps = [20, 40, 60, 80, 100];
    rig.audio(0);
    for (const [n, atMs] of steps.entries()) {
      rig.runTo(atMs);
      rig.input(126, 10 + 2 * n, 160, Buffer.from(`05${n === 4 ? '8a' : '0a'}${(160 * (n + 1)).toString(16).padStart(4, '0')}`, 'hex'));
      expect(rig.input(0, 11 + 2 * n, atMs * 8, Buffer.alloc(160))).toBe('muted');
    }
    for (let n = 0; n < 20; n += 1) {
      rig.runTo(120 + n * 20);
      rig.input(0, 30 + n, rig.nowMs * 8, Buffer.alloc(160));
    }
    const audio = rig.left.filter(({ payloadType }) => payloadType === 8);
    const lastEvent = rig.left.filter(({ payloadType }) => payloadType === 101).at(-1)?.atMs ?? Number.NaN;
    expect(audio.filter(({ atMs }) => atMs > 0 && atMs <= lastEvent)).toEqual([]);
    expect(audio.at(-1)?.atMs).toBe(500);
  });

  it('D17: events are looked at after SRTP is taken off and made before it is put on', () => {
    expect(new RelayRig().path.describe()).toMatch(/^webrtc\(.*\) > srtp > dtmf > /);
    const back = new RelayRig({ from: 'udp', to: 'webrtc', receiving: TRUNK, sending: BROWSER });
    expect(back.path.describe()).toMatch(/ > dtmf > .*srtp > webrtc\(/);
  });

  it('D19: every digit goes through each kind of INFO body, letters as letters', () => {
    const types: readonly InfoDtmfType[] = ['application/dtmf-relay', 'application/dtmf', 'audio/telephone-event'];
    for (const type of types) {
      for (const digit of DIGITS) {
        expect(readInfoBody(type, writeInfoBody(type, { digit, durationMs: 160 }))).toEqual({
          kind: 'digit',
          digit: { digit, durationMs: 160 },
        });
      }
    }
    expect(readInfoBody('text/plain', '5').kind).toBe('other-type');
  });
});

function sequenceOf(buffer: Buffer, offset: number, length: number): number {
  const packet = new RtpPacket();
  if (!packet.parse(buffer, offset, length)) throw new Error('a broken packet left');
  return packet.sequenceNumber;
}

function audioSection(formats: string, lines: readonly string[]): SdpSection {
  const text = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 't=0 0', `m=audio 4000 RTP/AVP ${formats}`, ...lines, ''].join('\r\n');
  const section = parseSdp(text).sections[0];
  if (section === undefined) throw new Error('no section was read');
  return section;
}
