import { describe, expect, it } from 'vitest';
import { formatNameAddress, parseNameAddress, parseNameAddressList } from '../../../src/sip/name-address.js';

describe('reading an address', () => {
  it.each([
    ['<sip:a@b>', undefined, 'sip:a@b', []],
    ['sip:a@b;tag=1', undefined, 'sip:a@b', [['tag', '1']]],
    [
      'sip:a@b ; tag = 1 ; x',
      undefined,
      'sip:a@b',
      [
        ['tag', '1'],
        ['x', ''],
      ],
    ],
    ['Anna B. <sip:a@b;lr>;tag=1', 'Anna B.', 'sip:a@b;lr', [['tag', '1']]],
    ['"Bell, \\"A\\"" <sip:a@b>;q=0.5', 'Bell, "A"', 'sip:a@b', [['q', '0.5']]],
    ['"a > b ; c" <sip:a@b>', 'a > b ; c', 'sip:a@b', []],
    ['<tel:+15550123456>', undefined, 'tel:+15550123456', []],
    [
      'sip:a@b;+sip.instance="<urn:uuid:1>";reg-id=1',
      undefined,
      'sip:a@b',
      [
        ['+sip.instance', '<urn:uuid:1>'],
        ['reg-id', '1'],
      ],
    ],
    ['<sip:a@b>;received="sip:192.0.2.1:5060;transport=ws"', undefined, 'sip:a@b', [['received', 'sip:192.0.2.1:5060;transport=ws']]],
    ['<sip:a@b?Route=%3Csip:c%3E,x>', undefined, 'sip:a@b?Route=%3Csip:c%3E,x', []],
  ])('%s', (text, displayName, uri, parameters) => {
    expect(parseNameAddress(text)).toEqual({
      ...(displayName === undefined ? {} : { displayName }),
      uri,
      parameters: new Map(parameters as [string, string][]),
    });
  });

  it.each([
    '',
    '<',
    '<>',
    '"a <sip:a@b>',
    '"a" sip:a@b',
    'Bell, A <sip:a@b>',
    '< sip:a@b>',
    '<sip:a@b',
    '<sip:a@b>x',
    '<sip:a@b>;',
    '<sip:a@b>;;x',
    '<sip:a@b>;x=',
    '<sip:a@b>;x="',
    '<sip:a@b>;x=1 2',
    'sip:a@b?x=y',
    'sip:a,b@c',
    'sip:a@b x',
    'a@b',
    '<sip:a@b> <sip:c@d>',
  ])('refuses %j', (text) => {
    expect(parseNameAddress(text)).toBeUndefined();
  });

  it('splits a list at the commas outside quotes and brackets', () => {
    const list = parseNameAddressList('"a, b" <sip:a,b@c>;x="1,2" , <sip:d@e>,sip:f@g;expires=5');
    expect(list?.map(({ uri }) => uri)).toEqual(['sip:a,b@c', 'sip:d@e', 'sip:f@g']);
    expect(list?.[0]?.parameters.get('x')).toBe('1,2');
  });

  it.each(['<sip:a@b>,', ',<sip:a@b>', '<sip:a@b>,,<sip:c@d>', '<sip:a@b', '"a'])('refuses the list %j', (text) => {
    expect(parseNameAddressList(text)).toBeUndefined();
  });
});

describe('writing an address', () => {
  it.each(['plain', 'a "quoted" \\ name', 'Bell, Alexander', '<sip:evil@x>', 'Аня', ''])(
    'carries the display name %j unchanged',
    (displayName) => {
      const value = {
        displayName,
        uri: 'sip:a@b;lr',
        parameters: new Map([
          ['tag', 'x1'],
          ['lr', ''],
          ['note', 'a;b "c"'],
        ]),
      };
      const again = parseNameAddress(formatNameAddress(value));
      expect(again).toEqual(displayName === '' ? { uri: value.uri, parameters: value.parameters } : value);
    },
  );
});
