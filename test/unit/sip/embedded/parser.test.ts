import { describe, expect, it } from 'vitest';
import { GatewayError } from '../../../../src/base/errors.js';
import { readFrom, readVias } from '../../../../src/sip/embedded/header-readers.js';
import { maxBodyBytes, maxHeaderBlockBytes, maxHeaderLines, maxLineLength, maxMessageBytes } from '../../../../src/sip/embedded/limits.js';
import { isSipParseError, type SipParseErrorInfo } from '../../../../src/sip/embedded/parse-error.js';
import { parseMessage } from '../../../../src/sip/embedded/parser.js';

const base = [
  'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1',
  'From: <sip:a@example.com>;tag=1',
  'To: <sip:b@example.com>',
  'Call-ID: x@y',
  'CSeq: 1 OPTIONS',
];

function request(extra: readonly string[] = [], body = '', start = 'OPTIONS sip:b@example.com SIP/2.0', fields = base): Buffer {
  return Buffer.from([start, ...fields, ...extra, '', body].join('\r\n'));
}

function replaced(name: string, ...lines: string[]): Buffer {
  return request(
    lines,
    '',
    undefined,
    base.filter((line) => !line.startsWith(`${name}:`)),
  );
}

function refusal(bytes: Buffer): SipParseErrorInfo {
  try {
    parseMessage(bytes);
  } catch (thrown) {
    if (thrown instanceof GatewayError && isSipParseError(thrown)) return thrown.info;
    throw thrown;
  }
  throw new Error('the message was accepted');
}

describe('the body', () => {
  it('is as long as Content-Length says in bytes, and the rest of the datagram is dropped', () => {
    expect(parseMessage(request(['Content-Length: 4'], 'été!')).body.toString('latin1')).toBe('\xc3\xa9t\xc3');
  });

  it('is all that is left when Content-Length is missing', () => {
    expect(parseMessage(request([], 'hello')).body.toString()).toBe('hello');
  });

  it.each(['-1', '+5', '5 5', '5,5', '0x5', '1e1', '', '5.0', '٥', '99999999999999999999', '6'])(
    'is refused with Content-Length %j',
    (length) => {
      expect(refusal(request([`Content-Length: ${length}`], 'hello')).status).toBe(400);
    },
  );

  it('is refused with two Content-Length fields even when they agree', () => {
    expect(refusal(request(['Content-Length: 5', 'l: 5'], 'hello')).reason).toBe('Malformed Content-Length');
  });
});

describe('the limits', () => {
  it('on the whole message and on the header block are answered 513', () => {
    expect(refusal(Buffer.alloc(maxMessageBytes + 1, 65))).toMatchObject({ status: 513 });
    const long = Array.from({ length: 10 }, () => `X: ${'x'.repeat(4000)}`);
    expect(long.join('\r\n').length).toBeGreaterThan(maxHeaderBlockBytes);
    expect(refusal(request(long))).toMatchObject({ status: 513 });
  });

  it('on the body is answered 513 when the request could be read', () => {
    expect(parseMessage(request([], 'x'.repeat(maxBodyBytes))).body).toHaveLength(maxBodyBytes);
    const info = refusal(request([], 'x'.repeat(maxBodyBytes + 1)));
    expect([info.status, info.partial?.method]).toEqual([513, 'OPTIONS']);
  });

  it('on the number of fields and the length of one, folded or not, are answered 400', () => {
    const fields = (count: number) => request(Array.from({ length: count - base.length }, () => 'X: y'));
    expect(parseMessage(fields(maxHeaderLines)).kind).toBe('request');
    expect(refusal(fields(maxHeaderLines + 1)).reason).toBe('Too many header fields');
    expect(parseMessage(request([`X: ${'y'.repeat(maxLineLength - 3)}`])).kind).toBe('request');
    expect(refusal(request([`X: ${'y'.repeat(maxLineLength)}`])).reason).toBe('Line too long');
    expect(refusal(request([`X: ${'y\r\n '.repeat(maxLineLength / 2)}`])).reason).toBe('Line too long');
    expect(refusal(request([], '', `OPTIONS sip:${'b'.repeat(maxLineLength)} SIP/2.0`)).reason).toBe('Line too long');
  });
});

