import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Identities } from '../../../src/browser/identity.js';
import type { SipResponse } from '../../../src/sip/port.js';
import { FakeClock } from '../../support/fake-clock.js';
import { Scene } from '../call/scene.js';

interface Registering {
  readonly user?: string;
  readonly contact?: string | undefined;
  readonly expires?: string;
}

/** A REGISTER of the page without credentials, which the port keeps to itself. */
async function register(
  scene: Scene,
  { user = 'demo', contact = '<sip:x@y.invalid;transport=ws>', expires }: Registering = {},
): Promise<SipResponse> {
  const address = { uri: `sip:${user}@gateway.example` };
  return await scene.page.request({
    method: 'REGISTER',
    requestUri: 'sip:gateway.example',
    from: address,
    to: address,
    headers: [
      ...(contact === '' ? [] : [['Contact', contact] as const]),
      ...(expires === undefined ? [] : [['Expires', expires] as const]),
    ],
  });
}

describe('registering', () => {
  it('binds a user without password to the flow and tells for how long', async () => {
    const scene = await new Scene().start();
    const response = await register(scene, { expires: '120' });
    expect([response.status, response.headers.all('Contact')]).toEqual([200, ['<sip:x@y.invalid;transport=ws>;expires=120']]);
    expect(scene.registrar.bindingsOf('demo')).toMatchObject([{ flow: scene.pageFlow, contactUri: 'sip:x@y.invalid;transport=ws' }]);
  });

  it('takes the time of the contact before that of the header, and caps it', async () => {
    const scene = await new Scene().start();
    const own = await register(scene, { contact: '<sip:x@y.invalid>;expires=60', expires: '600' });
    expect(own.headers.get('Contact')).toBe('<sip:x@y.invalid>;expires=60');
    const long = await register(scene, { expires: '999999' });
    expect(long.headers.get('Contact')).toContain('expires=3600');
  });

  it('refuses a time that is too brief with 423 and Min-Expires', async () => {
    const scene = await new Scene().start();
    const response = await register(scene, { expires: '5' });
    expect([response.status, response.headers.get('Min-Expires')]).toEqual([423, '30']);
    expect(scene.registrar.bindingsOf('demo')).toEqual([]);
  });

  it('is undone by expires 0, by *, by time and by the closing of the flow', async () => {
    const scene = await new Scene().start();
    await register(scene);
    expect((await register(scene, { expires: '0' })).headers.all('Contact')).toEqual([]);
    await register(scene);
    expect((await register(scene, { contact: '*', expires: '0' })).status).toBe(200);
    expect(scene.registrar.bindingsOf('demo')).toEqual([]);
    await register(scene, { expires: '60' });
    scene.clock.advance(60_000);
    expect(scene.registrar.bindingsOf('demo')).toEqual([]);
    await register(scene, { expires: '60' });
    scene.sip.breakFlow(scene.pageFlow);
    await scene.settle();
    expect(scene.registrar.bindingsOf('demo')).toEqual([]);
    expect(scene.registrar.liveObjects()).toEqual({ registration: 0 });
    scene.clock.advance(60_000);
    expect(scene.clock.liveTimers).toBe(0);
  });

  it('answers a question about contacts, and refuses * with a time', async () => {
    const scene = await new Scene().start();
    await register(scene);
    expect((await register(scene, { contact: '' })).headers.all('Contact')).toHaveLength(1);
    expect((await register(scene, { contact: '*', expires: '60' })).status).toBe(400);
    expect((await register(scene, { contact: 'nonsense' })).status).toBe(400);
  });

  it('refuses a user without password where that is not allowed', async () => {
    const scene = await new Scene({ browser: { allowPasswordless: false } }).start();
    expect((await register(scene)).status).toBe(403);
  });

  it('challenges a user with a password, and an unknown one alike', async () => {
    const scene = await new Scene().start();
    for (const user of ['alice', 'nobody']) {
      const response = await register(scene, { user });
      expect([response.status, response.headers.get('WWW-Authenticate')]).toEqual([
        401,
        expect.stringMatching(/^Digest .*realm="gateway.example"/),
      ]);
    }
  });

  it('keeps the newest flows of a user and drops the oldest beyond the limit', async () => {
    const registration = { minSeconds: 30, maxSeconds: 3600, defaultSeconds: 300, maxFlowsPerUser: 2, flowTimerSeconds: 120 };
    const scene = await new Scene({ browser: { registration } }).start();
    const flows = [1, 2, 3].map((n) => `flow-${n}`);
    for (const flow of flows) {
      const headers = { get: () => undefined, all: (name: string) => (name === 'Contact' ? [`<sip:${flow}@y.invalid>`] : []) };
      const source = { flow: flow as typeof scene.pageFlow, transport: 'wss', address: '192.0.2.1', port: 1 } as const;
      scene.registrar.register(
        { name: 'demo' },
        { method: 'REGISTER', source, requestUri: '', from: { uri: '' }, to: { uri: '' }, headers, respond: () => {} },
      );
    }
    expect(scene.registrar.bindingsOf('demo').map(({ flow }) => flow)).toEqual(['flow-3', 'flow-2']);
  });
});

/** A digest response as RFC 2617 §3.2.2 makes it, written out here so that the test does not lean on the code it tests. */
function digest(challenge: string, user: string, password: string, method: string, uri: string): string {
  const md5 = (text: string): string => createHash('md5').update(text).digest('hex');
  const nonce = /nonce="([^"]+)"/.exec(challenge)?.[1] ?? '';
  const realm = 'gateway.example';
  const response = md5(`${md5(`${user}:${realm}:${password}`)}:${nonce}:00000001:abc:auth:${md5(`${method}:${uri}`)}`);
  return `Digest username="${user}", realm="${realm}", nonce="${nonce}", uri="${uri}", response="${response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="abc"`;
}

