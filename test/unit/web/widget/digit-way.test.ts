import { describe, expect, it } from 'vitest';
import { takesEvents, wayOf } from '../../../../src/web/widget/digit-way.js';

const connected = { answered: true, canInsert: true, eventsAgreed: true, connectedForMs: 0 };

describe('the way of a digit', () => {
  it('is the media wherever the browser can insert it, also before the answer', () => {
    expect(wayOf(connected)).toBe('media');
    expect(wayOf({ ...connected, answered: false })).toBe('media');
  });

  it('is INFO at once in a browser without a sender, or without telephone-event in the answer', () => {
    expect(wayOf({ ...connected, canInsert: undefined })).toBe('info');
    expect(wayOf({ ...connected, canInsert: false, eventsAgreed: false })).toBe('info');
  });

  it('is INFO where the browser has not been able to insert for two seconds of the call', () => {
    expect(wayOf({ ...connected, canInsert: false, connectedForMs: 1_999 })).toBeUndefined();
    expect(wayOf({ ...connected, canInsert: false, connectedForMs: 2_000 })).toBe('info');
  });

  it('is not known before the answer, because INFO needs a dialog', () => {
    for (const canInsert of [false, undefined]) {
      expect(wayOf({ answered: false, canInsert, eventsAgreed: false, connectedForMs: 9_000 })).toBeUndefined();
    }
  });

  it.each([
    ['a=rtpmap:110 telephone-event/48000\r\n', true],
    ['a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 TELEPHONE-EVENT/8000\r\n', true],
    ['a=rtpmap:0 PCMU/8000\r\na=x:telephone-event/8000\r\n', false],
  ])('sees telephone-event in %j: %s', (sdp, taken) => {
    expect(takesEvents(sdp)).toBe(taken);
  });
});
