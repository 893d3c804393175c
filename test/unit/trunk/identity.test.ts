import { describe, expect, it } from 'vitest';
import type { CallIdentity } from '../../../src/call/request.js';
import { incomingIdentity } from '../../../src/trunk/incoming-identity.js';
import { defaultIdentity, type IdentityRules, type TrunkOptions } from '../../../src/trunk/options.js';
import { outgoingIdentity } from '../../../src/trunk/outgoing-identity.js';
import { headersOf } from '../../support/fake-sip.js';
import { trunk } from '../call/scene.js';

const place = { scheme: 'sip', host: 'us.example' } as const;

function told(
  rules: Partial<IdentityRules>,
  from: { number: string; displayName?: string },
  identity?: CallIdentity,
  more: Partial<TrunkOptions> = {},
) {
  const one = { ...trunk, ...more, identity: { ...defaultIdentity, ...rules } };
  return outgoingIdentity(one, { from, ...(identity === undefined ? {} : { identity }) }, place);
}

describe('what a carrier is told of the caller', () => {
  const ann = { number: '+15550142', displayName: 'Ann "Q"' };

  it('is the caller in From, and nothing else, where the trunk says nothing', () => {
    expect(told({}, ann)).toEqual({ from: { displayName: 'Ann "Q"', uri: 'sip:+15550142@us.example' }, headers: [] });
  });

  it.each(['P-Asserted-Identity', 'P-Preferred-Identity'] as const)('stands in %s, its name quoted', (header) => {
    expect(told({ header }, ann).headers).toEqual([[header, String.raw`"Ann \"Q\"" <sip:+15550142@us.example>`]]);
  });

  it('is the number of the trunk for a caller without one', () => {
    expect(told({ header: 'P-Asserted-Identity' }, { number: 'guest' })).toEqual({
      from: { uri: 'sip:+15550199@us.example' },
      headers: [['P-Asserted-Identity', '<sip:+15550199@us.example>']],
    });
  });

  it('is a caller who asked not to be shown: hidden in From, asserted to the carrier alone', () => {
    expect(told({ header: 'P-Asserted-Identity' }, ann, { anonymous: true })).toEqual({
      from: { displayName: 'Anonymous', uri: 'sip:anonymous@anonymous.invalid' },
      headers: [
        ['P-Asserted-Identity', '<sip:+15550142@us.example>'],
        ['Privacy', 'id'],
      ],
    });
  });

  it('leaves the number of a hidden caller out altogether where nothing is asserted', () => {
    expect(JSON.stringify(told({}, ann, { anonymous: true }))).not.toContain('15550142');
  });

  it('is the account in From for a carrier that knows us by it, hidden caller or not', () => {
    const register = { user: 'acc#1', domain: 'carrier.example', expiresSeconds: 600 };
    const rules = { from: 'account', header: 'P-Preferred-Identity' } as const;
    expect(told(rules, ann, {}, { register }).from.uri).toBe('sip:acc%231@us.example');
    expect(told(rules, ann, { anonymous: true }, { register })).toEqual({
      from: { uri: 'sip:acc%231@us.example' },
      headers: [
        ['P-Preferred-Identity', '<sip:+15550142@us.example>'],
        ['Privacy', 'id'],
      ],
    });
  });

  it('is the number of the trunk in From where the trunk wants it so', () => {
    expect(told({ from: 'trunk' }, ann).from.uri).toBe('sip:+15550199@us.example');
  });

  it('has no name where the trunk wants none, nor line breaks or endless names', () => {
    expect(told({ displayName: false }, ann).from.displayName).toBeUndefined();
    expect(told({}, { number: '+15550142', displayName: 'A\r\nVia: x\u0000' }).from.displayName).toBe('A Via: x');
    expect(told({}, { number: '+15550142', displayName: 'x'.repeat(500) }).from.displayName).toHaveLength(64);
    expect(told({}, { number: '+15550142', displayName: '\t ' }).from.displayName).toBeUndefined();
  });

  it('has the history of a forwarded call only as far as the trunk’s policy passes it', () => {
    const identity: CallIdentity = {
      diversion: ['<sip:+15550111@a.example>;reason=no-answer', 'evil\r\nVia: x'],
      historyInfo: ['<sip:b@b.example>;index=1'],
      signed: ['token;info=<https://c.example>'],
    };
    expect(told({}, ann, identity).headers).toEqual([]);
    expect(told({ diversion: true }, ann, identity).headers).toEqual([['Diversion', '<sip:+15550111@a.example>;reason=no-answer']]);
    expect(told({ historyInfo: true, signed: true }, ann, identity).headers.map(([name]) => name)).toEqual(['History-Info', 'Identity']);
  });

  it('prefers what a trunk asserted to what was shown', () => {
    expect(told({}, { number: 'anonymous' }, { asserted: { number: '+15550177' } }).from.uri).toBe('sip:+15550177@us.example');
  });
});

