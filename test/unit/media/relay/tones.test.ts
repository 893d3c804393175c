import { describe, expect, it } from 'vitest';
import { encodeG711 } from '../../../../src/media/codec/g711.js';
import { DIGITS, type Digit } from '../../../../src/media/dtmf/digit.js';
import { InbandGenerator } from '../../../../src/media/dtmf/inband-generator.js';
import type { RelayFormat } from '../../../../src/media/relay/relay-format.js';
import { type Heard, hearTones } from '../../../support/heard-tones.js';
import { decodeG711, linearToMuLaw } from '../../../support/tones.js';
import { seededRandom as seeded } from '../seeded-random.js';
import { BROWSER, type Left, RelayRig, TRUNK } from './relay-rig.js';

const event = (hex: string): Buffer => Buffer.from(hex.replace(/\s/g, ''), 'hex');

function bare(format: RelayFormat, digits: 'tones' | 'none'): RelayFormat {
  const { telephoneEvent: _, ...rest } = format;
  return { ...rest, digits, receivePayloadTypes: format.receivePayloadTypes.filter((received) => received.format !== 'telephone-event') };
}
const TONES_IN = bare(BROWSER, 'tones');
const TONES_OUT = bare(TRUNK, 'tones');
const NONE_OUT = bare(TRUNK, 'none');

interface Pressed {
  readonly digit: Digit;
  readonly onMs: number;
  readonly offMs: number;
}

/** µ-law audio of these tones behind so much silence. */
function toneAudio(leadMs: number, presses: readonly Pressed[], tailMs = 400): Buffer {
  const generator = new InbandGenerator({}, { onSent: () => undefined });
  const lengthMs = leadMs + presses.reduce((sum, { onMs, offMs }) => sum + onMs + offMs, 0) + tailMs;
  const samples = new Int16Array(Math.ceil(lengthMs / 20) * 160);
  for (const { digit, onMs, offMs } of presses) generator.enqueue(digit, onMs, offMs);
  generator.read(samples.subarray(leadMs * 8));
  const audio = Buffer.alloc(samples.length);
  encodeG711('PCMU', samples, audio);
  return audio;
}

/** Plays it into the rig, a packet each 20 ms. */
function play(rig: RelayRig, audio: Buffer, except: (packet: number) => boolean = () => false): void {
  for (let n = 0; n * 160 < audio.length; n += 1) {
    rig.runTo(n * 20);
    if (!except(n)) rig.input(0, n, n * 160, audio.subarray(n * 160, n * 160 + 160));
  }
  rig.runTo((audio.length / 160) * 20 + 400);
}

const eventsOf = (left: readonly Left[]) => left.filter(({ payloadType }) => payloadType === 101);
const audioOf = (left: readonly Left[]) => left.filter(({ payloadType }) => payloadType === 8);

/** The audio that left, laid out by its timestamps. */
function heardIn(left: readonly Left[]): readonly Heard[] {
  const audio = audioOf(left);
  const length = Math.max(...audio.map(({ timestamp, payload }) => timestamp + payload.length));
  const samples = new Int16Array(length);
  for (const { timestamp, payload, payloadType } of audio) samples.set(decodeG711(payload, payloadType), timestamp);
  return hearTones(samples);
}

const summary = (heard: readonly Heard[]): string => heard.map(({ digit }) => digit).join('');

