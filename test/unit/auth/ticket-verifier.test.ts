import { createHmac, generateKeyPairSync, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { Sites } from '../../../src/auth/site.js';
import { passingKey, signingKey, siteKey } from '../../../src/auth/ticket-keys.js';
import { audience, bank, Office, plain, shop, shopOrigin } from '../../support/ticket-office.js';

const hmacSecret = 'thirty-two bytes and some more of a shared secret';
const pair = generateKeyPairSync('ed25519');
const publicPem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();

interface Wish {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly expiresInSeconds?: number;
  readonly audience?: string;
}

/** An office that also takes tickets which the shop's back end signs, and a way to sign anything with its key. */
function shopOffice() {
  const office = new Office([siteKey('pk_shop', 'shop-1', 'EdDSA', publicPem), siteKey('pk_shop', 'shop-2', 'HS256', hmacSecret)]);
  const sign = ({ claims = {}, header = {}, expiresInSeconds = 60, audience: aud = audience }: Wish = {}, key = pair.privateKey) =>
    new SignJWT({ jti: randomUUID(), site: 'pk_shop', origin: [shopOrigin], to: 'sales', ...claims })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'shop-1', ...header })
      .setAudience(aud)
      .setExpirationTime(Math.floor(office.clock.wallMs() / 1000) + expiresInSeconds)
      .sign(key);
  return { office, sign };
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a ticket', () => {
  it('of the gateway itself is good for the page it was made for', async () => {
    const office = new Office();
    const { ticket } = await office.issuer.issue({ site: shop, to: 'sales', origins: [shopOrigin], subject: 'ann' });
    const verdict = await office.verifier.verify(ticket, shopOrigin);
    expect(verdict).toMatchObject({
      kind: 'good',
      ticket: { subject: 'ann', site: 'pk_shop', to: 'sales', maxSeconds: 600 },
      site: { key: 'pk_shop' },
    });
  });

  it('that ends within a second is remembered as used until nobody takes it any more', async () => {
    const { office } = shopOffice();
    const exp = office.clock.wallMs() / 1000 + 60.5;
    const signed = [
      { alg: 'HS256', kid: 'shop-2' },
      { jti: 'once', site: 'pk_shop', origin: [shopOrigin], to: 'sales', aud: audience, exp },
    ];
    const text = signed.map(encode).join('.');
    const token = `${text}.${createHmac('sha256', hmacSecret).update(text).digest('base64url')}`;
    const tried: (boolean | string)[] = [];
    for (const seconds of [0, 90.9, 0.1]) {
      office.clock.advance(seconds * 1000);
      const verdict = await office.verifier.verify(token, shopOrigin);
      tried.push(verdict.kind === 'good' ? office.verifier.use(verdict) : verdict.failure);
    }
    expect(tried).toEqual([true, false, 'ticket-expired']);
  });

  it('that a back end signed is good, by an Ed25519 key and by a shared secret', async () => {
    const { office, sign } = shopOffice();
    expect((await office.verifier.verify(await sign(), shopOrigin)).kind).toBe('good');
    const byHmac = await sign({ header: { alg: 'HS256', kid: 'shop-2' } }, Buffer.from(hmacSecret) as never);
    expect((await office.verifier.verify(byHmac, shopOrigin)).kind).toBe('good');
  });

  const stranger = generateKeyPairSync('ed25519').privateKey;
  const refusals: readonly (readonly [
    what: string,
    failure: string,
    make: (sign: ReturnType<typeof shopOffice>['sign']) => Promise<string> | string,
  ])[] = [
    ['signed by somebody else', 'ticket-invalid', (sign) => sign({}, stranger)],
    ['of a key nobody knows', 'ticket-invalid', (sign) => sign({ header: { kid: 'shop-9' } })],
    ['without the name of its key', 'ticket-invalid', (sign) => sign({ header: { kid: undefined } })],
    [
      'that names no algorithm at all',
      'ticket-invalid',
      () => `${encode({ alg: 'none', kid: 'shop-1' })}.${encode({ jti: '1', site: 'pk_shop' })}.`,
    ],
    [
      'whose HMAC was made with the public key',
      'ticket-invalid',
      (sign) => sign({ header: { alg: 'HS256', kid: 'shop-1' } }, Buffer.from(publicPem) as never),
    ],
    ['that names another gateway', 'ticket-invalid', (sign) => sign({ audience: 'https://other.example' })],
    ['without a number', 'ticket-invalid', (sign) => sign({ claims: { jti: undefined } })],
    ['without origins', 'ticket-invalid', (sign) => sign({ claims: { origin: [] } })],
    ['of another site than its key', 'ticket-invalid', (sign) => sign({ claims: { site: 'pk_bank', origin: ['https://bank.example'] } })],
    ['of a site that is none', 'ticket-invalid', (sign) => sign({ claims: { site: 'pk_none' } })],
    ['that is good for a year', 'ticket-invalid', (sign) => sign({ expiresInSeconds: 365 * 86_400 })],
    ['whose time is over', 'ticket-expired', (sign) => sign({ expiresInSeconds: -31 })],
    ['whose time has not come', 'ticket-expired', (sign) => sign({ claims: { nbf: 1_900_000_000 + 86_400 * 365 } })],
    ["that shows somebody else's number", 'ticket-invalid', (sign) => sign({ claims: { from: '+442079469999' } })],
    ['for another website', 'wrong-origin', (sign) => sign({ claims: { origin: ['https://elsewhere.example'] } })],
    ['that is longer than any', 'ticket-invalid', (sign) => sign({ claims: { more: 'x'.repeat(5_000) } })],
    ['that is none', 'ticket-invalid', () => 'three.little.words'],
    ['that is empty', 'ticket-invalid', () => ''],
  ];

  it.each(refusals)('%s is refused as %s', async (_what, failure, make) => {
    const { office, sign } = shopOffice();
    expect(await office.verifier.verify(await make(sign), shopOrigin)).toMatchObject({ kind: 'refused', failure });
  });

  it('cannot be used by a page of an origin the site does not have, whatever it says', async () => {
    const { office, sign } = shopOffice();
    const ticket = await sign({ claims: { origin: ['https://evil.example', shopOrigin, '*'] } });
    expect(await office.verifier.verify(ticket, 'https://evil.example')).toMatchObject({ failure: 'wrong-origin' });
    expect(await office.verifier.verify(ticket, undefined)).toMatchObject({ failure: 'wrong-origin' });
  });

  it('that was changed anywhere is never good, whatever it was changed to', async () => {
    const office = new Office();
    const { ticket } = await office.issuer.issue({ site: shop, to: 'sales', origins: [shopOrigin] });
    // The last character carries bits that stand for nothing.
    for (let at = 0; at < ticket.length - 1; at += 1) {
      for (const put of ['A', '9', '-', '.', '=', '\u0000']) {
        if (ticket[at] === put) continue;
        const changed = ticket.slice(0, at) + put + ticket.slice(at + 1);
        expect(await office.verifier.verify(changed, shopOrigin), changed).toMatchObject({ failure: 'ticket-invalid' });
      }
    }
  });

  it('that was signed with a key before the newest is good as long as that is kept', async () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const [old, newest] = [signingKey('2026-10', 'EdDSA', privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()), passingKey()];
    const { ticket } = await new Office([], old).issuer.issue({ site: shop, to: 'sales', origins: [shopOrigin] });
    expect((await new Office([old], newest).verifier.verify(ticket, shopOrigin)).kind).toBe('good');
    expect(await new Office([], newest).verifier.verify(ticket, shopOrigin)).toMatchObject({ failure: 'ticket-invalid' });
  });

  it('for any origin is good where none is told, as behind a SIP server of its own', async () => {
    const office = new Office([], passingKey(), new Sites([plain]));
    const { ticket } = await office.issuer.issue({ site: plain, to: 'desk', origins: plain.origins });
    for (const origin of [undefined, 'https://anywhere.example']) {
      expect(await office.verifier.verify(ticket, origin)).toMatchObject({ kind: 'good', ticket: { to: 'desk' } });
    }
    const bound = await office.issuer.issue({ site: plain, to: 'desk', origins: [shopOrigin] });
    expect(await office.verifier.verify(bound.ticket, undefined)).toMatchObject({ failure: 'wrong-origin' });
  });

  it('may be off by the skew of two clocks and no more', async () => {
    const { office, sign } = shopOffice();
    const ticket = await sign({ expiresInSeconds: 10 });
    office.clock.advance(39_000);
    expect((await office.verifier.verify(ticket, shopOrigin)).kind).toBe('good');
    office.clock.advance(1_000);
    expect(await office.verifier.verify(ticket, shopOrigin)).toMatchObject({ failure: 'ticket-expired' });
  });

  it('serves once, also while it is good for longer', async () => {
    const office = new Office();
    const { ticket } = await office.issuer.issue({ site: shop, to: 'sales', origins: [shopOrigin] });
    const first = await office.verifier.verify(ticket, shopOrigin);
    const second = await office.verifier.verify(ticket, shopOrigin);
    if (first.kind !== 'good' || second.kind !== 'good') throw new Error('both are good until one is used');
    expect([office.verifier.use(first), office.verifier.use(second)]).toEqual([true, false]);
    office.clock.advance(149_000);
    const third = await office.verifier.verify(ticket, shopOrigin);
    if (third.kind !== 'good') throw new Error('it is good within the skew');
    expect(office.verifier.use(third)).toBe(false);
  });

  it('leads to the number behind its name, and to no other', async () => {
    const { office, sign } = shopOffice();
    const good = async (to: string) => {
      const verdict = await office.verifier.verify(await sign({ claims: { to } }), shopOrigin);
      if (verdict.kind !== 'good') throw new Error('it is good');
      return verdict;
    };
    const { verifier } = office;
    expect(verifier.destination(await good('sales'), 'sales')).toEqual({ number: '+442079460018', alias: 'sales' });
    expect(verifier.destination(await good('+4930901820'), '+4930901820')).toEqual({ number: '+4930901820' });
    expect(verifier.destination(await good('+49 (30) 90-18.20'), '+4930901820')).toEqual({ number: '+4930901820' });
    for (const called of ['service', '+442079460018', '', '+1900555'])
      expect(verifier.destination(await good('sales'), called)).toBeUndefined();
    expect(verifier.destination(await good('nowhere'), 'nowhere')).toBeUndefined();
  });

  it('of an older key is good as long as the key is listed, and new ones come of the first', async () => {
    const [older, newer] = [signingKey('old', 'HS256', hmacSecret), passingKey()];
    const before = new Office([], older);
    const { ticket } = await before.issuer.issue({ site: bank, to: 'advice', origins: bank.origins });
    expect((await new Office([older], newer).verifier.verify(ticket, bank.origins[0])).kind).toBe('good');
    expect(await new Office([], newer).verifier.verify(ticket, bank.origins[0])).toMatchObject({ failure: 'ticket-invalid' });
  });
});

describe('a key', () => {
  it('is refused when it is too short or of another kind', () => {
    expect(() => signingKey('k', 'HS256', 'short')).toThrow(/needs at least 32/);
    expect(() => signingKey('k', 'EdDSA', 'no PEM')).toThrow(/cannot be read/);
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    expect(() => signingKey('k', 'EdDSA', rsa)).toThrow(/no Ed25519 key/);
  });

  it('made by hand as HMAC of the same words is what the verifier takes', async () => {
    const { office } = shopOffice();
    const exp = Math.floor(office.clock.wallMs() / 1000) + 60;
    const body = `${encode({ alg: 'HS256', kid: 'shop-2' })}.${encode({ jti: '1', site: 'pk_shop', origin: shopOrigin, to: 'sales', aud: audience, exp })}`;
    const token = `${body}.${createHmac('sha256', hmacSecret).update(body).digest('base64url')}`;
    expect((await office.verifier.verify(token, shopOrigin)).kind).toBe('good');
  });
});
