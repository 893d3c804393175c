import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { credentialFor, expiryOf, makeCredentials } from '../../../src/turn/credentials.js';
import { IceServers } from '../../../src/turn/ice-servers.js';
import { FakeClock } from '../../support/fake-clock.js';

const secret = 'a secret of the turn server';

describe('credentials for TURN', () => {
  it('name the second until which they are good, and seal the name with the secret', () => {
    const { username, credential } = makeCredentials(secret, 'pk_shop', Date.UTC(2030, 0, 1) + 999);
    expect(username).toMatch(/^1893456000:pk_shop\.[0-9a-f]{12}$/);
    expect(credential).toBe(createHmac('sha1', secret).update(username).digest('base64'));
    expect(expiryOf(username)).toBe(Date.UTC(2030, 0, 1));
  });

  it('have the password that OpenSSL makes of the same secret and name', () => {
    // echo -n 1433895918:ninefingers | openssl dgst -sha1 -hmac north -binary | base64
    expect(credentialFor('north', '1433895918:ninefingers')).toBe('jy8hTxmOO7UtEKXqSkSlvakPVYA=');
  });

  it('differ at each asking, so that one page cannot use up what another is allowed', () => {
    const names = new Set(Array.from({ length: 20 }, () => makeCredentials(secret, 'pk_shop', 0).username));
    expect(names.size).toBe(20);
  });

  it.each(['+442079460018', '442079460018', 'visitor 12345', 'a'.repeat(80), 'über', 'a:b', ''])(
    'show nothing of the subject %j, which may be a number or cannot stand in a name',
    (subject) => {
      const { username } = makeCredentials(secret, subject, 0);
      expect(username).toMatch(/^0:h_[a-z]{16}\.[0-9a-f]{12}$/);
    },
  );

  it('are told from names that no expiry stands in', () => {
    expect([expiryOf('user'), expiryOf('12a:b'), expiryOf(':b'), expiryOf('9999999999999:b'), expiryOf('60:b')]).toEqual([
      ...[undefined, undefined, undefined, undefined],
      60_000,
    ]);
  });
});

describe('the servers a page is told of', () => {
  const fixed = [{ urls: ['stun:stun.example.com'] }];

  it('are those that are fixed, and the TURN servers with credentials good for as long as is said', () => {
    const clock = new FakeClock(Date.UTC(2030, 0, 1));
    const servers = new IceServers({ fixed, secret, ttlSeconds: 600 }, { clock, turnUrls: () => ['turn:turn.example.com'] });
    const { iceServers, ttlSeconds } = servers.for('page');
    expect(ttlSeconds).toBe(600);
    expect(iceServers).toEqual([
      ...fixed,
      {
        urls: ['turn:turn.example.com'],
        username: expect.stringMatching(/^1893456600:page\./),
        credential: expect.stringMatching(/^\S{27}=$/),
      },
    ]);
  });

  it('are only the fixed ones where no TURN server is known, or no secret', () => {
    const clock = new FakeClock();
    expect(new IceServers({ fixed, secret, ttlSeconds: 600 }, { clock, turnUrls: () => [] }).for('page').iceServers).toEqual(fixed);
    expect(new IceServers({ fixed, ttlSeconds: 600 }, { clock, turnUrls: () => ['turn:a'] }).for('page').iceServers).toEqual(fixed);
  });
});