describe('who a page is', () => {
  it('is what its registration says, on the trunk and in the record', async () => {
    const scene = await new Scene().start();
    const user = { name: 'alice', password: 'secret', from: '+15550142' };
    const headers = { get: () => undefined, all: (name: string) => (name === 'Contact' ? ['<sip:a@y.invalid>'] : []) };
    const source = { flow: scene.pageFlow, transport: 'wss', address: '192.0.2.1', port: 1 } as const;
    scene.registrar.register(user, {
      method: 'REGISTER',
      source,
      requestUri: '',
      from: { uri: '' },
      to: { uri: '' },
      headers,
      respond: () => {},
    });
    scene.dial();
    const phone = await scene.carrier.nextCall();
    expect(phone.from.uri).toBe('sip:+15550142@carrier.example:5060');
    expect(scene.fact('received')).toMatchObject({ from: { number: '+15550142' }, origin: 'https://page.example' });
  });

  it('is nobody without registration or guest: 401 where a password could help', async () => {
    const scene = await new Scene({ browser: { guest: undefined } }).start();
    const outcome = await scene.dial().outcome;
    expect(outcome).toMatchObject({ kind: 'rejected', status: 401 });
    expect(scene.facts).toEqual([]);
  });

  it('is nobody at all where no user has a password: 403, and recorded', async () => {
    const scene = await new Scene({ browser: { guest: undefined, users: [{ name: 'demo' }] } }).start();
    expect(await scene.dial().outcome).toMatchObject({ kind: 'rejected', status: 403 });
    expect(scene.fact('ended')).toMatchObject({ failure: 'destination-denied' });
  });

  it('is told that a name is no telephone number', async () => {
    const scene = await new Scene().start();
    expect(await scene.dial('sales').outcome).toMatchObject({ kind: 'rejected', status: 484 });
  });
});

/** A REGISTER with these credentials, as the port shows it. */
function registerWith(authorization?: string, address = '192.0.2.1') {
  const all = (name: string): readonly string[] => (name === 'Authorization' && authorization !== undefined ? [authorization] : []);
  return { method: 'REGISTER', requestUri: 'sip:gateway.example', headers: { get: () => undefined, all }, source: { address } };
}

/** Answers the challenge that a REGISTER without credentials gets. */
function answerTo(identities: Identities, user: string, password: string): string {
  const proof = identities.prove(user, registerWith());
  if (proof.kind !== 'challenge') throw new Error(`not challenged: ${proof.kind}`);
  return digest(proof.headers[0]?.[1] ?? '', user, password, 'REGISTER', 'sip:gateway.example');
}

describe('a password', () => {
  it('registers its user and no other', () => {
    const users = [
      { name: 'alice', password: 'secret' },
      { name: 'bob', password: 'other' },
    ];
    const identities = new Identities({ users, realm: 'gateway.example', allowPasswordless: false }, { clock: new FakeClock() });
    const by = (user: string, password: string): string => answerTo(identities, user, password);
    const request = registerWith;
    expect(identities.prove('alice', request(by('alice', 'secret')))).toMatchObject({ kind: 'user', user: { name: 'alice' } });
    expect(identities.prove('alice', request(by('alice', 'wrong')))).toEqual({ kind: 'refused', status: 403 });
    expect(identities.prove('alice', request(by('bob', 'other')))).toEqual({ kind: 'refused', status: 403 });
  });

  it('cannot be guessed from one place, and nobody else has to wait for that', () => {
    const clock = new FakeClock();
    const users = ['alice', 'bob'].map((name) => ({ name, password: 'secret' }));
    const identities = new Identities({ users, realm: 'gateway.example', allowPasswordless: false }, { clock });
    const tell = (user: string, password: string, address?: string): string =>
      identities.prove(user, registerWith(answerTo(identities, user, password), address)).kind;
    for (let guess = 0; guess < 10; guess += 1) expect(tell('alice', `guess ${guess}`)).toBe('refused');
    expect([tell('alice', 'secret'), tell('bob', 'secret'), tell('alice', 'secret', '192.0.2.2')]).toEqual(['refused', 'user', 'user']);
    clock.advance(60_000);
    expect(tell('alice', 'secret')).toBe('user');
  });

  it('is asked for when credentials are of another kind, and a malformed one is refused', () => {
    const users = [{ name: 'alice', password: 'secret' }];
    const identities = new Identities({ users, realm: 'gateway.example', allowPasswordless: false }, { clock: new FakeClock() });
    expect(identities.prove('alice', registerWith('Bearer eyJhbGciOiJFZERTQSJ9.e30.c2ln=='))).toMatchObject({ kind: 'challenge' });
    expect(identities.prove('alice', registerWith('Digest username="'))).toEqual({ kind: 'refused', status: 400 });
  });

  it('cannot be replayed, and a nonce of an earlier life of the gateway asks for a fresh one', () => {
    const users = [{ name: 'alice', password: 'secret' }];
    const make = (): Identities =>
      new Identities({ users, realm: 'gateway.example', allowPasswordless: false }, { clock: new FakeClock() });
    const identities = make();
    const authorization = answerTo(identities, 'alice', 'secret');
    expect(identities.prove('alice', registerWith(authorization))).toMatchObject({ kind: 'user' });
    const stale = { kind: 'challenge', headers: [['WWW-Authenticate', expect.stringContaining('stale')]] };
    expect(identities.prove('alice', registerWith(authorization))).toMatchObject(stale);
    expect(make().prove('alice', registerWith(authorization))).toMatchObject(stale);
  });
});
