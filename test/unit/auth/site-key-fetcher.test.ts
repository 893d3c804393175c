import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SiteKeyFetcher } from '../../../src/auth/site-key-fetcher.js';
import { silentLog } from '../../../src/base/log.js';
import { FakeClock } from '../../support/fake-clock.js';

const jwk = (kid: string) => ({ ...generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }), kid });

function make(answer: () => Response | Promise<Response>) {
  const clock = new FakeClock();
  let asked = 0;
  const get = async (): Promise<Response> => {
    asked += 1;
    return await answer();
  };
  const fetcher = new SiteKeyFetcher([{ site: 'pk_shop', url: 'https://shop.example/keys' }], {
    clock,
    log: silentLog,
    fetch: get as typeof fetch,
  });
  return { clock, fetcher, asked: () => asked };
}

describe("a website's published keys", () => {
  it('are read once, and again for a key that is new, at most once a minute', async () => {
    let keys = [jwk('a')];
    const { clock, fetcher, asked } = make(() => Response.json({ keys }));
    expect(await Promise.all([fetcher.find('pk_shop', 'a'), fetcher.find('pk_shop', 'a')])).toMatchObject([
      { id: 'a' },
      { site: 'pk_shop' },
    ]);
    keys = [jwk('a'), jwk('b')];
    expect(await fetcher.find('pk_shop', 'b')).toBeUndefined();
    expect(asked()).toBe(1);
    clock.advance(60_000);
    expect(await fetcher.find('pk_shop', 'b')).toMatchObject({ id: 'b' });
    expect(asked()).toBe(2);
    expect(await fetcher.find('pk_other', 'a')).toBeUndefined();
  });

  it.each([
    ['fails', () => new Response('no', { status: 500 })],
    ['is no set', () => new Response('<html>')],
    ['never ends', () => new Response('x'.repeat(200_000))],
    ['cannot be reached', () => Promise.reject(new Error('refused'))],
  ])('stay as they were when the next reading %s', async (_what, broken) => {
    let answer: () => Response | Promise<Response> = () => Response.json({ keys: [jwk('a')] });
    const { clock, fetcher } = make(() => answer());
    await fetcher.find('pk_shop', 'a');
    answer = broken;
    clock.advance(60_000);
    expect(await fetcher.find('pk_shop', 'b')).toBeUndefined();
    expect(await fetcher.find('pk_shop', 'a')).toMatchObject({ id: 'a' });
  });

  it('that are withdrawn serve no longer, once the set has been read again', async () => {
    let keys = [jwk('a'), jwk('b')];
    const { clock, fetcher, asked } = make(() => Response.json({ keys }));
    expect(await fetcher.find('pk_shop', 'a')).toMatchObject({ id: 'a' });
    keys = keys.slice(1);
    clock.advance(599_999);
    expect([await fetcher.find('pk_shop', 'a'), asked()]).toMatchObject([{ id: 'a' }, 1]);
    clock.advance(1);
    expect([await fetcher.find('pk_shop', 'a'), asked()]).toEqual([undefined, 2]);
    expect(await fetcher.find('pk_shop', 'b')).toMatchObject({ id: 'b' });
  });

  it('may stand in a file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keys-'));
    const path = join(folder, 'keys.json');
    writeFileSync(path, JSON.stringify({ keys: [jwk('a')] }));
    const fetcher = new SiteKeyFetcher([{ site: 'pk_shop', url: path }], { clock: new FakeClock(), log: silentLog });
    expect(await fetcher.find('pk_shop', 'a')).toMatchObject({ id: 'a', site: 'pk_shop' });
    rmSync(folder, { recursive: true });
  });

  it('are Ed25519 keys with a name; a shared secret in a published set is left out', async () => {
    const rsa = { ...generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }), kid: 'rsa' };
    const keys = [
      { kty: 'oct', k: 'c2VjcmV0', kid: 'hmac' },
      rsa,
      { ...jwk('x'), kid: undefined },
      null,
      { kty: 'OKP', crv: 'Ed25519', x: '!', kid: 'bad' },
      jwk('good'),
    ];
    const { fetcher } = make(() => Response.json({ keys }));
    expect(await fetcher.find('pk_shop', 'good')).toMatchObject({ algorithm: 'EdDSA' });
    for (const kid of ['hmac', 'rsa', 'bad']) expect(await fetcher.find('pk_shop', kid)).toBeUndefined();
  });
});