describe('tones that arrive', () => {
  it('become events of their length, all sixteen', () => {
    const rig = new RelayRig({ receiving: TONES_IN });
    play(
      rig,
      toneAudio(
        100,
        DIGITS.map((digit, n) => ({ digit, onMs: 60 + n * 10, offMs: 80 })),
      ),
    );
    expect(rig.digits.map(({ digit }) => digit)).toEqual(DIGITS);
    for (const [n, { press, by, durationMs, relayed }] of rig.digits.entries()) {
      expect([press, by, relayed]).toEqual([n + 1, 'inband', true]);
      expect(Math.abs(durationMs - (60 + n * 10))).toBeLessThanOrEqual(10);
      expect(rig.sent[n]).toMatchObject({ press: n + 1, as: 'rfc4733', durationMs });
    }
    expect(rig.path.describe()).toBe('webrtc(PCMU,tones) > srtp > dtmf > g711 > udp(PCMA,te 101/8000)');
  });

  it('leave at most one packet in the audio of a leg that gets them as events, which is too short to be a digit', () => {
    for (let shiftMs = 0; shiftMs < 20; shiftMs += 1) {
      const rig = new RelayRig({ receiving: TONES_IN });
      play(rig, toneAudio(100 + shiftMs, [{ digit: '5', onMs: 100, offMs: 0 }]));
      const toneAt = (100 + shiftMs) * 8;
      const leaked = audioOf(rig.left)
        .filter(({ timestamp }) => timestamp + 160 > toneAt && timestamp < toneAt + 800)
        .reduce((sum, { timestamp }) => sum + Math.min(160, timestamp + 160 - toneAt), 0);
      expect(leaked / 8).toBeLessThanOrEqual(20);
      expect(summary(heardIn(rig.left)), `begun ${shiftMs} ms into a packet`).toBe('');
      const first = eventsOf(rig.left)[0];
      expect(first?.atMs, 'sure after 40 ms, and then the packet has to end').toBeLessThanOrEqual(100 + shiftMs + 60);
      expect(
        eventsOf(rig.left).map(({ payload }) => payload.readUInt16BE(2)),
        'what is said of a length never shrinks',
      ).toEqual(
        eventsOf(rig.left)
          .map(({ payload }) => payload.readUInt16BE(2))
          .sort((x, y) => x - y),
      );
    }
  });

  it('are one press though a packet of them is lost, or comes too late', () => {
    for (const missing of [7, 8, 9]) {
      const rig = new RelayRig({ receiving: TONES_IN });
      play(rig, toneAudio(100, [{ digit: '8', onMs: 160, offMs: 0 }]), (n) => n === missing);
      expect(rig.digits.map(({ digit }) => digit)).toEqual(['8']);
      expect(Math.abs((rig.digits[0]?.durationMs ?? 0) - 160)).toBeLessThanOrEqual(25);
      const audio = toneAudio(100, [{ digit: '8', onMs: 160, offMs: 0 }]);
      rig.input(0, missing, missing * 160, audio.subarray(missing * 160, missing * 160 + 160));
      expect(rig.digits.length).toBe(1);
    }
  });

  it('are one press over two packets that are lost, and two where a sender says nothing in its pauses', () => {
    const lossy = new RelayRig({ receiving: TONES_IN });
    play(lossy, toneAudio(100, [{ digit: '8', onMs: 260, offMs: 0 }]), (n) => n === 9 || n === 10);
    expect(lossy.digits.map(({ digit }) => digit)).toEqual(['8']);
    expect(lossy.sent.length).toBe(1);

    const silent = new RelayRig({ receiving: TONES_IN });
    const audio = toneAudio(100, [
      { digit: '8', onMs: 100, offMs: 60 },
      { digit: '8', onMs: 100, offMs: 60 },
    ]);
    let sequence = 0;
    for (let n = 0; n * 160 < audio.length; n += 1) {
      silent.runTo(n * 20);
      const payload = audio.subarray(n * 160, n * 160 + 160);
      if (payload.every((sample) => sample === 0xff)) continue;
      sequence += 1;
      silent.input(0, sequence, n * 160, payload);
    }
    silent.runTo(1500);
    expect(sequence).toBe(10);
    expect(silent.digits.map(({ digit }) => digit)).toEqual(['8', '8']);
    for (const { durationMs } of silent.digits) expect(Math.abs(durationMs - 100)).toBeLessThanOrEqual(12);
  });

  it('are one press though their packets stop for a while and then come all at once', () => {
    const rig = new RelayRig({ receiving: TONES_IN });
    const audio = toneAudio(100, [{ digit: '7', onMs: 200, offMs: 0 }]);
    for (let n = 0; n * 160 < audio.length; n += 1) {
      rig.runTo(n < 9 ? n * 20 : 180 + 300 + Math.max(0, n - 24) * 20);
      rig.input(0, n, n * 160, audio.subarray(n * 160, n * 160 + 160));
    }
    rig.runTo(1500);
    expect(rig.digits.map(({ digit }) => digit)).toEqual(['7']);
    expect(summary(heardIn(rig.left)), 'nor is its rest heard').toBe('');
  });

  it('end when their packets stop, their leg is closed or another source speaks', () => {
    const audio = toneAudio(100, [{ digit: '4', onMs: 2000, offMs: 0 }]);
    const endings: readonly ((rig: RelayRig) => void)[] = [
      (rig) => rig.runTo(rig.nowMs + 400),
      (rig) => rig.path.close(),
      (rig) => rig.path.setFormat(BROWSER),
      (rig) => rig.input(0, 1, 1, Buffer.alloc(160, 0xff), 99),
    ];
    for (const ending of endings) {
      const rig = new RelayRig({ receiving: TONES_IN });
      play(rig, audio.subarray(0, 15 * 160), () => false);
      rig.digits.length = 0;
      const cut = new RelayRig({ receiving: TONES_IN });
      for (let n = 0; n < 15; n += 1) {
        cut.runTo(n * 20);
        cut.input(0, n, n * 160, audio.subarray(n * 160, n * 160 + 160));
      }
      expect(cut.digits).toEqual([]);
      ending(cut);
      expect(cut.digits).toMatchObject([{ press: 1, digit: '4', by: 'inband', relayed: true }]);
      expect(cut.digits[0]?.durationMs).toBeGreaterThan(180);
      cut.runTo(cut.nowMs + 400);
      expect(cut.path.nextDueMs()).toBeUndefined();
      expect(eventsOf(cut.left).at(-1)?.payload.readUInt8(1)).toBe(0x80 | (eventsOf(cut.left)[0]?.payload.readUInt8(1) ?? 0));
    }
  });

  it('go on as the audio they are to a leg of tones, told with their packets', () => {
    const rig = new RelayRig({ receiving: TONES_IN, sending: TONES_OUT });
    const audio = toneAudio(100, [
      { digit: '1', onMs: 100, offMs: 60 },
      { digit: '#', onMs: 60, offMs: 60 },
    ]);
    play(rig, audio);
    expect(audioOf(rig.left).length).toBe(audio.length / 160);
    expect(summary(heardIn(rig.left))).toBe('1#');
    expect(rig.digits.map(({ press, digit, relayed }) => [press, digit, relayed])).toEqual([
      [1, '1', true],
      [2, '#', true],
    ]);
    expect(rig.sent.map(({ press, as }) => [press, as])).toEqual([
      [1, 'inband'],
      [2, 'inband'],
    ]);
    for (const { durationMs, packets } of rig.sent) expect(packets).toBe(Math.ceil(durationMs / 20));
    expect(rig.path.describe()).toBe('webrtc(PCMU,tones) > srtp > dtmf > g711 > udp(PCMA,tones)');
  });

  it('are told and taken out of the audio where digits travel outside of the media', () => {
    const rig = new RelayRig({ receiving: TONES_IN, sending: NONE_OUT });
    play(rig, toneAudio(100, [{ digit: '9', onMs: 120, offMs: 60 }]));
    expect(rig.digits).toMatchObject([{ press: 1, digit: '9', by: 'inband', relayed: false }]);
    expect([summary(heardIn(rig.left)), eventsOf(rig.left), rig.sent]).toEqual(['', [], []]);
    expect(audioOf(rig.left).map(({ index }) => index)).toEqual(audioOf(rig.left).map((_, n) => 100 + n));
  });

  it('stay in the audio, and are told, where the other leg has nothing better', () => {
    const { telephoneEvent: _, ...withoutEvents } = TRUNK;
    const rig = new RelayRig({ receiving: TONES_IN, sending: withoutEvents });
    play(rig, toneAudio(100, [{ digit: '9', onMs: 120, offMs: 60 }]));
    expect(rig.digits).toMatchObject([{ digit: '9', relayed: false }]);
    expect(summary(heardIn(rig.left))).toBe('9');
    const held = new RelayRig({ receiving: TONES_IN, sending: { ...TRUNK, direction: 'recvonly' } });
    play(held, toneAudio(100, [{ digit: '9', onMs: 120, offMs: 60 }]));
    expect(held.digits).toMatchObject([{ digit: '9', relayed: false }]);
  });

  it('are not listened for any more once the peer sends events after all', () => {
    const receiving: RelayFormat = { ...TONES_IN, receivePayloadTypes: BROWSER.receivePayloadTypes };
    const rig = new RelayRig({ receiving });
    rig.input(126, 60_000, 0xffff0000, event('028a0320'), 1);
    rig.runTo(500);
    play(rig, toneAudio(600, [{ digit: '9', onMs: 120, offMs: 60 }]));
    expect(rig.digits).toMatchObject([{ digit: '2', by: 'rfc4733', relayed: true }]);
    expect(summary(heardIn(rig.left))).toBe('9');
  });

  it('are not taken for a press when they are our own come back, and are when they are somebody’s', () => {
    const there = new RelayRig({ receiving: BROWSER, sending: TONES_OUT });
    const back = new RelayRig({ receiving: TONES_IN, sending: BROWSER, echoOf: there.output });
    there.output.enqueue({ press: 7, digit: '6', durationMs: 100 });
    const heard = toneAudio(60, [
      { digit: '6', onMs: 100, offMs: 500 },
      { digit: '6', onMs: 100, offMs: 60 },
    ]);
    for (let n = 0; n * 160 < heard.length; n += 1) {
      there.runTo(n * 20);
      back.runTo(n * 20);
      back.input(0, n, n * 160, heard.subarray(n * 160, n * 160 + 160));
    }
    expect(there.sent).toMatchObject([{ press: 7 }]);
    expect(back.passedOver).toEqual(['digit-echo']);
    expect(back.digits).toMatchObject([{ press: 1, digit: '6' }]);
  });
});

