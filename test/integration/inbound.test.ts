import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { loadConfig } from '../../src/config/load.js';
import { resolveSecrets } from '../../src/config/secrets.js';
import { createGateway, type Gateway } from '../../src/gateway.js';
import type { ListenAddress } from '../../src/sip/embedded/embedded-sip.js';
import { FakeMediaPlane } from '../support/fake-media-plane.js';
import { FakeSip } from '../support/fake-sip.js';

const sdp = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n';

/** The SIP stack in memory, with a carrier and three pages at its other ends. */
class Stack extends FakeSip {
  readonly carrier = new FakeSip('carrier');
  readonly pages = { alice: new FakeSip('alice'), bob: new FakeSip('bob'), carol: new FakeSip('carol') };

  constructor() {
    super('gateway');
    this.connect(this.carrier, { transport: 'udp', names: ['127.0.0.1:5999', '@gateway'] });
    for (const [name, page] of Object.entries(this.pages))
      this.connect(page, { transport: 'ws', names: [`${name}.invalid`, 'sip:gateway'] });
  }

  bound(): readonly ListenAddress[] {
    return [];
  }

  acceptWebSocket(): void {}

  async register(name: keyof Stack['pages']): Promise<number> {
    const address = { uri: `sip:${name}@gateway` };
    const headers = [['Contact', `<sip:${name}@${name}.invalid;transport=ws>`]] as const;
    return (await this.pages[name].request({ method: 'REGISTER', requestUri: 'sip:gateway', from: address, to: address, headers })).status;
  }

  callIn(number: string): ReturnType<FakeSip['call']> {
    return this.carrier.call({ requestUri: `sip:${number}@gateway`, from: { uri: 'sip:+15550123@127.0.0.1' }, offer: sdp });
  }
}

const running: Gateway[] = [];
afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.stop();
});

async function start(inbound: string): Promise<{ readonly stack: Stack; readonly gateway: Gateway }> {
  const loaded = loadConfig(
    `
http: { port: 0 }
policy: { destinations: { allow: ["+1"] } }
trunks: [{ id: carrier, callerId: "+15550100", peers: [{ uri: "sip:127.0.0.1:5999" }], allow: [192.0.2.0/24] }]
users: [{ name: alice }, { name: bob }, { name: carol }]
${inbound}`,
    {},
  );
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
  const { secrets } = resolveSecrets(loaded.config, { environment: {}, readFile: () => '' });
  const stack = new Stack();
  const gateway = createGateway(loaded.config, {
    ...{ clock: new SystemClock(), log: silentLog, secrets, version: '0.0.0' },
    webFolder: new URL('none/', pathToFileURL('/')),
    makeSip: () => stack,
    makeMedia: () => new FakeMediaPlane(),
  });
  running.push(gateway);
  await gateway.start();
  return { stack, gateway };
}

describe('a call from a trunk', () => {
  it('is forwarded to the telephone its number leads to, and the two talk', async () => {
    const { stack, gateway } = await start('inbound: [{ number: "+15550111", to: { number: "+15550177" } }]');
    const call = stack.callIn('+15550111');
    const phone = await stack.carrier.nextCall();
    expect(phone.requestUri).toBe('sip:+15550177@127.0.0.1:5999');
    const dialog = phone.answer(sdp);
    expect((await call.outcome).kind).toBe('answered');
    await dialog.bye();
    await gateway.drain(1_000);
    expect(await gateway.liveObjects()).toMatchObject({ call: 0, dialog: 0, invite: 0 });
  });

  it('goes on to the telephone when its user is not there, and nowhere for another reason than those named', async () => {
    const { stack } = await start(
      'inbound: [{ number: "*", to: { user: alice }, otherwise: { number: "+15550177", when: [unavailable] } }]',
    );
    stack.callIn('+15550111');
    expect((await stack.carrier.nextCall()).requestUri).toBe('sip:+15550177@127.0.0.1:5999');
    expect(await stack.register('alice')).toBe(200);
    const call = stack.callIn('+15550111');
    (await stack.pages.alice.nextCall()).reject(486);
    expect(await call.outcome).toMatchObject({ kind: 'rejected', status: 486 });
  });

  it('rings a group user by user, and is taken by the one who answers', async () => {
    const { stack, gateway } = await start(
      'groups: [{ name: sales, users: [alice, bob, carol], strategy: sequential, ringSeconds: 5 }]\ninbound: [{ number: "*", to: { group: sales } }]',
    );
    for (const name of ['alice', 'carol'] as const) expect(await stack.register(name)).toBe(200);
    const call = stack.callIn('+15550111');
    (await stack.pages.alice.nextCall()).reject(486);
    const dialog = (await stack.pages.carol.nextCall()).answer(sdp);
    expect((await call.outcome).kind).toBe('answered');
    await dialog.bye();
    await gateway.drain(1_000);
    expect(await gateway.liveObjects()).toMatchObject({ call: 0, dialog: 0, invite: 0 });
  });

  it('rings a whole group at once, and goes on to the telephone when all of it are busy', async () => {
    const { stack } = await start(
      'groups: [{ name: sales, users: [alice, bob] }]\ninbound: [{ number: "*", to: { group: sales }, otherwise: { number: "+15550177", when: [busy] } }]',
    );
    for (const name of ['alice', 'bob'] as const) expect(await stack.register(name)).toBe(200);
    stack.callIn('+15550111');
    const calls = [await stack.pages.alice.nextCall(), await stack.pages.bob.nextCall()];
    for (const call of calls) call.reject(486);
    expect((await stack.carrier.nextCall()).requestUri).toBe('sip:+15550177@127.0.0.1:5999');
  });
});
