import { describe, expect, it } from 'vitest';
import { MU_TO_A } from '../../../../src/media/codec/g711.js';
import { LegOutput } from '../../../../src/media/relay/leg-output.js';
import { BROWSER, RelayRig, TRUNK } from './relay-rig.js';

const event = (hex: string): Buffer => Buffer.from(hex.replace(/\s/g, ''), 'hex');

describe('RelayPath', () => {
  it('prints itself as one line of text', () => {
    expect(new RelayRig().path.describe()).toBe('webrtc(PCMU,te 126/8000) > srtp > dtmf > g711 > udp(PCMA,te 101/8000)');
    const back = new RelayRig({ from: 'udp', to: 'webrtc', receiving: TRUNK, sending: BROWSER });
    expect(back.path.describe()).toBe('udp(PCMU+PCMA,te 101/8000) > dtmf > g711 > srtp > webrtc(PCMU,te 126/8000)');
  });

  it('prints less where there is less', () => {
    const { telephoneEvent: _, ...bare } = { ...TRUNK, receivePayloadTypes: [{ payloadType: 8, format: 'PCMA' as const }] };
    expect(new RelayRig({ from: 'udp', to: 'udp', receiving: bare, sending: bare }).path.describe()).toBe('udp(PCMA) > udp(PCMA)');
    expect(new RelayRig({ receiving: undefined, sending: undefined }).path.describe()).toBe('webrtc(-) > srtp > udp(-)');
    expect(new RelayRig({ sending: { ...TRUNK, direction: 'recvonly' } }).path.describe()).toMatch(/ > udp\(held\)$/);
  });

  it('translates audio and sends it as the leg’s own stream', () => {
    const rig = new RelayRig();
    expect(rig.audio(7)).toBe('audio');
    expect(rig.left).toMatchObject([{ sequence: 100, index: 100, timestamp: 0, marker: true, payloadType: 8, ssrc: 0xabcd }]);
    expect(rig.left[0]?.payload).toEqual(Buffer.alloc(160, MU_TO_A[7]));
  });

  it('leaves the marker bit out of audio where it is not wanted, and never out of telephone-events', () => {
    const rig = new RelayRig({ marksAudio: false });
    rig.audio(0);
    expect(rig.left[0]).toMatchObject({ payloadType: 8, marker: false });
    expect(rig.input(126, 1, 160, event('05 8a 00a0'))).toBe('digit');
    rig.runTo(400);
    const events = rig.left.filter(({ payloadType }) => payloadType === 101);
    expect(events.filter(({ marker }) => marker)).toEqual([events[0]]);
  });

  it('copies audio of the same law as it is, of any length', () => {
    const rig = new RelayRig({ receiving: TRUNK });
    for (const [n, length] of [80, 240, 1].entries()) rig.input(8, n, n * 160, Buffer.alloc(length, 0x33));
    expect(rig.left.map(({ payload }) => payload.length)).toEqual([80, 240, 1]);
    expect(rig.left[0]?.payload).toEqual(Buffer.alloc(80, 0x33));
  });

  it('takes any codec agreed on, changing in mid-stream (O9)', () => {
    const rig = new RelayRig({ receiving: TRUNK, sending: BROWSER, from: 'udp', to: 'webrtc' });
    expect([rig.audio(1, 0), rig.audio(2, 8), rig.audio(3, 0)]).toEqual(['audio', 'audio', 'audio']);
    expect(new Set(rig.left.map(({ payloadType }) => payloadType))).toEqual(new Set([0]));
  });

  it('says why it drops what it drops, and leaves no hole for it', () => {
    const rig = new RelayRig({ ownSsrc: 0x5e1f });
    const outcomes = [
      rig.audio(1),
      rig.input(13, 2, 320, Buffer.alloc(1)),
      rig.input(0, 3, 480, Buffer.alloc(0)),
      rig.input(0, 4, 640, Buffer.alloc(1461)),
      rig.input(126, 5, 800, Buffer.alloc(3)),
      rig.input(0, 6, 960, Buffer.alloc(160), 0x5e1f),
      rig.audio(6),
      rig.audio(6),
    ];
    expect(outcomes).toEqual(['audio', 'payload-type', 'malformed', 'malformed', 'malformed', 'loop', 'audio', 'sequence']);
    expect(rig.left.map(({ index }) => index)).toEqual([100, 101]);
  });

  it('takes the largest payload, with room behind it for an SRTP tag', () => {
    const rig = new RelayRig();
    expect(rig.input(0, 1, 0, Buffer.alloc(1460))).toBe('audio');
    expect(rig.output.buffer.length).toBeGreaterThanOrEqual(12 + 1460 + 64);
  });

  it('sends nothing to a leg without format or on hold, and goes on without a hole after', () => {
    const rig = new RelayRig({ sending: undefined });
    expect(rig.audio(1)).toBe('no-output');
    rig.output.setFormat(TRUNK);
    expect(rig.audio(2)).toBe('audio');
    rig.output.setFormat({ ...TRUNK, direction: 'inactive' });
    rig.nowMs = 20;
    expect([rig.audio(3), rig.audio(4)]).toEqual(['no-output', 'no-output']);
    rig.output.setFormat(TRUNK);
    rig.nowMs = 60;
    expect(rig.audio(5)).toBe('audio');
    expect(rig.left.map(({ index, timestamp }) => [index, timestamp])).toEqual([
      [100, 0],
      [101, 480],
    ]);
  });

  it('takes nothing before it has a format and after it is closed', () => {
    const rig = new RelayRig({ receiving: undefined });
    expect(rig.audio(1)).toBe('payload-type');
    rig.path.setFormat(BROWSER);
    rig.path.close();
    expect(rig.audio(2)).toBe('no-output');
    expect(rig.left).toEqual([]);
  });

  it('relays a digit with its own packets, number, clock and length, from the first packet on', () => {
    const rig = new RelayRig();
    rig.audio(1);
    rig.runTo(20);
    for (let n = 0; n < 5; n += 1) {
      const last = n === 4 ? '8a' : '0a';
      expect(rig.input(126, 2 + n, 320, event(`05 ${last} ${(160 * (n + 1)).toString(16).padStart(4, '0')}`))).toBe('digit');
      rig.runTo(20 * (n + 2));
    }
    rig.runTo(400);
    const events = rig.left.filter(({ payloadType }) => payloadType === 101);
    expect(events[0]).toMatchObject({ atMs: 20, marker: true, timestamp: 160 });
    expect(new Set(events.map(({ timestamp }) => timestamp))).toEqual(new Set([160]));
    expect(events.map(({ payload }) => payload.toString('hex'))).toEqual([
      ...['050a00a0', '050a0140', '050a01e0', '050a0280', '058a0320', '058a0320', '058a0320'],
    ]);
    expect(rig.left.map(({ index }) => index)).toEqual([100, 101, 102, 103, 104, 105, 106, 107]);
    expect(rig.digits).toEqual([{ press: 1, digit: '5', by: 'rfc4733', durationMs: 100, relayed: true }]);
    expect(rig.sent).toEqual([{ press: 1, as: 'rfc4733', durationMs: 100, packets: 7 }]);
  });

  it('silences the audio of a direction during a digit and its guard, and then goes on in time (D1, D14)', () => {
    const rig = new RelayRig();
    const outcomes: string[] = [];
    let sequence = 0;
    for (let n = 0; n < 30; n += 1) {
      rig.runTo(n * 20);
      sequence += 1;
      outcomes.push(rig.input(0, sequence, n * 160, Buffer.alloc(160)));
      if (n < 5 || n >= 10) continue;
      sequence += 1;
      rig.input(126, sequence, 800, event(`01 ${n === 9 ? '8a' : '0a'} ${((n - 4) * 160).toString(16).padStart(4, '0')}`));
    }
    const firstMuted = outcomes.indexOf('muted');
    expect(firstMuted).toBe(6);
    expect(outcomes.lastIndexOf('muted')).toBeGreaterThanOrEqual(11);
    expect(outcomes.slice(14).every((outcome) => outcome === 'audio')).toBe(true);
    const audio = rig.left.filter(({ payloadType }) => payloadType === 8);
    for (const { atMs, timestamp } of audio) expect(timestamp).toBe(atMs * 8);
    expect(rig.left.map(({ index }) => index)).toEqual(rig.left.map((_, n) => 100 + n));
  });

  it('keeps the audio silent for the guard time after the last packet of a digit has left', () => {
    const rig = new RelayRig();
    rig.input(126, 1, 0, event('018a00a0'));
    rig.runTo(50);
    expect([rig.sent.length, rig.audio(2)]).toEqual([1, 'muted']);
    rig.runTo(60);
    expect(rig.audio(3)).toBe('audio');
  });

  it('does not silence audio for a peer that takes no events, and tells the digit all the same', () => {
    const { telephoneEvent: _, ...withoutEvents } = TRUNK;
    const rig = new RelayRig({ sending: withoutEvents });
    rig.input(126, 1, 0, event('010a00a0'));
    expect(rig.audio(2)).toBe('audio');
    rig.input(126, 3, 0, event('018a0320'));
    expect(rig.digits).toEqual([{ press: 1, digit: '1', by: 'rfc4733', durationMs: 100, relayed: false }]);
    expect(rig.left.length).toBe(1);
  });

  it('sends only digits that the peer listed (D10)', () => {
    const rig = new RelayRig({ sending: { ...TRUNK, telephoneEvent: { clockRateHz: 8000, sendPayloadType: 101, sendEventMask: 0x0fff } } });
    rig.input(126, 1, 0, event('0c8a0320'));
    expect(rig.digits).toEqual([{ press: 1, digit: 'A', by: 'rfc4733', durationMs: 100, relayed: false }]);
    const queue = (digit: 'A' | '#') => rig.output.enqueue({ press: 2, digit, durationMs: 100 });
    expect([queue('A'), queue('#')]).toEqual([false, true]);
  });

  it('converts lengths between clocks', () => {
    const receiving = { ...BROWSER, telephoneEvent: { clockRateHz: 48_000, sendPayloadType: 126, sendEventMask: 0xffff } };
    const rig = new RelayRig({ receiving });
    rig.input(126, 1, 0, event('018a 12c0'));
    rig.runTo(400);
    expect(rig.left.at(-1)?.payload.toString('hex')).toBe('018a0320');
  });

  it('ends a digit whose packets stopped coming', () => {
    const rig = new RelayRig();
    rig.input(126, 1, 0, event('010a0140'));
    expect(rig.path.nextDueMs()).toBeDefined();
    rig.runTo(600);
    expect(rig.digits).toEqual([{ press: 1, digit: '1', by: 'rfc4733', durationMs: 40, relayed: true }]);
    expect(rig.sent).toMatchObject([{ press: 1, durationMs: 40 }]);
    expect([rig.path.nextDueMs(), rig.output.nextDueMs()]).toEqual([undefined, undefined]);
  });

  it('ends a digit under way when it is closed or the event format goes', () => {
    for (const stop of [
      (rig: RelayRig) => rig.path.close(),
      (rig: RelayRig) => rig.path.setFormat({ ...BROWSER, receivePayloadTypes: [] }),
    ]) {
      const rig = new RelayRig();
      rig.input(126, 1, 0, event('010a0140'));
      stop(rig);
      expect(rig.digits).toEqual([{ press: 1, digit: '1', by: 'rfc4733', durationMs: 40, relayed: true }]);
    }
  });

  it('keeps a digit whole over a re-offer that changes nothing of events', () => {
    const rig = new RelayRig();
    rig.input(126, 1, 0, event('010a0140'));
    rig.path.setFormat({ ...BROWSER });
    rig.output.setFormat({ ...TRUNK });
    rig.input(126, 2, 0, event('018a0320'));
    rig.runTo(400);
    expect(rig.digits).toEqual([{ press: 1, digit: '1', by: 'rfc4733', durationMs: 100, relayed: true }]);
    expect(rig.sent.length).toBe(1);
  });
});

