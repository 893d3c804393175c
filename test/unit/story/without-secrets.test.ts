import { describe, expect, it } from 'vitest';
import { formsOf, withoutNumbers } from '../../../src/story/without-numbers.js';
import { withoutSecrets } from '../../../src/story/without-secrets.js';

const message = (start: string, headers: readonly string[], body = ''): string =>
  [start, ...headers, `Content-Length: ${body.length}`, '', body].join('\r\n');

describe('secrets of a SIP message', () => {
  it('leave the credentials of a digest, and who tried to log in stays', () => {
    const digest =
      'Digest username="shop", realm="carrier, inc", nonce="n0nce", uri="sip:x", response="0123456789abcdef", cnonce="c", qop=auth, nc=00000001, opaque="o,p"';
    const clean = withoutSecrets(message('INVITE sip:x SIP/2.0', [`Authorization: ${digest}`, `proxy-authorization :${digest}`]));
    const kept = 'Digest username="shop", realm="carrier, inc", uri="sip:x", qop=auth, nc=00000001, removed="yes"';
    expect(clean).toContain(`\r\nAuthorization: ${kept}\r\n`);
    expect(clean).toContain(`\r\nproxy-authorization :${kept}\r\n`);
    for (const secret of ['n0nce', '0123456789abcdef', 'cnonce', 'opaque']) expect(clean).not.toContain(secret);
  });

  it.each([
    ['a ticket', 'Authorization: Bearer eyJ.ticket.sig', 'Authorization: Bearer removed="yes"'],
    ['a folded header', 'Authorization: Bearer\r\n eyJ.ticket.sig', 'Authorization: Bearer removed="yes"'],
    ['the token of the call', 'X-Call-Token: t0ken', 'X-Call-Token: removed'],
    ['any header that is called a secret', 'X-Shop-Secret-Key: ticket', 'X-Shop-Secret-Key: removed'],
    ['what proves the server', 'Authentication-Info: rspauth="ticket"', 'Authentication-Info: removed="yes"'],
    ['a cookie', 'Cookie: session=ticket', 'Cookie: removed'],
  ])('leave with %s', (_, header, clean) => {
    const kept = withoutSecrets(message('INVITE sip:x SIP/2.0', ['Via: SIP/2.0/UDP a', header, 'To: <sip:b>']));
    expect(kept).toBe(message('INVITE sip:x SIP/2.0', ['Via: SIP/2.0/UDP a', clean, 'To: <sip:b>']));
  });

  it('leave also when they are written so that nobody can read them', () => {
    for (const header of [
      'Authorization: t0ken',
      'Authorization:',
      'Authorization: Digest',
      'Authorization : Digest uri="open, response="t0ken',
    ]) {
      expect(withoutSecrets(message('INVITE sip:x SIP/2.0', [header]))).not.toMatch(/t0ken/);
    }
    const folded = 'Authorization: Digest username="a",\r\n response="t0ken",\r\n\tnonce="t0ken"';
    expect(withoutSecrets(message('INVITE sip:x SIP/2.0', [folded, 'To: <sip:b>']))).toBe(
      message('INVITE sip:x SIP/2.0', ['Authorization: Digest username="a", removed="yes"', 'To: <sip:b>']),
    );
  });

  it('are looked for in a time that grows with the message only, whatever it says', () => {
    const hostile = [
      `x-${'token'.repeat(12_000)}`,
      `Authorization: Digest ${'"\\"'.repeat(20_000)}`,
      `Authorization: Digest ${'a=",'.repeat(15_000)}`,
      `X-${' '.repeat(60_000)}`,
    ];
    const began = performance.now();
    for (const line of hostile) withoutNumbers(withoutSecrets(message('INVITE sip:x SIP/2.0', [line])), formsOf(['+442079460018']));
    for (const text of ['sip:1'.repeat(12_000), `sip:${'1'.repeat(60_000)}`, '"1 '.repeat(20_000), `"${'1 '.repeat(30_000)}`])
      withoutNumbers(text, []);
    expect(performance.now() - began).toBeLessThan(500);
  });

  it('leave keys and passwords of a session description, at the same length, and its fingerprint stays', () => {
    const sdp = [
      'v=0',
      'k=clear:pa55',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20',
      'a=ice-ufrag:8hhY',
      'a=ice-pwd:asd88fgpdd777uzjYhagZg',
      'a=fingerprint:sha-256 AB:CD',
      '',
    ].join('\r\n');
    const clean = withoutSecrets(message('INVITE sip:x SIP/2.0', ['Content-Type: application/sdp'], sdp));
    expect(clean).toHaveLength(message('INVITE sip:x SIP/2.0', ['Content-Type: application/sdp'], sdp).length);
    for (const secret of ['pa55', 'WVNfX19z', 'asd88fgp']) expect(clean).not.toContain(secret);
    for (const kept of ['a=ice-ufrag:8hhY', 'a=fingerprint:sha-256 AB:CD', '|2^20', 'a=ice-pwd:xxxx']) expect(clean).toContain(kept);
  });

  it.each([
    ['application/dtmf-relay', 'Signal=7\r\nDuration=160\r\n', 'Signal=?\r\nDuration=160\r\n'],
    ['application/dtmf-relay', 'signal = 11\r\nDuration= 160', 'signal = ??\r\nDuration= 160'],
    ['application/dtmf', '7', '?'],
    ['application/vnd.nortelnetworks.digits', 'p=Digit-Collection\r\n', '??????????????????\r\n'],
  ])('leave with the keys of an INFO of %s', (type, body, clean) => {
    const headers = [`Content-Type: ${type}`];
    expect(withoutSecrets(message('INFO sip:x SIP/2.0', headers, body))).toBe(message('INFO sip:x SIP/2.0', headers, clean));
  });

  it('are none in other messages, which stay as they are', () => {
    const plain = message(
      'SIP/2.0 401 Unauthorized',
      ['WWW-Authenticate: Digest realm="a", nonce="b"', 'Identity: a.b.c;info=<x>'],
      'Signal=7',
    );
    expect(withoutSecrets(plain)).toBe(plain);
    expect(withoutSecrets('\r\n\r\n')).toBe('\r\n\r\n');
    expect(withoutSecrets('INVITE')).toBe('INVITE');
  });
});

