import { describe, expect, it } from 'vitest';
import { readDigitPress, writeDigitPress } from '../../../../src/web/widget/dtmf-body.js';

describe('a key press in an INFO body', () => {
  it.each([...'0123456789*#ABCD'])('comes back as it was written: %s', (digit) => {
    expect(readDigitPress('application/dtmf-relay', writeDigitPress({ digit, durationMs: 160 }))).toEqual({ digit, durationMs: 160 });
  });

  it('is read whatever the spacing, the case and the order of its lines', () => {
    expect(readDigitPress('Application/DTMF-Relay; charset=utf-8', 'duration = 90\nsignal= d \n')).toEqual({ digit: 'D', durationMs: 90 });
  });

  it.each([
    ['10', '*'],
    ['11', '#'],
    ['12', 'A'],
    ['15', 'D'],
  ])('is read when a sender writes the event number %s', (signal, digit) => {
    expect(readDigitPress('application/dtmf-relay', `Signal=${signal}\r\n`)?.digit).toBe(digit);
  });

  it('is read from application/dtmf as the bare digit', () => {
    expect(readDigitPress('application/dtmf', ' 7\r\n')).toEqual({ digit: '7', durationMs: 250 });
  });

  it.each([
    ['text/plain', '5'],
    ['application/dtmf-relay', 'Duration=100\r\n'],
    ['application/dtmf-relay', 'Signal=16\r\n'],
    ['application/dtmf-relay', 'Signal=\r\nDuration=100\r\n'],
    ['application/dtmf', 'hello'],
    ['application/dtmf', ''],
  ])('is not made up from %s with %j', (type, body) => {
    expect(readDigitPress(type, body)).toBeUndefined();
  });
});
