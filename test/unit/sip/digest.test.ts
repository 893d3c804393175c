import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type DigestAlgorithm, digestResponse, formatAuthValue, parseAuthValues } from '../../../src/sip/digest.js';
import { DigestChallenger, type DigestChallengerOptions } from '../../../src/sip/digest-server.js';
import { DigestClient } from '../../../src/sip/embedded/digest-client.js';
import { HeaderFields } from '../../../src/sip/embedded/message.js';
import { FakeClock } from '../../support/fake-clock.js';

const lifetimeMs = 60_000;
const register = { method: 'REGISTER', uri: 'sip:example.com' };

function challenge(status: 401 | 407, ...values: string[]) {
  const headers = new HeaderFields();
  for (const value of values) headers.add(status === 407 ? 'Proxy-Authenticate' : 'WWW-Authenticate', value);
  return { status, headers };
}

function parametersOf(value: string | undefined): Record<string, string> {
  const [first] = parseAuthValues(value ?? '') ?? [];
  return Object.fromEntries(first?.parameters ?? []);
}

describe('the digest response', () => {
  const mufasa = {
    user: 'Mufasa',
    realm: 'http-auth@example.org',
    password: 'Circle of Life',
    method: 'GET',
    uri: '/dir/index.html',
    nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
    qop: { nonceCount: '00000001', cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ' },
  };

  it.each<[DigestAlgorithm, string]>([
    ['MD5', '8ca523f5e9506fed4657c9700eebdbec'],
    ['SHA-256', '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1'],
  ])('is that of RFC 7616 §3.9.1 for %s', (algorithm, response) => {
    expect(digestResponse({ algorithm, ...mufasa })).toBe(response);
  });

  it('is that of RFC 2617 §3.5, and without qop that of RFC 2069', () => {
    const old = { ...mufasa, realm: 'testrealm@host.com', password: 'Circle Of Life', nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093' };
    expect(digestResponse({ algorithm: 'MD5', ...old, qop: { nonceCount: '00000001', cnonce: '0a4f113b' } })).toBe(
      '6629fae49393a05397450978507c4ef1',
    );
    const { qop: _, ...bare } = old;
    expect(digestResponse({ algorithm: 'MD5', ...bare })).toBe('670fd8c2df070c60b045671b8b24ff02');
  });

  it('uses SHA-512/256 as FIPS 180-4 has it, not a cut SHA-512', () => {
    expect(digestResponse({ algorithm: 'SHA-512-256', ...mufasa })).toHaveLength(64);
    expect(createHash('sha512-256').update('abc').digest('hex')).toBe('53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23');
  });
});

describe('reading challenges', () => {
  it('takes several from one line', () => {
    const values = parseAuthValues(
      'Digest realm="a, b", nonce="n=1\\"", qop="auth,auth-int" , Bearer abc.def-_~+/==, Basic realm=x,Negotiate',
    );
    expect(values?.map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)])).toEqual([
      ['Digest', { realm: 'a, b', nonce: 'n=1"', qop: 'auth,auth-int' }],
      ['Bearer', { token68: 'abc.def-_~+/==' }],
      ['Basic', { realm: 'x' }],
      ['Negotiate', {}],
    ]);
  });

  it.each([
    '',
    ',',
    'Digest realm="a',
    'Digest realm="a" nonce="b"',
    'Digest realm="a", realm="b"',
    'realm="a"',
    '"Digest"',
    'Digest realm="a";nonce="b"',
  ])('refuses %j', (text) => {
    expect(parseAuthValues(text)).toBeUndefined();
  });

  it('reads what was written, whatever the values hold', () => {
    const value = {
      scheme: 'Digest',
      parameters: new Map([
        ['realm', 'a "b" \\ c, d=e'],
        ['qop', 'auth'],
      ]),
    };
    expect(parseAuthValues(formatAuthValue(value, new Set(['qop'])))).toEqual([value]);
  });
});