describe('the start line', () => {
  it.each([
    ['OPTIONS sip:b@example.com SIP/2.0', undefined],
    ['OPTIONS sip:b@example.com sip/2.0', undefined],
    ['OPTIONS tel:+15550123456 SIP/2.0', undefined],
    ['OPTIONS sip:b@example.com SIP/3.0', 505],
    ['OPTIONS sip:b@example.com SIP/2.10', 505],
    ['OPTIONS sip:b@example.com SIP/2', 400],
    ['OPTIONS sip:b@example.com HTTP/1.1', 400],
    ['OPTIONS sip:b@example.com', 400],
    ['OPTIONS\tsip:b@example.com SIP/2.0', 400],
    ['OPTIONS sip:b@example.com\tSIP/2.0', 400],
    [' OPTIONS sip:b@example.com SIP/2.0', 400],
    ['OPTI(ONS sip:b@example.com SIP/2.0', 400],
    ['OPTIONS  SIP/2.0', 400],
    ['OPTIONS sip: SIP/2.0', 400],
    ['OPTIONS * SIP/2.0', 400],
    ['GET / HTTP/1.1', 400],
    ['', 400],
  ])('%j', (start, status) => {
    const bytes = request([], '', start);
    if (status === undefined) expect(parseMessage(bytes).kind).toBe('request');
    else expect(refusal(bytes).status).toBe(status);
  });

  it.each([
    ['SIP/2.0 200 OK', undefined],
    ['SIP/2.0 200', undefined],
    ['SIP/2.0 699 ', undefined],
    ['SIP/2.0 099 Low', 400],
    ['SIP/2.0 700 High', 400],
    ['SIP/2.0 20 OK', 400],
    ['SIP/2.0 2000 OK', 400],
    ['SIP/2.0  200 OK', 400],
    ['SIP/2.0 -20 OK', 400],
    ['SIP/7.0 200 OK', 505],
  ])('%j', (start, status) => {
    const bytes = request([], '', start);
    if (status === undefined) expect(parseMessage(bytes).kind).toBe('response');
    else expect(refusal(bytes)).toMatchObject({ status });
  });
});

