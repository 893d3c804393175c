import { describe, expect, it } from 'vitest';
import {
  escapeUser,
  formatSipUri,
  isUriText,
  parseSipUri,
  parseTelUri,
  percentDecode,
  phoneNumberOf,
  sameUri,
  userOf,
} from '../../../src/sip/uri.js';

describe('reading a sip URI', () => {
  it('takes all its parts', () => {
    expect(parseSipUri('sips:alice:secret@example.com:5061;transport=tcp;lr?subject=hi&to=a%40b')).toEqual({
      scheme: 'sips',
      user: 'alice',
      password: 'secret',
      host: 'example.com',
      port: 5061,
      parameters: new Map([
        ['transport', 'tcp'],
        ['lr', ''],
      ]),
      headers: new Map([
        ['subject', 'hi'],
        ['to', 'a%40b'],
      ]),
    });
  });

  it.each([
    ['sip:example.com', undefined, 'example.com', undefined],
    ['SIP:bob@example.com', 'bob', 'example.com', undefined],
    ['sip:+15550123456@[2001:db8::1]:5060', '+15550123456', '2001:db8::1', 5060],
    ['sip:192.0.2.1:0', undefined, '192.0.2.1', 0],
    ['sip:a;b=c?d@example.com', 'a;b=c?d', 'example.com', undefined],
    ['sip:under_score.example.com', undefined, 'under_score.example.com', undefined],
  ])('%s', (text, user, host, port) => {
    const uri = parseSipUri(text);
    expect([uri?.user, uri?.host, uri?.port]).toEqual([user, host, port]);
  });

  it.each([
    'sip:',
    'sip:@example.com',
    'sip:a@b@example.com',
    'sip:bob@',
    'sip:bob@exam ple.com',
    'sip:bob@example.com:65536',
    'sip:bob@example.com:',
    'sip:bob@example.com:+80',
    'sip:bob@example.com;',
    'sip:bob@example.com;;lr',
    'sip:bob@example.com;=x',
    'sip:bob@example.com;lr=',
    'sip:bob@example.com?',
    'sip:bob@example.com?subject',
    'sip:b#b@example.com',
    'sip:b%4@example.com',
    'sip:b%4gb@example.com',
    'sip:b"b@example.com',
    'sip:[2001:db8::1',
    'sip:[2001:db8::1]x',
    'sip:[example.com]',
    'sip:2001:db8::1',
    'sip:bé@example.com',
    'tel:+15550123456',
  ])('refuses %s', (text) => {
    expect(parseSipUri(text)).toBeUndefined();
  });

  it.each([
    'sip:alice:secret@example.com:5061;transport=tcp;lr?subject=hi&to=a%40b',
    'sips:[2001:db8::1]:5061',
    'sip:%23alice@example.com;maddr=239.255.255.1;ttl=15',
    'sip:alice@example.com?route=',
  ])('writes %s back as it was', (text) => {
    const uri = parseSipUri(text);
    expect(uri && formatSipUri(uri)).toBe(text);
  });
});

describe('comparing URIs', () => {
  it.each([
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;newparam=5'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    ['sip:alice@atlanta.com?subject=project%20x&priority=urgent', 'sip:alice@atlanta.com?priority=urgent&subject=project%20x'],
    ['tel:+1-555-012-3456', 'tel:+15550123456'],
    ['tel:7042;phone-context=Example.com', 'tel:7042;phone-context=example.com'],
  ])('%s is the same as %s', (a, b) => {
    expect([sameUri(a, b), sameUri(b, a)]).toEqual([true, true]);
  });

  it.each([
    ['sip:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sips:bob@biloxi.com'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:a:x@example.com', 'sip:a:y@example.com'],
    ['sip:bob@example.com;user=phone', 'sip:bob@example.com'],
    ['sip:null-%00-null@example.com', 'sip:null-null@example.com'],
    ['tel:+15550123456', 'tel:+15550123457'],
    ['tel:+15550123456', 'sip:+15550123456@example.com'],
  ])('%s differs from %s', (a, b) => {
    expect([sameUri(a, b), sameUri(b, a)]).toEqual([false, false]);
  });
});

describe('the user of a URI', () => {
  it.each([
    ['sip:%23alice@example.com', '#alice'],
    ['sip:caf%C3%A9@example.com', 'café'],
    ['tel:+1-(555)-012.3456;ext=5', '+15550123456'],
    ['sip:example.com', undefined],
    ['isbn:2983792873', undefined],
  ])('%s is %s', (text, user) => {
    expect(userOf(text)).toBe(user);
  });

  it.each([
    ['sip:+1-555-012-3456;phone-context=x@example.com;user=phone', '+15550123456'],
    ['sip:*21%23@example.com', '*21#'],
    ['tel:*21%23', '*21#'],
    ['tel:7042;phone-context=example.com', '7042'],
    ['sip:alice@example.com', undefined],
    ['sip:1alice@example.com', undefined],
  ])('%s names the number %s', (text, number) => {
    expect(phoneNumberOf(text)).toBe(number);
  });

  it.each(['tel:', 'tel:+', 'tel:abc xyz', 'tel:+1555x', 'tel:555;', 'tel:%zz'])('%s is no telephone URI', (text) => {
    expect(parseTelUri(text)).toBeUndefined();
  });

  it('is escaped where the grammar asks for it, # and @ and % above all', () => {
    expect(escapeUser('+15550123456')).toBe('+15550123456');
    expect(escapeUser('*21#')).toBe('*21%23');
    expect(escapeUser('a@b:c;d?e%41 é"<>')).toBe('a%40b%3Ac%3Bd%3Fe%2541%20%C3%A9%22%3C%3E');
  });

  it('comes back from its escaped form whatever it holds', () => {
    for (let code = 1; code < 0x3000; code += 1) {
      const user = `x${String.fromCodePoint(code)}`;
      expect(parseSipUri(`sip:${escapeUser(user)}@example.com`)).toBeDefined();
      expect(userOf(`sip:${escapeUser(user)}@example.com`)).toBe(user);
    }
  });

  it('is not unescaped when an escape is broken', () => {
    expect([percentDecode('%4'), percentDecode('%zz'), percentDecode('%41%'), percentDecode('%41')]).toEqual([
      undefined,
      undefined,
      undefined,
      'A',
    ]);
  });
});

describe('URI text of any scheme', () => {
  it.each(['http://www.example.com', 'urn:service:sos', 'name:John_Smith', 'soap.beep://192.0.2.103:3002'])('%s stands', (text) => {
    expect(isUriText(text)).toBe(true);
  });
  it.each(['', 'sip', ':x', 'sip:', 'a b:c', 'sip:a b', 'sip:<a>', 'sip:a\r\nb', 'sip:a"b'])('%j does not', (text) => {
    expect(isUriText(text)).toBe(false);
  });
});