describe('tones that leave', () => {
  /** Audio of the other leg that arrives meanwhile. */
  const room = Buffer.alloc(160, linearToMuLaw(0));

  function continuous(left: readonly Left[]): void {
    const audio = audioOf(left);
    expect(left.map(({ index }) => index)).toEqual(left.map((_, n) => (left[0]?.index ?? 0) + n));
    expect(new Set(left.map(({ ssrc }) => ssrc)).size).toBe(1);
    for (const [n, { timestamp }] of audio.entries()) {
      const before = audio[n - 1];
      if (before !== undefined) expect(timestamp - before.timestamp).toBeGreaterThanOrEqual(before.payload.length);
    }
  }

  it.each([0, 3, 11, 19])('stand where the relayed audio would, key pressed %i ms after a packet', (afterMs) => {
    const rig = new RelayRig({ receiving: BROWSER, sending: TONES_OUT });
    const outcomes: string[] = [];
    for (let n = 0; n < 60; n += 1) {
      rig.runTo(n * 20);
      outcomes.push(rig.input(0, n, n * 160, room));
      if (n === 10) {
        rig.runTo(200 + afterMs);
        rig.output.enqueue({ press: 1, digit: '5', durationMs: 100 });
        rig.output.enqueue({ press: 2, digit: '5', durationMs: 60, gapMs: 40 });
        rig.output.pump(rig.nowMs);
      }
    }
    continuous(rig.left);
    expect(rig.left.map(({ timestamp }) => timestamp)).toEqual(rig.left.map((_, n) => n * 160));
    expect(rig.left.filter(({ marker }) => marker).length, 'one stream, without a break').toBe(1);
    const heard = heardIn(rig.left);
    expect(summary(heard)).toBe('55');
    expect(Math.abs((heard[1]?.startMs ?? 0) - (heard[0]?.startMs ?? 0) - 140)).toBeLessThanOrEqual(10);
    expect(rig.sent).toEqual([
      { press: 1, as: 'inband', durationMs: 100, packets: 5 },
      { press: 2, as: 'inband', durationMs: 60, packets: 3 },
    ]);
    expect(outcomes.filter((outcome) => outcome === 'muted').length).toBe(12);
  });

  it('go out in their own time when no audio arrives from the other side', () => {
    const rig = new RelayRig({ receiving: BROWSER, sending: TONES_OUT });
    rig.nowMs = 1000;
    for (const [n, digit] of DIGITS.entries()) rig.output.enqueue({ press: n + 1, digit, durationMs: 80 });
    rig.runTo(4000);
    continuous(rig.left);
    expect(rig.left.map(({ atMs }) => atMs)).toEqual(rig.left.map((_, n) => 1000 + n * 20));
    const heard = heardIn(rig.left);
    expect(summary(heard)).toBe(DIGITS.join(''));
    for (const { durationMs, levelDb } of heard) {
      expect(Math.abs(durationMs - 80)).toBeLessThanOrEqual(15);
      expect(levelDb).toBeGreaterThan(-18);
    }
    expect(rig.output.nextDueMs()).toBeUndefined();
  });

  it('give way to the audio that goes on after them, without overlap or a hole in the numbers, whatever its jitter', () => {
    const random = seeded(7);
    for (let round = 0; round < 40; round += 1) {
      const rig = new RelayRig({ receiving: BROWSER, sending: TONES_OUT });
      let keyAt = 150 + random() * 40;
      for (let n = 0; n < 60; n += 1) {
        const arrivesMs = n * 20 + Math.floor(random() * 15);
        for (; rig.nowMs < arrivesMs; rig.runTo(rig.nowMs + 1)) {
          if (rig.nowMs < keyAt) continue;
          keyAt = Number.POSITIVE_INFINITY;
          rig.output.enqueue({ press: 1, digit: '3', durationMs: 70 + Math.floor(random() * 50) });
        }
        rig.input(0, n, n * 160, room);
      }
      continuous(rig.left);
      expect(summary(heardIn(rig.left))).toBe('3');
      const audio = audioOf(rig.left);
      const missing = (audio.at(-1)?.timestamp ?? 0) / 160 - (audio.length - 1);
      expect(missing, 'frames without audio').toBeLessThanOrEqual(1);
    }
  });

  it.each([
    ['tones', TONES_OUT],
    ['events', TRUNK],
  ] as const)('let the audio come back in a long pause between %s', (_, sending) => {
    for (const [gapMs, comesBack] of [
      [60, false],
      [500, true],
      [2000, true],
    ] as const) {
      const rig = new RelayRig({ receiving: BROWSER, sending });
      const outcomes: string[] = [];
      for (let n = 0; n < 150; n += 1) {
        rig.runTo(n * 20);
        outcomes.push(rig.input(0, n, n * 160, room));
        if (n === 10) rig.output.enqueue({ press: 1, digit: '4', durationMs: 100, gapMs });
        if (n === 10) rig.output.enqueue({ press: 2, digit: '5', durationMs: 100 });
      }
      rig.runTo(3200);
      continuous(rig.left);
      expect(rig.sent.map(({ press }) => press)).toEqual([1, 2]);
      const muted = outcomes.filter((outcome) => outcome === 'muted').length;
      expect(muted, `${gapMs} ms`).toBeLessThanOrEqual(22);
      const firstBack = outcomes.indexOf('audio', 13);
      expect(outcomes.slice(firstBack).includes('muted'), 'audio between the two').toBe(comesBack);
      const starts =
        sending === TRUNK
          ? eventsOf(rig.left)
              .filter(({ marker }) => marker)
              .map(({ timestamp }) => timestamp / 8)
          : heardIn(rig.left).map(({ startMs }) => startMs);
      expect(Math.abs((starts[1] ?? 0) - (starts[0] ?? 0) - 100 - gapMs)).toBeLessThanOrEqual(20);
    }
  });

  it('sound as long as the key is held on a leg of events, from its first packet on', () => {
    for (const heldMs of [40, 100, 1000]) {
      const rig = new RelayRig({ receiving: BROWSER, sending: TONES_OUT });
      for (let n = 0; n < 10; n += 1) {
        rig.runTo(n * 20);
        rig.input(0, n, n * 160, room);
      }
      const packets = heldMs / 20;
      for (let n = 0; n < packets + 2; n += 1) {
        rig.runTo(200 + n * 20);
        const length = Math.min(n + 1, packets) * 160;
        rig.input(126, 10 + n, 1600, event(`03${n + 1 >= packets ? '8a' : '0a'}${length.toString(16).padStart(4, '0')}`));
      }
      rig.runTo(rig.nowMs + 400);
      const tone = audioOf(rig.left).slice(10);
      expect(tone[0], 'the tone begins with the packet that tells of the key').toMatchObject({ atMs: 200, timestamp: 1600 });
      const [heard, ...more] = heardIn(rig.left);
      expect([heard?.digit, more]).toEqual(['3', []]);
      expect(Math.abs((heard?.durationMs ?? 0) - heldMs)).toBeLessThanOrEqual(15);
      expect(rig.sent).toEqual([{ press: 1, as: 'inband', durationMs: heldMs, packets }]);
      expect(rig.digits).toMatchObject([{ press: 1, by: 'rfc4733', durationMs: heldMs, relayed: true }]);
      continuous(rig.left);
    }
  });

  it('fall silent softly when the end of a held key is told late or never', () => {
    const rig = new RelayRig({ receiving: BROWSER, sending: TONES_OUT });
    rig.input(126, 1, 0, event('030a00a0'));
    rig.runTo(1000);
    const [heard, ...more] = heardIn(rig.left);
    expect([heard?.digit, more]).toEqual(['3', []]);
    expect(rig.sent[0]?.durationMs).toBeGreaterThanOrEqual(40);
    expect(rig.sent[0]?.durationMs).toBeLessThanOrEqual(320);
    expect(rig.output.nextDueMs()).toBeUndefined();
  });

  it('are lost, and said to be, when the peer takes events instead or the leg closes', () => {
    const rig = new RelayRig({ receiving: BROWSER, sending: TONES_OUT });
    rig.output.enqueue({ press: 1, digit: '1', durationMs: 100 });
    rig.output.enqueue({ press: 2, digit: '2', durationMs: 100 });
    rig.runTo(30);
    rig.output.setFormat({ ...TONES_OUT });
    expect(rig.unsent).toEqual([]);
    rig.output.setFormat(TRUNK);
    rig.output.enqueue({ press: 3, digit: '3', durationMs: 100 });
    rig.output.close();
    expect(rig.unsent).toEqual([
      [1, 'format-changed'],
      [2, 'format-changed'],
      [3, 'closed'],
    ]);
  });

  it('do not go to a leg whose digits travel outside of the media', () => {
    const rig = new RelayRig({ receiving: BROWSER, sending: NONE_OUT });
    expect(rig.output.enqueue({ press: 1, digit: '1', durationMs: 100 })).toBe(false);
    rig.input(126, 1, 0, event('038a0320'));
    rig.runTo(500);
    expect([rig.digits, rig.left]).toMatchObject([[{ digit: '3', relayed: false }], []]);
  });
});