describe('DigestClient', () => {
  const client = (realm?: string) =>
    new DigestClient({ user: 'alice', password: 'secret', ...(realm === undefined ? {} : { realm }) }, () => 'c0ffee');

  it('answers with quotes where the RFC has them and none where it has none', () => {
    const [line] =
      client().answer(challenge(401, 'Digest realm="a \\"b\\"", nonce="n1", qop="auth-int,auth", algorithm=MD5, opaque="o1"'), register) ??
      [];
    expect(line?.name).toBe('Authorization');
    expect(line?.value).toBe(
      'Digest username="alice", realm="a \\"b\\"", nonce="n1", uri="sip:example.com", ' +
        `response="${digestResponse({ algorithm: 'MD5', user: 'alice', realm: 'a "b"', password: 'secret', nonce: 'n1', qop: { nonceCount: '00000001', cnonce: 'c0ffee' }, ...register })}", ` +
        'algorithm=MD5, qop=auth, nc=00000001, cnonce="c0ffee", opaque="o1"',
    );
  });

  it('answers a proxy in Proxy-Authorization and a challenge without qop without counts', () => {
    const [line] = client().answer(challenge(407, 'Digest realm="p", nonce="n1"'), register) ?? [];
    expect(line?.name).toBe('Proxy-Authorization');
    expect(Object.keys(parametersOf(line?.value))).toEqual(['username', 'realm', 'nonce', 'uri', 'response']);
  });

  it.each([
    ['MD5 first', ['MD5', 'SHA-256', 'SHA-512-256']],
    ['MD5 last', ['SHA-512-256', 'SHA-256', 'MD5']],
  ])('takes the strongest challenge it speaks, %s', (_, order) => {
    const values = [
      'Digest realm="r", nonce="u", algorithm=SHA-1024',
      ...order.map((name) => `Digest realm="r", nonce="${name}", algorithm=${name}`),
    ];
    const [line, ...more] = client().answer(challenge(401, ...values), register) ?? [];
    expect(more).toEqual([]);
    expect(parametersOf(line?.value)['nonce']).toBe('SHA-512-256');
  });

  it('answers only its realm when it has one, and each realm once when it has none', () => {
    const two = challenge(407, 'Digest realm="a", nonce="1"', 'Digest realm="b", nonce="2"');
    expect(
      client('b')
        .answer(two, register)
        ?.map(({ value }) => parametersOf(value)['realm']),
    ).toEqual(['b']);
    expect(
      client()
        .answer(two, register)
        ?.map(({ value }) => parametersOf(value)['realm']),
    ).toEqual(['a', 'b']);
    expect(client('c').answer(two, register)).toBeUndefined();
  });

  it.each([
    'Basic realm="a"',
    'Digest realm="a"',
    'Digest nonce="a"',
    'Digest realm="a", nonce="b", qop="auth-conf"',
    'Digest realm="a", nonce="b", algorithm=MD5-sess',
    'nonsense "',
    '',
  ])('has no answer to %j', (value) => {
    expect(client().answer(challenge(401, value), register)).toBeUndefined();
  });

  it('gives up when the peer refuses the password, but not when the nonce was only stale', () => {
    const one = client();
    expect(one.answer(challenge(401, 'Digest realm="a", nonce="1", qop="auth"'), register)).toHaveLength(1);
    const again = one.answer(challenge(401, 'Digest realm="a", nonce="2", qop="auth", stale=TRUE'), register);
    expect(parametersOf(again?.[0]?.value)).toMatchObject({ nonce: '2', nc: '00000001' });
    expect(one.answer(challenge(401, 'Digest realm="a", nonce="3", qop="auth"'), register)).toBeUndefined();
  });

  it('counts up while it uses a nonce again, and starts at nothing', () => {
    const one = client();
    expect(one.authorise(register)).toEqual([]);
    one.answer(challenge(401, 'Digest realm="a", nonce="1", qop="auth"'), register);
    for (let i = 2; i < 17; i += 1) one.authorise(register);
    expect(parametersOf(one.authorise(register)[0]?.value)['nc']).toBe('00000011');
  });
});