describe('numbers of a SIP message', () => {
  it.each([
    ['the Request-URI', 'INVITE sip:+442079460018@h SIP/2.0\r\n', 'INVITE sip:+44********18@h SIP/2.0\r\n'],
    ['an address with a name', 'From: "020 7946 0018" <sips:02079460018@h>;tag=1', 'From: "02*********18" <sips:02*******18@h>;tag=1'],
    ['a tel URI, where an asterisk is no digit', 'To: <tel:+442079460018;ext=1>', 'To: <tel:+44........18;ext=1>'],
    ['parameters of the user part', 'To: <sip:+442079460018;npdi@h>', 'To: <sip:+44********18;npdi@h>'],
    ['an escaped plus', 'To: <sip:%2B442079460018@h>', 'To: <sip:%2B44********18@h>'],
    ['a number with separators', 'To: <sip:+44-20-7946-0018@h>', 'To: <sip:+44***********18@h>'],
    ['the claims of a signed identity', 'Identity: eyJh.eyJkZXN0.c2ln;info=<https://x>', 'Identity: eyJh.xxxxxxxx.c2ln;info=<https://x>'],
  ])('are masked in %s', (_, text, masked) => {
    expect(withoutNumbers(text, [])).toBe(masked);
    expect(withoutNumbers(text, [])).toHaveLength(text.length);
  });

  it('are masked wherever the numbers of the call stand, in every form', () => {
    const known = formsOf(['+442079460018', '100', 'demo']);
    const text = 'Call-ID: 442079460018-abc\r\nX-Info: dialled 02079460018 and 2079460018\r\nSubject: for demo on 100\r\n';
    const masked = withoutNumbers(text, known);
    expect(masked).toHaveLength(text.length);
    expect(masked).not.toMatch(/7946/);
    expect(masked).toContain('for demo on 100');
  });

  it('are not seen in what only looks like them', () => {
    const text =
      'Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1234567890\r\nTo: <sip:demo@h>\r\nTo: <sip:100@h>\r\no=- 2890844526 1 IN IP4 h';
    expect(withoutNumbers(text, formsOf(['+442079460018']))).toBe(text);
  });
});
