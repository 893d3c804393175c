import { beforeEach, describe, expect, it } from 'vitest';
import { type DigitCall, DigitDesk } from '../../../../src/web/widget/digit-desk.js';
import type { DigitReceipt } from '../../../../src/web/widget/digit-ledger.js';
import { defaultDigitTiming } from '../../../../src/web/widget/digit-queue.js';
import { readDigitText } from '../../../../src/web/widget/digit-text.js';
import type { DigitProspects } from '../../../../src/web/widget/digit-way.js';
import { FakeClock } from '../../../support/fake-clock.js';

const { toneMs, gapMs } = defaultDigitTiming;

describe('the desk of digits', () => {
  let clock: FakeClock;
  let desk: DigitDesk;
  let told: DigitReceipt[];
  let sent: [way: string, digit: string, atMs: number][];
  let prospects: DigitProspects;
  let call: DigitCall | undefined;
  /** What the gateway makes of INFO, and when. */
  let info: { readonly accepted: boolean; readonly afterMs: number };

  const talking: DigitProspects = { answered: true, canInsert: true, eventsAgreed: true, connectedForMs: 5_000 };
  const ringing: DigitProspects = { answered: false, canInsert: false, eventsAgreed: undefined, connectedForMs: 0 };

  beforeEach(() => {
    clock = new FakeClock();
    told = [];
    sent = [];
    prospects = talking;
    info = { accepted: true, afterMs: 5 };
    const one: DigitCall = {
      prospects: () => prospects,
      insertDigit: (digit, timing, done) => {
        sent.push(['media', digit, clock.nowMs()]);
        return clock.after(timing.toneMs + timing.gapMs, () => done(true));
      },
      informDigit: (digit, durationMs, done) => {
        expect(durationMs).toBe(toneMs);
        sent.push(['info', digit, clock.nowMs()]);
        clock.after(info.afterMs, () => done(info.accepted));
      },
    };
    call = one;
    desk = new DigitDesk(defaultDigitTiming, { clock, call: () => call, onReceipt: (receipt) => told.push(receipt), onLeft: () => {} });
  });

  function steps(text: string): Parameters<DigitDesk['press']>[0] {
    const read = readDigitText(text);
    return read.ok ? read.steps : [];
  }

  it('sends in the media what the browser can insert', () => {
    expect(desk.press(steps('12'))).toBe(true);
    clock.advance(1_000);
    expect(sent).toEqual([
      ['media', '1', 0],
      ['media', '2', toneMs + gapMs],
    ]);
    expect(told.map(({ press, state }) => `${press} ${state}`)).toEqual(['1 pressed', '2 pressed', '1 left', '2 left']);
  });

  it('sends as INFO what it cannot, one after the other, with pauses from the end of the digit asked for', () => {
    prospects = { ...talking, canInsert: undefined };
    desk.press(steps('12,3'));
    clock.advance(10_000);
    expect(sent).toEqual([
      ['info', '1', 0],
      ['info', '2', toneMs + gapMs],
      ['info', '3', 2 * toneMs + gapMs + 2_000],
    ]);
  });

  it('waits for a slow INFO before the next one', () => {
    prospects = { ...talking, canInsert: undefined };
    info = { accepted: true, afterMs: 700 };
    desk.press(steps('12'));
    clock.advance(3_000);
    expect(sent.map(([, , atMs]) => atMs)).toEqual([0, 700]);
  });

  it('tells of an INFO that is refused, and sends that press no other way', () => {
    prospects = { ...talking, canInsert: undefined };
    info = { accepted: false, afterMs: 5 };
    desk.press(steps('1'));
    clock.advance(10_000);
    expect(sent).toEqual([['info', '1', 0]]);
    expect(told.at(-1)).toEqual({ press: 1, digit: '1', state: 'failed', why: 'not-sent' });
  });

  it('decides for each press by itself, and keeps the order across ways', () => {
    prospects = { ...talking, canInsert: false, connectedForMs: 3_000 };
    desk.press(steps('123'));
    clock.advance(toneMs);
    prospects = talking;
    clock.advance(10_000);
    expect(sent.map(([way, digit]) => `${way} ${digit}`)).toEqual(['info 1', 'media 2', 'media 3']);
  });

  it('keeps what is pressed while the call is set up, and sends it when the call hears it', () => {
    call = undefined;
    prospects = ringing;
    const one = desk.press(steps('7'));
    clock.advance(30_000);
    expect([one, sent]).toEqual([true, []]);
    desk.end();
    expect(told.at(-1)).toMatchObject({ press: 1, state: 'failed', why: 'call-ended' });
    expect(clock.liveTimers).toBe(0);
  });

  it('sends what was pressed while ringing as soon as it can be', () => {
    prospects = ringing;
    desk.press(steps('78'));
    clock.advance(4_000);
    expect(sent).toEqual([]);
    prospects = talking;
    clock.advance(1_000);
    expect(sent.map(([, digit]) => digit)).toEqual(['7', '8']);
  });

  it('keeps what is meant for after the answer until then, in order and within bounds', () => {
    expect(desk.pressAfterAnswer(steps('1'))).toBe(true);
    expect(desk.pressAfterAnswer(steps('w1000 2'))).toBe(true);
    expect(desk.pressAfterAnswer(steps('3'.repeat(62)))).toBe(false);
    clock.advance(5_000);
    expect(sent).toEqual([]);
    desk.answered();
    clock.advance(5_000);
    expect(sent).toEqual([
      ['media', '1', 5_000],
      ['media', '2', 5_000 + toneMs + 1_000],
    ]);
  });

  it('forgets one call’s digits with the next', () => {
    desk.pressAfterAnswer(steps('1'));
    desk.press(steps('2'));
    desk.begin();
    desk.answered();
    clock.advance(5_000);
    expect(desk.receipts).toEqual([]);
    expect(sent.map(([, digit]) => digit)).toEqual(['2']);
  });
});
