import { describe, expect, it } from 'vitest';
import { DIGITS } from '../../../../src/media/dtmf/digit.js';
import { type InfoDtmfType, readInfoBody, writeInfoBody } from '../../../../src/media/dtmf/info-body.js';

const RELAY = 'application/dtmf-relay';

describe('digits in INFO bodies', () => {
  it.each(['application/dtmf-relay', 'application/dtmf', 'audio/telephone-event'] as const)(
    'reads back what it writes as %s',
    (type: InfoDtmfType) => {
      for (const digit of DIGITS) {
        const durationMs = type === 'application/dtmf' ? 160 : 250;
        expect(readInfoBody(type, writeInfoBody(type, { digit, durationMs }))).toEqual({ kind: 'digit', digit: { digit, durationMs } });
      }
    },
  );

  it('writes application/dtmf-relay byte for byte, letters as letters (D16, D19)', () => {
    expect(writeInfoBody(RELAY, { digit: '5', durationMs: 160 })).toBe('Signal=5\r\nDuration=160\r\n');
    expect(writeInfoBody(RELAY, { digit: 'A', durationMs: 99.6 })).toBe('Signal=A\r\nDuration=100\r\n');
    expect(writeInfoBody('application/dtmf', { digit: '#', durationMs: 1 })).toBe('#');
  });

  it.each([
    ['Signal= 5\r\nDuration= 200', '5', 200],
    ['signal=*\nduration=100\n', '*', 100],
    ['SIGNAL = #', '#', 160],
    ['Signal: 7\r\nDuration: 90\r\n\r\n', '7', 90],
    ['Duration=80\r\nSignal=d', 'D', 80],
    ['Signal=12\r\nDuration=100', 'A', 100],
    ['Signal=10', '*', 160],
    ['Signal="3"; Duration=60', '3', 60],
    ['Signal=1\r\nSignal=2\r\nDuration=50', '1', 50],
    ['Signal=1\r\nDuration=0', '1', 40],
    ['Signal=1\r\nDuration=99999', '1', 6000],
    ['Signal=1\r\nDuration=long', '1', 160],
  ])('takes %j', (body, digit, durationMs) => {
    expect(readInfoBody(RELAY, body)).toEqual({ kind: 'digit', digit: { digit, durationMs } });
  });

  it('takes the type in any case and with parameters', () => {
    expect(readInfoBody(' Application/DTMF-Relay ; charset=utf-8', 'Signal=1')).toMatchObject({ kind: 'digit' });
  });

  it('takes a bare digit or pairs as application/dtmf', () => {
    expect(readInfoBody('application/dtmf', ' 9 \r\n')).toMatchObject({ kind: 'digit', digit: { digit: '9' } });
    expect(readInfoBody('application/dtmf', 'Signal=9\r\nDuration=70')).toMatchObject({ digit: { digit: '9', durationMs: 70 } });
  });

  it('takes a number, pairs or the four bytes as audio/telephone-event', () => {
    expect(readInfoBody('audio/telephone-event', '11')).toMatchObject({ digit: { digit: '#' } });
    expect(readInfoBody('audio/telephone-event', 'Event=3\r\nDuration=70')).toMatchObject({ digit: { digit: '3', durationMs: 70 } });
    expect(readInfoBody('audio/telephone-event', '\u0005\u000a\u0003\u0020')).toMatchObject({ digit: { digit: '5', durationMs: 160 } });
  });

  it('knows a hook flash', () => {
    expect(['16', '!', 'flash'].map((signal) => readInfoBody(RELAY, `Signal=${signal}`).kind)).toEqual(['flash', 'flash', 'flash']);
  });

  it('tells a foreign type from a broken body', () => {
    expect(readInfoBody('text/plain', 'Signal=5')).toEqual({ kind: 'other-type' });
    expect(readInfoBody('', '')).toEqual({ kind: 'other-type' });
    for (const body of ['', 'Signal=', 'Signal=x', 'Signal=17', 'Duration=100'])
      expect(readInfoBody(RELAY, body)).toEqual({ kind: 'malformed' });
    expect(readInfoBody('application/dtmf', '')).toEqual({ kind: 'malformed' });
    expect(readInfoBody('audio/telephone-event', 'zz')).toEqual({ kind: 'malformed' });
  });
});
