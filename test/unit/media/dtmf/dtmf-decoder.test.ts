import { describe, expect, it } from 'vitest';
import { type DtmfDecoded, DtmfDecoder } from '../../../../src/media/dtmf/dtmf-decoder.js';
import { decode, eventPacket, presses } from './dtmf-trace.js';

function decoderWith(clockRateHz = 8000): { readonly decoder: DtmfDecoder; readonly decoded: DtmfDecoded[] } {
  const decoded: DtmfDecoded[] = [];
  return { decoder: new DtmfDecoder({ clockRateHz }, { onDecoded: (event) => decoded.push(event) }), decoded };
}

function feed(decoder: DtmfDecoder, ssrc: number, timestamp: number, hex: string, nowMs: number): boolean {
  const payload = Buffer.from(hex.replace(/\s/g, ''), 'hex');
  return decoder.receive(ssrc, timestamp, payload, 0, payload.length, nowMs);
}

describe('DtmfDecoder', () => {
  it('tells start, growth and end', () => {
    const decoded = decode(8000, [eventPacket(0, 0, '050a00a0'), eventPacket(20, 0, '050a0140'), eventPacket(40, 0, '058a0190')]);
    expect(decoded).toEqual([
      { type: 'start', digit: '5', durationMs: 20, volume: 10 },
      { type: 'update', digit: '5', durationMs: 40, volume: 10 },
      { type: 'end', digit: '5', durationMs: 50, volume: 10 },
    ]);
  });

  it('ignores packets of zero duration (D5)', () => {
    expect(decode(8000, [eventPacket(0, 0, '050a0000'), eventPacket(20, 0, '058a0000')])).toEqual([]);
    expect(presses(decode(8000, [eventPacket(0, 0, '050a0000'), eventPacket(20, 0, '050a00a0')]))).toEqual([
      { digit: '5', durationMs: 20 },
    ]);
  });

  it('ignores end packets that come after the next digit began (D8)', () => {
    const decoded = decode(8000, [
      eventPacket(0, 0, '018a0320'),
      eventPacket(40, 1200, '020a00a0'),
      eventPacket(45, 0, '018a0320'),
      eventPacket(60, 1200, '028a0140'),
      eventPacket(65, 0, '018a0320'),
    ]);
    expect(presses(decoded)).toEqual([
      { digit: '1', durationMs: 100 },
      { digit: '2', durationMs: 40 },
    ]);
  });

  it('ends a press whose end never came, when the next begins and when nothing more comes', () => {
    const decoded = decode(8000, [eventPacket(0, 0, '010a0320'), eventPacket(40, 1200, '020a00a0')]);
    expect(presses(decoded)).toEqual([
      { digit: '1', durationMs: 100 },
      { digit: '2', durationMs: 20 },
    ]);
  });

  it('times out after about three intervals and takes what still comes for the same press', () => {
    const { decoder, decoded } = decoderWith();
    feed(decoder, 1, 0, '030a00a0', 0);
    expect(decoder.nextDueMs()).toBe(150);
    feed(decoder, 1, 0, '030a0140', 20);
    expect(decoder.nextDueMs()).toBe(140);
    decoder.tick(139);
    expect(decoder.active).toBe(true);
    decoder.tick(140);
    expect([decoder.active, decoder.nextDueMs()]).toEqual([false, undefined]);
    feed(decoder, 1, 0, '030a0640', 200);
    feed(decoder, 1, 0, '038a0640', 220);
    expect(presses(decoded)).toEqual([{ digit: '3', durationMs: 40 }]);
  });

  it('waits longer for a sender of slow updates, but not for ever', () => {
    const { decoder } = decoderWith();
    feed(decoder, 1, 0, '030a0640', 0);
    feed(decoder, 1, 0, '030a0fa0', 300);
    expect(decoder.nextDueMs()).toBe(600);
  });

  it('takes further segments of a timed-out press for the same press', () => {
    const { decoder, decoded } = decoderWith(48_000);
    feed(decoder, 1, 0, '030af000', 0);
    decoder.tick(1000);
    feed(decoder, 1, 0xffff, '030a0500', 1010);
    feed(decoder, 1, 0xffff, '038a0900', 1030);
    expect(presses(decoded).length).toBe(1);
  });

  it('does not join a press to one that was ended', () => {
    const decoded = decode(8000, [eventPacket(0, 0, '018a0320'), eventPacket(120, 800, '018a0320')]);
    expect(presses(decoded).length).toBe(2);
  });

  it('reads several events of one payload, one after the other in time (D15)', () => {
    const decoded = decode(8000, [eventPacket(0, 100, '018a0320 028a0190 030a00a0')]);
    expect(presses(decoded)).toEqual([
      { digit: '1', durationMs: 100 },
      { digit: '2', durationMs: 50 },
      { digit: '3', durationMs: 20 },
    ]);
  });

  it('reads the same packed payload again without a second digit', () => {
    const packed = '018a0320 018a0190';
    expect(presses(decode(8000, [eventPacket(0, 100, packed), eventPacket(20, 100, packed)])).length).toBe(2);
  });

  it('refuses payloads without a whole event', () => {
    const { decoder, decoded } = decoderWith();
    expect([feed(decoder, 1, 0, '', 0), feed(decoder, 1, 0, '010a00', 0)]).toEqual([false, false]);
    expect(decoded).toEqual([]);
  });

  it('says nothing of events that are no digits, and knows digits around them', () => {
    const decoded = decode(8000, [eventPacket(0, 0, '108a0320'), eventPacket(200, 1600, '418a0320'), eventPacket(400, 3200, '0f8a0320')]);
    expect(presses(decoded)).toEqual([{ digit: 'D', durationMs: 100 }]);
  });

  it('follows a change of source and ignores stragglers of the old one', () => {
    const { decoder, decoded } = decoderWith();
    feed(decoder, 1, 5000, '010a00a0', 0);
    feed(decoder, 2, 900, '020a00a0', 40);
    feed(decoder, 1, 5000, '018a0140', 45);
    feed(decoder, 2, 900, '028a0140', 60);
    feed(decoder, 1, 9000, '038a0140', 500);
    expect(presses(decoded).map(({ digit }) => digit)).toEqual(['1', '2', '3']);
  });

  it('takes a timestamp far back for a sender whose clock was set back', () => {
    const decoded = decode(8000, [eventPacket(0, 1_000_000, '018a0320'), eventPacket(500, 1000, '028a0320')]);
    expect(presses(decoded).map(({ digit }) => digit)).toEqual(['1', '2']);
  });

  it('takes any other timestamp for a new press after two seconds of quiet', () => {
    const decoded = decode(8000, [eventPacket(0, 10_000, '018a0320'), eventPacket(2500, 9000, '018a0320')]);
    expect(presses(decoded).length).toBe(2);
  });

  it('hands out a press under way when told to stop', () => {
    const { decoder, decoded } = decoderWith();
    feed(decoder, 1, 0, '030a00a0', 0);
    decoder.flush();
    decoder.flush();
    expect(presses(decoded)).toEqual([{ digit: '3', durationMs: 20 }]);
  });
});