describe('header fields', () => {
  it('of compact form come under their long names', () => {
    const compact: [string, string, string][] = [
      ['k', 'Supported', '100rel'],
      ['x', 'Session-Expires', '90'],
      ['R', 'Refer-To', '<sip:c@d>'],
      ['o', 'Event', 'talk'],
      ['y', 'Identity', 'a;b'],
    ];
    const { headers } = parseMessage(request(compact.map(([short, , value]) => `${short}: ${value}`)));
    expect(compact.map(([, long]) => headers.get(long))).toEqual(compact.map(([, , value]) => value));
  });

  it.each([
    ['no colon', 'X y'],
    ['a space in the name', 'X Y: z'],
    ['no name', ': z'],
    ['a bare line feed', 'X: y\nInjected: z'],
    ['a bare carriage return', 'X: y\rInjected: z'],
  ])('with %s are refused', (_, line) => {
    expect(refusal(request([line])).status).toBe(400);
  });

  it('with a bare carriage return do not get into the answer', () => {
    const info = refusal(replaced('Call-ID', 'Call-ID: x\rInjected: z'));
    expect(info.partial?.headers.has('Call-ID')).toBe(false);
    expect(info.partial?.headers.get('CSeq')).toBe('1 OPTIONS');
  });

  it('that start with a fold belong to nothing and are refused', () => {
    expect(refusal(Buffer.from(`OPTIONS sip:b@example.com SIP/2.0\r\n X: y\r\n${base.join('\r\n')}\r\n\r\n`)).status).toBe(400);
  });

  it('without the empty line at their end are refused', () => {
    expect(refusal(Buffer.from(`OPTIONS sip:b@example.com SIP/2.0\r\n${base.join('\r\n')}\r\n`)).partial?.headers.get('Call-ID')).toBe(
      'x@y',
    );
  });

  it('in Latin-1 are read, for some carriers send it', () => {
    const bytes = Buffer.from(
      request(
        [],
        '',
        undefined,
        base.map((line) => line.replace('From: ', 'From: "Jos\xe9" ')),
      ).toString(),
      'latin1',
    );
    expect(readFrom(parseMessage(bytes).headers).displayName).toBe('José');
  });

  it('may be preceded by empty lines', () => {
    expect(parseMessage(Buffer.concat([Buffer.from('\r\n\r\n\r\n'), request()])).kind).toBe('request');
  });

  it.each(['Via', 'From', 'To', 'Call-ID', 'CSeq'])('lacking %s are refused, and answered unless it is the Via', (name) => {
    const info = refusal(replaced(name));
    expect([info.status, info.reason, info.partial === undefined]).toEqual([400, `Missing ${name}`, name === 'Via']);
  });

  it.each([
    ['Via', 'Via: SIP/2.0/UDP'],
    ['Via', 'Via: SIP/2.0 192.0.2.1'],
    ['Via', 'Via: SIP/2.0/UDP 192.0.2.1:99999'],
    ['Via', 'Via: SIP/2.0/UDP 192.0.2.1;branch'.replace('branch', '')],
    ['Via', 'Via: SIP/2.0/UDP 192.0.2.1,'],
    ['Via', 'Via:'],
    ['From', 'From: a@example.com'],
    ['From', 'From: <sip:a@exa mple.com>'],
    ['From', 'From: <sip:a@example.com:x>;tag=1'],
    ['To', 'To: <sip:b@example.com>;tag'.replace('tag', '=')],
    ['Call-ID', 'Call-ID: a b'],
    ['Call-ID', 'Call-ID:'],
    ['CSeq', 'CSeq: 1OPTIONS'],
    ['CSeq', 'CSeq: OPTIONS'],
    ['CSeq', 'CSeq: 1'],
    ['CSeq', 'CSeq: -1 OPTIONS'],
    ['CSeq', 'CSeq: 2147483648 OPTIONS'],
    ['CSeq', 'CSeq: 1 OPTIONS x'],
    ['CSeq', 'CSeq: 1 options'],
    ['Max-Forwards', 'Max-Forwards: 256'],
    ['Max-Forwards', 'Max-Forwards: many'],
    ['Contact', 'Contact: *, <sip:a@b>'],
    ['Contact', 'Contact: <sip:a@b'],
    ['Contact', 'Contact: <sip:a@b:c>'],
    ['Route', 'Route: <sip:[::1>;lr'],
    ['Record-Route', 'Record-Route: sip'],
    ['Content-Type', 'Content-Type: application'],
    ['Content-Type', 'Content-Type: application/sdp/x'],
    ['Date', 'Date: 2026-11-14'],
  ])('with a malformed %s are refused: %s', (name, line) => {
    expect(refusal(replaced(name, line))).toMatchObject({ status: 400 });
  });

  it.each(['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'Content-Type'])('with two %s are refused', (name) => {
    const line = base.find((field) => field.startsWith(`${name}:`)) ?? (name === 'Content-Type' ? 'Content-Type: a/b' : 'Max-Forwards: 70');
    expect(refusal(replaced(name, line, line)).reason).toBe(`Repeated ${name}`);
  });

  it('never show in the error: a refusal names the field and quotes nothing', () => {
    const info = refusal(replaced('To', 'To: <sip:+15550123456@exa mple.com>'));
    expect(JSON.stringify(info.reason)).not.toContain('5550123');
  });

  it('may have white space around the colon of sent-by', () => {
    const [via] = readVias(parseMessage(replaced('Via', 'Via: SIP/2.0/UDP [2001:db8::1] : 5061 ;rport')).headers);
    expect([via?.host, via?.port]).toEqual(['2001:db8::1', 5061]);
  });
});

describe('the time a message costs', () => {
  const hostile: [string, Buffer][] = [
    ['white space in sent-by', replaced('Via', `Via: SIP/2.0/UDP x${' '.repeat(8000)}y`)],
    ['commas in a Via', replaced('Via', `Via: SIP/2.0/UDP x${','.repeat(8000)}`)],
    ['parameters', request([`Contact: <sip:a@b>${';a=b'.repeat(2000)}`])],
    ['open quotes', request([`Contact: ${'"\\'.repeat(4000)}`])],
    ['brackets', request([`Contact: ${'<'.repeat(8000)}`])],
    ['escapes', request([`Contact: <sip:${'%41'.repeat(2600)}@b>`])],
    ['empty folds', request([`X: ${'y'.repeat(8000)}${'\r\n '.repeat(7000)}`])],
    ['header lines', request(Array.from({ length: 10_000 }, () => 'a:'))],
    ['words', replaced('From', `From: ${'a '.repeat(4000)}<sip:a@b>`)],
  ];
  it.each(hostile)('stays in proportion to its length, with many %s', (_, bytes) => {
    const start = performance.now();
    for (let i = 0; i < 20; i += 1) {
      try {
        parseMessage(bytes);
      } catch (thrown) {
        expect(isSipParseError(thrown)).toBe(true);
      }
    }
    expect((performance.now() - start) / 20).toBeLessThan(25);
  });
});
