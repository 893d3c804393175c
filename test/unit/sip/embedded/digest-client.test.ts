import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { digestResponse, parseAuthValues } from '../../../../src/sip/digest.js';
import { ChallengeRetry } from '../../../../src/sip/embedded/challenge-retry.js';
import { DigestClient } from '../../../../src/sip/embedded/digest-client.js';
import { HeaderFields, type SipResponseMessage } from '../../../../src/sip/embedded/message.js';

const target = { method: 'INVITE', uri: 'sip:b@example.com', body: 'v=0\r\n' };

function response(status: number, ...lines: readonly (readonly [name: string, value: string])[]): SipResponseMessage {
  const headers = new HeaderFields();
  for (const [name, value] of lines) headers.add(name, value);
  return { kind: 'response', status, reason: '', headers, body: Buffer.alloc(0) };
}

const askedBy = (value: string): SipResponseMessage => response(401, ['WWW-Authenticate', value]);
const askedByProxy = (value: string): SipResponseMessage => response(407, ['Proxy-Authenticate', value]);

function setUp(realm?: string) {
  const digest = new DigestClient({ user: 'alice', password: 'secret', ...(realm === undefined ? {} : { realm }) }, () => 'c0ffee');
  const retry = new ChallengeRetry(digest, target);
  const sent = () => {
    const headers = new HeaderFields();
    retry.addTo(headers);
    return [...headers].map(({ name, value }) => ({ name, ...Object.fromEntries(parseAuthValues(value)?.[0]?.parameters ?? []) }));
  };
  return { digest, retry, sent };
}

describe('answering challenges', () => {
  it('protects the body where the server wants nothing less, and an empty one when there is none', () => {
    const md5 = (text: string) => createHash('md5').update(text).digest('hex');
    const inner = (body: string) => md5(`INVITE:sip:b@example.com:${md5(body)}`);
    const expected = (body: string) => md5(`${md5('alice:r:secret')}:n:00000001:c0ffee:auth-int:${inner(body)}`);
    const { retry, sent } = setUp();
    expect(retry.takes(askedBy('Digest realm="r", nonce="n", qop="auth-int"'))).toBe(true);
    expect(sent()).toMatchObject([{ qop: 'auth-int', nc: '00000001', response: expected('v=0\r\n') }]);
    const { body: _, ...bare } = target;
    const [line] = setUp().digest.answer(askedBy('Digest realm="r", nonce="n", qop="auth-int"'), bare) ?? [];
    expect(line?.value).toContain(`response="${expected('')}"`);
  });

  it('leaves the body alone where it may', () => {
    const { retry, sent } = setUp();
    retry.takes(askedBy('Digest realm="r", nonce="n", qop="auth-int, auth"'));
    expect(sent()).toMatchObject([{ qop: 'auth' }]);
  });

  it('answers proxy and peer with one request, each under its own header', () => {
    const { retry, sent } = setUp();
    expect(retry.takes(askedByProxy('Digest realm="proxy", nonce="p1", qop="auth", algorithm=SHA-256'))).toBe(true);
    expect(retry.takes(askedBy('Digest realm="peer", nonce="u1"'))).toBe(true);
    expect(sent()).toMatchObject([
      { name: 'Proxy-Authorization', realm: 'proxy', nonce: 'p1', nc: '00000002', algorithm: 'SHA-256' },
      { name: 'Authorization', realm: 'peer', nonce: 'u1' },
    ]);
  });

  it('still answers the nonce gone stale at the proxy after the peer has asked', () => {
    const { retry, sent } = setUp();
    retry.takes(askedByProxy('Digest realm="proxy", nonce="p1", qop="auth"'));
    retry.takes(askedBy('Digest realm="peer", nonce="u1"'));
    expect(retry.takes(askedByProxy('Digest realm="proxy", nonce="p2", qop="auth", stale=true'))).toBe(true);
    expect(sent()).toMatchObject([{ nonce: 'p2', nc: '00000001' }, { nonce: 'u1' }]);
    expect(retry.takes(askedByProxy('Digest realm="proxy", nonce="p3", qop="auth", stale=true'))).toBe(false);
  });

  it('stops after four rounds with a peer that finds a new realm each time', () => {
    const { retry } = setUp();
    const rounds = [1, 2, 3, 4, 5].map((round) => retry.takes(askedBy(`Digest realm="${round}", nonce="n"`)));
    expect(rounds).toEqual([true, true, true, true, false]);
  });

  it('does not take up userhash, and sends the name as it is', () => {
    const { retry, sent } = setUp();
    retry.takes(askedBy('Digest realm="r", nonce="n", qop="auth", userhash=true, algorithm=SHA-256'));
    expect(sent()).toMatchObject([{ username: 'alice' }]);
    expect(sent()[0]).not.toHaveProperty('userhash');
  });

  it('keeps its password from a realm that is not its own', () => {
    const { retry, sent } = setUp('mine');
    expect(retry.takes(askedBy('Digest realm="theirs", nonce="n"'))).toBe(false);
    expect(sent()).toEqual([]);
  });

  it('takes the next nonce from a success and counts it from one', () => {
    const { digest, retry } = setUp();
    retry.takes(askedBy('Digest realm="r", nonce="n1", qop="auth"'));
    expect(retry.takes(response(200, ['Authentication-Info', 'nextnonce="n2", qop=auth, nc=00000001']))).toBe(false);
    const next = (): Record<string, string> =>
      Object.fromEntries(parseAuthValues(digest.authorise(target)[0]?.value ?? '')?.[0]?.parameters ?? []);
    expect(next()).toMatchObject({ nonce: 'n2', nc: '00000001' });
    digest.learn(response(200, ['Authentication-Info', 'nextnonce="n2"']).headers);
    expect(next()).toMatchObject({ nonce: 'n2', nc: '00000002' });
  });

  it('does not guess which of two realms a next nonce belongs to', () => {
    const { digest, retry } = setUp();
    retry.takes(response(401, ['WWW-Authenticate', 'Digest realm="a", nonce="1"'], ['WWW-Authenticate', 'Digest realm="b", nonce="2"']));
    digest.learn(response(200, ['Authentication-Info', 'nextnonce="x"']).headers);
    expect(digest.authorise(target).map(({ value }) => /nonce="(\w)"/.exec(value)?.[1])).toEqual(['1', '2']);
  });

  it.each(['', 'nextnonce=""', 'rspauth="x"', '"'])('learns nothing from %j', (info) => {
    const { digest, retry } = setUp();
    retry.takes(askedBy('Digest realm="r", nonce="n1"'));
    digest.learn(response(200, ['Authentication-Info', info]).headers);
    expect(digest.authorise(target)[0]?.value).toContain('nonce="n1"');
  });
});

describe('the digest response', () => {
  it('is that of RFC 7616 §3.9.2 for SHA-512-256, as its erratum 4897 corrects it', () => {
    const input = {
      algorithm: 'SHA-512-256',
      user: 'J\u00e4s\u00f8n Doe',
      realm: 'api@example.org',
      password: 'Secret, or not?',
      method: 'GET',
      uri: '/doe.json',
      nonce: '5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK',
      qop: { nonceCount: '00000001', cnonce: 'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v' },
    } as const;
    expect(digestResponse(input)).toBe('3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5');
  });
});
