import { afterEach, expect, it } from 'vitest';
import { eventually } from '../support/eventually.js';
import { freePort, freePortRun } from '../support/free-ports.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { Kamailio } from '../support/kamailio.js';
import { describeWithPeers } from '../support/peers.js';
import { Sipp } from '../support/sipp.js';

const password = 'correct horse battery';
const number = '+15550199';

describeWithPeers('Behind Kamailio as a carrier has it', ['kamailio', 'sipp'], () => {
  const open: { dispose(): Promise<void> }[] = [];
  const keep = <T extends { dispose(): Promise<void> }>(one: T): T => {
    open.push(one);
    return one;
  };
  afterEach(async () => {
    for (const one of open.splice(0).reverse()) await one.dispose();
  });

  interface Carrier {
    readonly kamailio: Kamailio;
    readonly gateway: GatewayProcess;
    readonly backends: readonly [number, number];
  }

  async function carrier(options: {
    readonly algorithm?: 'MD5' | 'SHA-256';
    readonly transport?: 'udp' | 'tcp';
    readonly trunk?: Readonly<Record<string, unknown>>;
    readonly minExpiresSeconds?: number;
  }): Promise<Carrier> {
    const backends = [await freePort(), await freePort()] as const;
    const { transport = 'udp', algorithm = 'MD5', minExpiresSeconds = 0 } = options;
    const sipPort = await freePort();
    const kamailio = keep(await Kamailio.start({ customer: sipPort, backends, password, algorithm, minExpiresSeconds }));
    const gateway = keep(
      await GatewayProcess.start({
        trunks: [
          {
            id: 'carrier',
            peers: [{ uri: `sip:127.0.0.1:${kamailio.port};transport=${transport}` }],
            callerId: '+15550000',
            auth: { user: 'gateway', password: { env: 'TRUNK_PASSWORD' } },
            ...options.trunk,
          },
        ],
        env: { TRUNK_PASSWORD: password },
        config: {
          sip: { listen: [`udp:127.0.0.1:${sipPort}`, `tcp:127.0.0.1:${sipPort}`] },
          inbound: [{ number: '*', to: { number } }],
        },
      }),
    );
    return { kamailio, gateway, backends };
  }

  async function phone(port: number, scenario: string): Promise<Sipp> {
    return keep(await Sipp.start({ scenario, port, mediaPort: await freePortRun(4), withinSeconds: 40 }));
  }

  /** A back end calls a number of ours through the proxy. */
  async function caller(at: Carrier, port: number, scenario: string, to = '+15550100'): Promise<Sipp> {
    return keep(
      await Sipp.start({
        scenario,
        port,
        mediaPort: await freePortRun(4),
        remote: `127.0.0.1:${at.kamailio.port}`,
        fill: { number: to, headers: 'X-From-Backend: yes' },
        withinSeconds: 40,
      }),
    );
  }

  const explain = (at: Carrier, ...sipps: Sipp[]): string =>
    [at.kamailio.log, at.gateway.log.slice(-6_000), ...sipps.map((sipp) => sipp.describe())].join('\n---\n');

  for (const algorithm of ['MD5', 'SHA-256'] as const) {
    for (const transport of ['udp', 'tcp'] as const) {
      it(`answers the ${algorithm} challenge over ${transport}, stays on the recorded route and has the call fail over`, async () => {
        const at = await carrier({ algorithm, transport });
        const [first, second] = [await phone(at.backends[0], 'uas-is-congested'), await phone(at.backends[1], 'uas-rings-and-answers')];
        const calling = await caller(at, await freePort(), 'uac-hangs-up');
        try {
          await calling.finished(30_000);
          await second.finished(10_000);
          await first.finished(10_000);
        } catch (thrown) {
          throw new Error(`${String(thrown)}\n${explain(at, calling, first, second)}`);
        }

        expect(at.kamailio.log).toContain('call accepted for');
        expect(at.kamailio.log).toContain('trying backend 2');
        // ACK and BYE came over the proxy, which put its Record-Route in.
        expect(second.messages()).toMatch(
          /BYE [^\n]+\r?\n(?:[^\n]+\n)*?Via: SIP\/2\.0\/UDP 127\.0\.0\.1:\d+;branch[^\n]*\n(?:[^\n]+\n)*?Via:/,
        );
        expect(await at.gateway.cdr()).toMatchObject({ disposition: 'completed' });
        await at.gateway.waitUntilCallsAreGone(8_000, transport === 'tcp' ? ['flow', 'socket'] : []);
      });
    }
  }

  it('takes the BYE of the called side over the recorded route', async () => {
    const at = await carrier({});
    const called = await phone(at.backends[0], 'uas-hangs-up-first');
    const calling = await caller(at, await freePort(), 'uac-is-hung-up');
    try {
      await calling.finished(30_000);
      await called.finished(10_000);
    } catch (thrown) {
      throw new Error(`${String(thrown)}\n${explain(at, calling, called)}`);
    }
    expect(await at.gateway.cdr()).toMatchObject({ disposition: 'completed' });
    await at.gateway.waitUntilCallsAreGone();
  });

  it('registers, takes the longer interval that the registrar wants, is called on its contact, and unregisters when it stops', async () => {
    const at = await carrier({
      minExpiresSeconds: 120,
      trunk: { register: { user: 'gateway', password: { env: 'TRUNK_PASSWORD' }, domain: 'carrier.test', expiresSeconds: 60 } },
    });
    await eventually(() => (at.kamailio.log.includes('registered sip:gateway@carrier.test') ? true : undefined), {
      what: 'the registrar has the gateway',
      withinMs: 10_000,
      explain: () => explain(at),
    });
    const called = await phone(at.backends[0], 'uas-rings-and-answers');
    const calling = await caller(at, await freePort(), 'uac-hangs-up', 'gateway');
    try {
      await calling.finished(30_000);
      await called.finished(10_000);
    } catch (thrown) {
      throw new Error(`${String(thrown)}\n${explain(at, calling, called)}`);
    }
    await at.gateway.waitUntilCallsAreGone();

    const registrations = (): number => at.kamailio.log.split('registered sip:gateway@carrier.test').length - 1;
    const before = registrations();
    await at.gateway.stop();
    await eventually(() => (registrations() > before ? true : undefined), {
      what: 'the registration is taken back',
      withinMs: 5_000,
      explain: () => at.kamailio.log,
    });
  });
});