describe('LegOutput', () => {
  it('sends queued digits between the audio, muting it meanwhile', () => {
    const rig = new RelayRig();
    rig.audio(0);
    for (const [press, digit] of [
      [1, '1'],
      [2, '2'],
    ] as const)
      expect(rig.output.enqueue({ press, digit, durationMs: 60 })).toBe(true);
    const outcomes: string[] = [];
    for (let n = 1; n < 20; n += 1) {
      rig.runTo(n * 20);
      outcomes.push(rig.audio(n));
    }
    expect(rig.sent.map(({ press }) => press)).toEqual([1, 2]);
    expect(outcomes[0]).toBe('muted');
    expect(outcomes.at(-1)).toBe('audio');
    expect(rig.output.sendingDigits).toBe(false);
    expect(rig.left.map(({ index }) => index)).toEqual(rig.left.map((_, n) => 100 + n));
  });

  it('says which digits are lost when the peer stops taking them, and when the leg ends', () => {
    const rig = new RelayRig();
    rig.output.enqueue({ press: 1, digit: '1', durationMs: 60 });
    rig.output.enqueue({ press: 2, digit: '2', durationMs: 60 });
    rig.output.setFormat({ ...TRUNK, sendPayloadType: 0 });
    expect(rig.unsent).toEqual([]);
    rig.output.setFormat({ ...TRUNK, direction: 'recvonly' });
    expect(rig.unsent).toEqual([
      [1, 'format-changed'],
      [2, 'format-changed'],
    ]);
    expect(rig.output.enqueue({ press: 3, digit: '3', durationMs: 60 })).toBe(false);
    expect([rig.output.nextDueMs(), rig.output.sendingDigits]).toEqual([undefined, false]);
    rig.output.setFormat(TRUNK);
    rig.output.enqueue({ press: 4, digit: '4', durationMs: 60 });
    rig.output.close();
    expect(rig.unsent.at(-1)).toEqual([4, 'closed']);
    rig.output.pump(1000);
    expect(rig.left).toEqual([]);
  });

  it('says so of a digit for which there is no room any more', () => {
    const rig = new RelayRig();
    for (let press = 1; press <= 257; press += 1) expect(rig.output.enqueue({ press, digit: '1', durationMs: 60 })).toBe(true);
    expect(rig.unsent).toEqual([[257, 'queue-full']]);
  });

  it('leaves the silence after a digit that was asked for', () => {
    const rig = new RelayRig();
    rig.output.enqueue({ press: 1, digit: '1', durationMs: 60, gapMs: 500 });
    rig.output.enqueue({ press: 2, digit: '2', durationMs: 60 });
    rig.runTo(900);
    const second = rig.left.find(({ marker }, n) => n > 0 && marker);
    expect((second?.timestamp ?? 0) / 8).toBe(60 + 500);
  });

  it('passes a hook flash on where the peer lists it, and says where not', () => {
    const rig = new RelayRig();
    rig.input(126, 1, 0, event('108003c0'));
    const sending = { ...TRUNK, telephoneEvent: { clockRateHz: 8000, sendPayloadType: 101, sendEventMask: 0x1ffff } };
    rig.output.setFormat(sending);
    rig.input(126, 2, 8000, event('108003c0'));
    rig.runTo(400);
    expect(rig.flashes).toEqual([false, true]);
    expect(rig.left.at(-1)?.payload.toString('hex')).toBe('108003c0');
    expect([rig.digits, rig.sent]).toEqual([[], []]);
  });

  it('drops a press that was asked for already, with its audio, and goes on', () => {
    const rig = new RelayRig();
    rig.copies.push('5');
    rig.input(126, 1, 0, event('050a00a0'));
    expect(rig.audio(2)).toBe('muted');
    rig.input(126, 3, 0, event('058a0320'));
    rig.runTo(200);
    expect([rig.digits, rig.left, rig.passedOver]).toEqual([[], [], ['digit-copy']]);
    rig.input(126, 4, 8000, event('058a0320'));
    rig.runTo(400);
    expect(rig.digits).toMatchObject([{ press: 1, digit: '5', relayed: true }]);
  });

  it('counts what has left', () => {
    const rig = new RelayRig();
    rig.audio(0);
    rig.output.enqueue({ press: 1, digit: '1', durationMs: 20 });
    rig.runTo(200);
    expect([rig.output.sender.packetsSent, rig.output.sender.bytesSent]).toEqual([4, 172]);
  });

  it('draws its own stream when none is given', () => {
    const drawn = Array.from(
      { length: 50 },
      () => new LegOutput({ kind: 'udp' }, { sink: () => undefined, onDigitSent: () => undefined, onDigitUnsent: () => undefined }),
    );
    expect(new Set(drawn.map(({ sender }) => sender.ssrc)).size).toBe(50);
  });
});
