import { describe, expect, it } from 'vitest';
import {
  fromTag,
  isWildcardContact,
  readAddresses,
  readContacts,
  readContentType,
  readCSeq,
  readExpires,
  readMaxForwards,
  readNumber,
  readRAck,
  readRecordRoutes,
  readRetryAfterSeconds,
  readSessionExpires,
  readTokens,
  readVias,
  topVia,
  toTag,
} from '../../../../src/sip/embedded/header-readers.js';
import { HeaderFields } from '../../../../src/sip/embedded/message.js';
import { isSipParseError } from '../../../../src/sip/embedded/parse-error.js';
import { formatVia, parseVia } from '../../../../src/sip/embedded/via.js';

const fields = (...lines: [string, string][]) => lines.reduce((headers, [name, value]) => headers.add(name, value), new HeaderFields());

function fault(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    if (isSipParseError(thrown)) return thrown.info.reason;
    throw thrown;
  }
  throw new Error('nothing was thrown');
}

describe('readers of list headers', () => {
  it('take values from one line and from several, in order', () => {
    const headers = fields(['Record-Route', '<sip:a;lr>, <sip:b;lr>'], ['record-route', '<sip:c;lr>']);
    expect(readRecordRoutes(headers).map(({ uri }) => uri)).toEqual(['sip:a;lr', 'sip:b;lr', 'sip:c;lr']);
    expect(readRecordRoutes(fields())).toEqual([]);
    expect(readAddresses(fields(['Path', '<sip:a>'], ['Path', '<sip:b>']), 'Path')).toHaveLength(2);
  });

  it('know the wildcard Contact', () => {
    expect([isWildcardContact(fields(['Contact', '*'])), readContacts(fields(['Contact', '*']))]).toEqual([true, []]);
    expect(isWildcardContact(fields(['Contact', '<sip:*@b>']))).toBe(false);
  });

  it('read tokens over lines, an empty line being none', () => {
    expect(readTokens(fields(['Supported', 'timer , 100rel'], ['Supported', ''], ['Supported', 'path']), 'Supported')).toEqual([
      'timer',
      '100rel',
      'path',
    ]);
    expect(fault(() => readTokens(fields(['Allow', 'INVITE,,ACK']), 'Allow'))).toBe('Malformed Allow');
    expect(fault(() => readTokens(fields(['Allow', 'IN VITE']), 'Allow'))).toBe('Malformed Allow');
  });
});

describe('readers of single headers', () => {
  it('name what is missing', () => {
    expect([() => topVia(fields()), () => readVias(fields()), () => readCSeq(fields()), () => fromTag(fields())].map(fault)).toEqual([
      'Missing Via',
      'Missing Via',
      'Missing CSeq',
      'Missing From',
    ]);
  });

  it('give tags, or nothing where a peer sent none', () => {
    const headers = fields(['From', 'sip:a@b;tag=x'], ['To', '<sip:c@d;tag=notthis>']);
    expect([fromTag(headers), toTag(headers)]).toEqual(['x', undefined]);
  });

  it('keep the case of a CSeq method and drop leading zeros', () => {
    expect(readCSeq(fields(['CSeq', '0009\t Invite']))).toEqual({ number: 9, method: 'Invite' });
    expect(readCSeq(fields(['CSeq', '2147483647 ACK'])).number).toBe(2147483647);
  });

  it('read Expires out of range as an hour, and other numbers not at all', () => {
    expect(['60', '4294967295', '4294967296', 'soon'].map((value) => readExpires(fields(['Expires', value])))).toEqual([
      60, 4294967295, 3600, 3600,
    ]);
    expect(readNumber(fields(['RSeq', '7']), 'RSeq')).toBe(7);
    expect(fault(() => readNumber(fields(['RSeq', '7x']), 'RSeq'))).toBe('Malformed RSeq');
    expect([readMaxForwards(fields()), readNumber(fields(), 'Min-SE')]).toEqual([undefined, undefined]);
  });

  it('read Retry-After beside its comment and parameters', () => {
    expect(
      ['5', '18000;duration=3600', '120 (I am in a meeting)'].map((value) => readRetryAfterSeconds(fields(['Retry-After', value]))),
    ).toEqual([5, 18000, 120]);
  });

  it('read Session-Expires with and without its refresher', () => {
    expect(readSessionExpires(fields(['x', '1'], ['Session-Expires', '1800 ; refresher=UAS']))).toEqual({
      seconds: 1800,
      refresher: 'uas',
    });
    expect(readSessionExpires(fields(['Session-Expires', '90;refresher=other']))).toEqual({ seconds: 90 });
    expect(fault(() => readSessionExpires(fields(['Session-Expires', 'x'])))).toBe('Malformed Session-Expires');
  });

  it('read RAck', () => {
    expect(readRAck(fields(['RAck', '776656 1  INVITE']))).toEqual({ rseq: 776656, cseq: { number: 1, method: 'INVITE' } });
    for (const value of ['', '1', '1 2', '1 INVITE', '1 2 INVITE x', '-1 2 INVITE'])
      expect(fault(() => readRAck(fields(['RAck', value])))).toMatch(/^Malformed/);
  });

  it('read a media type in lower case with its parameters', () => {
    expect(readContentType(fields(['Content-Type', 'Multipart / Mixed ; Boundary="a;b"']))).toEqual({
      type: 'multipart/mixed',
      parameters: new Map([['boundary', 'a;b']]),
    });
  });
});

describe('a Via', () => {
  it.each([
    'SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bK1',
    'SIP/2.0/TLS [2001:db8::1]:5061;received=2001:db8::2;branch=z9hG4bK1',
    'SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK1;keep',
  ])('is written as it was read: %s', (text) => {
    const via = parseVia(text);
    expect(via && formatVia(via)).toBe(text);
  });
});
