import { describe, expect, it } from 'vitest';
import { HeaderFields } from '../../../src/sip/embedded/message.js';
import { formatReason, q850CauseOf, q850FromStatus, q850Reason, readReasons, statusFromQ850 } from '../../../src/sip/reason.js';
import { reasonPhrase } from '../../../src/sip/status.js';

const reasons = (...lines: string[]) => {
  const headers = new HeaderFields();
  for (const line of lines) headers.add('Reason', line);
  return headers;
};

describe('the Reason header', () => {
  it('is read over several lines and values, text with commas included', () => {
    expect(readReasons(reasons('SIP ;cause=200 ;text="Call completed, elsewhere"', 'Q.850;cause=16;text="Terminated" , X;y=z'))).toEqual([
      { protocol: 'SIP', cause: 200, text: 'Call completed, elsewhere' },
      { protocol: 'Q.850', cause: 16, text: 'Terminated' },
      { protocol: 'X' },
    ]);
  });

  it('gives the Q.850 cause whatever the case of its name, and nothing when there is none', () => {
    expect(q850CauseOf(reasons('SIP;cause=486', 'q.850;cause=17'))).toBe(17);
    expect(q850CauseOf(reasons('SIP;cause=486'))).toBeUndefined();
  });

  it.each(['Q.850;cause=-1', 'Q.850;cause=1e2', 'Q.850;cause=99999999999999999999'])('%s has no usable cause', (line) => {
    expect(readReasons(reasons(line))).toEqual([{ protocol: 'Q.850' }]);
  });

  it.each(['', ';', 'Q.850;cause="17', 'Q 850;cause=1'])('leaves out the malformed %j', (line) => {
    expect(readReasons(reasons(line))).toEqual([]);
  });

  it('is written so that it reads back, and never with a line break', () => {
    const reason = { protocol: 'Q.850', cause: 21, text: 'said "no"\\ twice' };
    expect(readReasons(reasons(formatReason(reason)))).toEqual([reason]);
    expect(formatReason({ protocol: 'SIP', text: 'a\r\nVia: x' })).toBe('SIP;text="a Via: x"');
    expect(formatReason(q850Reason(17))).toBe('Q.850;cause=17;text="User busy"');
    expect(formatReason(q850Reason(99))).toBe('Q.850;cause=99');
  });
});

describe('the mapping of RFC 3398', () => {
  it.each([
    [404, 1],
    [480, 18],
    [486, 17],
    [600, 17],
    [603, 21],
    [403, 21],
    [408, 102],
    [484, 28],
    [500, 41],
    [503, 41],
    [200, 16],
    [499, 31],
  ])('gives status %i the cause %i', (status, cause) => {
    expect(q850FromStatus(status)).toBe(cause);
  });

  it.each([
    [1, 404],
    [17, 486],
    [18, 408],
    [19, 480],
    [20, 480],
    [21, 403],
    [28, 484],
    [31, 480],
    [34, 503],
    [41, 503],
    [102, 504],
    [127, 500],
    [16, 480],
    [43, 503],
    [99, 500],
  ])('gives cause %i the status %i', (cause, status) => {
    expect(statusFromQ850(cause)).toBe(status);
  });
});

describe('reason phrases', () => {
  it('exist for registered codes, and by class for others', () => {
    expect([reasonPhrase(486), reasonPhrase(499), reasonPhrase(199), reasonPhrase(699)]).toEqual([
      'Busy Here',
      'Client Error',
      'Early Dialog Terminated',
      'Global Failure',
    ]);
  });
});
