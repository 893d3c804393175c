import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { DrachtioSip } from '../../src/sip/drachtio/drachtio-sip.js';
import { DrachtioServer } from '../support/drachtio-server.js';
import { startStack, until, uriOf } from '../support/sip-rigs.js';
import { wireBetween } from '../support/sip-wire.js';
import { sipPortContract } from './sip-port.contract.js';

/** Shorter than RFC 3261's, so that what ends by timer ends within the test. */
const timers = { t1Ms: 50, t2Ms: 400, t4Ms: 500 };

interface App {
  readonly sip: DrachtioSip;
  /** Where the server speaks SIP. */
  readonly uri: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** A drachtio server given by the environment, with a UDP contact this machine reaches; it must be no one else's. */
const { DRACHTIO_HOST: host, DRACHTIO_PORT: port = '9022', DRACHTIO_SECRET: secret = '' } = process.env;

async function connect(server: { readonly host: string; readonly port: number; readonly secret: string }): Promise<App> {
  const sip = new DrachtioSip({ servers: [server], userAgent: 'test-gateway' }, { clock: new SystemClock(), log: silentLog });
  await sip.start();
  const contact = sip.bound().find(({ transport }) => transport === 'udp');
  if (contact === undefined) throw new Error('the server has no UDP contact');
  return { sip, uri: `sip:bob@${contact.host}:${contact.port};transport=udp`, port: contact.port, stop: () => sip.stop() };
}

async function startApp(): Promise<App> {
  if (host !== undefined) return connect({ host, port: Number(port), secret });
  const server = await DrachtioServer.start({ secret: 'opensesame', timers });
  const app = await connect({ host: '127.0.0.1', port: server.appPort, secret: 'opensesame' });
  await until(() => [...server.apps.all].some(({ verbs }) => verbs.has('invite')));
  return {
    ...app,
    stop: async () => {
      await app.stop();
      await server.stop();
      if (server.complaints.length > 0) throw new Error(server.complaints.join());
    },
  };
}

const which = host === undefined ? 'the test server' : 'a drachtio server';

sipPortContract(`drachtio calls the embedded stack, by ${which}`, async () => {
  const [app, callee] = await Promise.all([startApp(), startStack({ timers })]);
  return {
    caller: app.sip,
    callee,
    toCallee: { requestUri: uriOf(callee) },
    until,
    wire: wireBetween({ callerPort: app.port, calleePort: callee.bound()[0]?.port ?? 0 }),
    stop: async () => {
      await Promise.all([app.sip.stop(), callee.stop()]);
      await app.stop();
    },
  };
});

sipPortContract(`the embedded stack calls drachtio, by ${which}`, async () => {
  const [caller, app] = await Promise.all([startStack({ timers }), startApp()]);
  return {
    caller,
    callee: app.sip,
    toCallee: { requestUri: app.uri },
    until,
    wire: wireBetween({ callerPort: caller.bound()[0]?.port ?? 0, calleePort: app.port }),
    stop: async () => {
      await Promise.all([caller.stop(), app.sip.stop()]);
      await app.stop();
    },
  };
});