describe('who a carrier says is calling', () => {
  const read = (from: string, headers: readonly (readonly [string, string])[], displayName?: string, more: Partial<TrunkOptions> = {}) =>
    incomingIdentity(
      { headers: headersOf(headers), from: { uri: from, ...(displayName === undefined ? {} : { displayName }) } },
      { ...trunk, ...more },
    );

  it('is the asserted number before From, sip or tel, the first that is a number', () => {
    const pai = ['P-Asserted-Identity', '"Ann" <sip:ann@a.example>, <tel:+1-555-0142>'] as const;
    expect(read('sip:+15550100@a.example', [pai]).from).toEqual({ number: '+15550142' });
    expect(read('sip:+15550100@a.example', [], 'Bob').from).toEqual({ number: '+15550100', displayName: 'Bob' });
  });

  it.each(['id', 'header;user', 'user ; critical', 'ID'])(
    'is nobody under Privacy: %s, though what was asserted stays known',
    (privacy) => {
      const pai = ['P-Asserted-Identity', '"Ann" <sip:+15550142@a.example>'] as const;
      expect(read('sip:+15550142@a.example', [pai, ['Privacy', privacy]], 'Ann')).toMatchObject({
        from: { number: 'anonymous' },
        identity: { anonymous: true, asserted: { number: '+15550142', displayName: 'Ann' } },
      });
      expect(read('sip:+15550142@a.example', [pai, ['Privacy', privacy]], 'Ann').from.displayName).toBeUndefined();
    },
  );

  it.each(['none', 'session', 'critical'])('is shown under Privacy: %s', (privacy) => {
    expect(read('sip:+15550142@a.example', [['Privacy', privacy]]).from.number).toBe('+15550142');
  });

  it('is nobody when From says so, even with a number asserted', () => {
    const pai = ['P-Asserted-Identity', '<sip:+15550142@a.example>'] as const;
    for (const from of ['sip:anonymous@anonymous.invalid', 'sip:Anonymous@carrier.example', 'sip:x@Anonymous.Invalid']) {
      expect(read(from, [pai]).from, from).toEqual({ number: 'anonymous' });
    }
    expect(read('sip:name@carrier.example', []).from).toEqual({ number: 'anonymous' });
  });

  it('is completed with the country of the trunk', () => {
    const numberPlan = { countryCode: '44', nationalPrefix: '0', internationalPrefix: '00' };
    expect(read('sip:01632960123@a.example', [], undefined, { numberFormat: 'national', numberPlan }).from.number).toBe('+441632960123');
  });

  it('keeps the call’s way here for others, and survives headers that cannot be read', () => {
    const { identity, from } = read('sip:+15550100@a', [
      ['Diversion', '<sip:1@a>'],
      ['History-Info', '<sip:2@a>;index=1'],
      ['Identity', 'x'],
      ['P-Asserted-Identity', '<<<'],
    ]);
    expect(identity).toEqual({ diversion: ['<sip:1@a>'], historyInfo: ['<sip:2@a>;index=1'], signed: ['x'] });
    expect(from.number).toBe('+15550100');
  });
});

describe('identity from anywhere', () => {
  const pieces = [
    '<',
    '>',
    '"',
    ';',
    ',',
    ':',
    '@',
    '%',
    '%4',
    '%00',
    'sip:',
    'tel:',
    '+1555',
    '#',
    ' ',
    '\t',
    '\r\n',
    '\u0000',
    'é',
    '\\',
    '?',
    '=',
    'id',
    'x.example',
    '[::1]',
    '<sip:+15550142@x.example>',
    '<tel:+15550142>',
  ];

  it('is read without a fault, and told on one line, whatever it is made of', () => {
    let seed = 1;
    const next = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((seed / 2 ** 31) * below);
    };
    const junk = (): string => Array.from({ length: next(12) }, () => pieces[next(pieces.length)]).join('');
    let shown = 0;
    for (let round = 0; round < 5_000; round += 1) {
      const headers = headersOf([]);
      const lines = [junk(), junk()];
      const message = {
        headers: { get: () => lines[0], all: (name: string) => (name === 'Privacy' && round % 2 === 0 ? [] : lines) } as typeof headers,
        from: { uri: junk(), displayName: junk() },
      };
      const { from, identity } = incomingIdentity(message, trunk);
      if (from.number !== 'anonymous') shown += 1;
      const rules = { header: 'P-Asserted-Identity', diversion: true, historyInfo: true, signed: true } as const;
      const sent = told(rules, { ...from, displayName: junk() }, identity);
      for (const text of [sent.from.uri, sent.from.displayName ?? '', ...sent.headers.flat()]) expect(text).not.toMatch(/[\r\n\0]/);
    }
    expect(shown).toBeGreaterThan(10);
  });
});