describe('DigestChallenger', () => {
  function setUp(options: Partial<DigestChallengerOptions> = {}) {
    const clock = new FakeClock();
    const server = new DigestChallenger({ realm: 'gateway', nonceLifetimeMs: lifetimeMs, ...options }, { clock });
    const passwordOf = (user: string) => (user === 'alice' ? 'secret' : undefined);
    const verify = (authorization: readonly string[], request = register) =>
      server.verify({ method: request.method, requestUri: request.uri, authorization }, passwordOf);
    const authorised = (user: DigestClient, stale = false) =>
      (user.answer(challenge(401, ...server.challenges({ stale })), register) ?? []).map(({ value }) => value);
    return { clock, server, verify, authorised };
  }
  const alice = (password = 'secret', user = 'alice') => new DigestClient({ user, password });

  it('offers MD5 alone unless told otherwise, and the algorithms in their order when told', () => {
    expect(
      setUp()
        .server.challenges()
        .map((value) => parametersOf(value)['algorithm']),
    ).toEqual(['MD5']);
    const both = setUp({ algorithms: ['SHA-256', 'MD5'] });
    expect(
      both.server.challenges({ stale: true }).map((value) => [parametersOf(value)['algorithm'], parametersOf(value)['stale']]),
    ).toEqual([
      ['SHA-256', 'true'],
      ['MD5', 'true'],
    ]);
    expect(both.verify(both.authorised(alice()))).toEqual({ kind: 'accepted', user: 'alice' });
  });

  it('accepts the right password, again and again while the count rises', () => {
    const { verify, authorised } = setUp();
    const user = alice();
    expect(verify(authorised(user))).toEqual({ kind: 'accepted', user: 'alice' });
    for (let i = 0; i < 20; i += 1) expect(verify(user.authorise(register).map(({ value }) => value)).kind).toBe('accepted');
  });

  it.each([
    ['a wrong password', alice('Secret')],
    ['an unknown user', alice('secret', 'bob')],
    ['an empty password of an unknown user', alice('', 'bob')],
  ])('refuses %s', (_, user) => {
    const { verify, authorised } = setUp();
    expect(verify(authorised(user))).toEqual({ kind: 'refused', why: 'credentials' });
  });

  it('answers a replay with stale, and does not let it count', () => {
    const { verify, authorised } = setUp();
    const values = authorised(alice());
    expect(verify(values).kind).toBe('accepted');
    expect(verify(values)).toEqual({ kind: 'stale' });
  });

  it('answers an old nonce with stale only when the password is right', () => {
    const { clock, verify, authorised } = setUp();
    const right = authorised(alice());
    const wrong = authorised(alice('no'));
    clock.advance(lifetimeMs + 1);
    expect(verify(right)).toEqual({ kind: 'stale' });
    expect(verify(wrong)).toEqual({ kind: 'refused', why: 'credentials' });
  });

  it('takes no nonce it did not make: of another key, another realm, or altered', () => {
    const mine = setUp();
    const other = setUp();
    expect(mine.verify(other.authorised(alice()))).toEqual({ kind: 'refused', why: 'nonce' });
    const secret = Buffer.alloc(32, 1);
    const [first] = setUp({ secret, realm: 'elsewhere' }).server.challenges();
    const foreign = alice().answer(challenge(401, String(first).replace('elsewhere', 'gateway')), register) ?? [];
    expect(setUp({ secret }).verify(foreign.map(({ value }) => value))).toEqual({ kind: 'refused', why: 'nonce' });
  });

  it('holds the credentials to the method and the URI they were made for', () => {
    const { verify, authorised } = setUp();
    const user = alice();
    const values = authorised(user);
    expect(verify(values, { method: 'REGISTER', uri: 'sip:other.example.com' })).toEqual({ kind: 'refused', why: 'uri' });
    expect(verify(values, { method: 'INVITE', uri: 'sip:example.com' })).toEqual({ kind: 'refused', why: 'credentials' });
    expect(verify(values, { method: 'REGISTER', uri: 'sip:EXAMPLE.com' }).kind).toBe('accepted');
  });

  it('sees no credentials in other schemes and realms, and says so of unreadable ones', () => {
    const { verify } = setUp();
    expect(verify([])).toEqual({ kind: 'missing' });
    expect(verify(['Bearer abc', 'Digest realm="other", username="alice"', 'NoOneKnowsThisScheme opaque-data=here'])).toEqual({
      kind: 'missing',
    });
    expect(verify(['Digest realm="gateway'])).toEqual({ kind: 'malformed' });
    expect(verify(['Digest realm="gateway", username="alice"'])).toEqual({ kind: 'malformed' });
  });

  it('refuses an algorithm it did not offer and a count that is no count', () => {
    const { verify, authorised } = setUp();
    const [value] = authorised(alice());
    expect(verify([String(value).replace('algorithm=MD5', 'algorithm=SHA-256')])).toEqual({ kind: 'refused', why: 'algorithm' });
    expect(verify([String(value).replace('nc=00000001', 'nc=1')])).toEqual({ kind: 'malformed' });
    expect(verify([String(value).replace('qop=auth', 'qop=auth-int')])).toEqual({ kind: 'malformed' });
  });

  it('lets a client without qop use a nonce once', () => {
    const { server, verify } = setUp();
    const [offered] = server.challenges();
    const values = (alice().answer(challenge(401, String(offered).replace(', qop="auth"', '')), register) ?? []).map(({ value }) => value);
    expect(values[0]).not.toContain('qop');
    expect(verify(values).kind).toBe('accepted');
    expect(verify(values).kind).toBe('stale');
  });

  it('never lets a forgotten nonce be replayed, and keeps no more than it is told', () => {
    const { clock, verify, authorised } = setUp({ rememberedNonces: 3 });
    const used = Array.from({ length: 10 }, () => {
      clock.advance(1);
      const values = authorised(alice());
      expect(verify(values).kind).toBe('accepted');
      return values;
    });
    for (const values of used) expect(verify(values).kind).toBe('stale');
  });
});
