import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { DrachtioSip } from '../../src/sip/drachtio/drachtio-sip.js';
import { DrachtioServer } from '../support/drachtio-server.js';
import { startStack, until, uriOf } from '../support/sip-rigs.js';
import { sipPortContract } from './sip-port.contract.js';

/** Shorter than RFC 3261's, so that what ends by timer ends within the test. */
const timers = { t1Ms: 50, t2Ms: 400, t4Ms: 500 };
const secret = 'opensesame';

async function connect(port: number): Promise<DrachtioSip> {
  const servers = [{ host: '127.0.0.1', port, secret }];
  const sip = new DrachtioSip({ servers, userAgent: 'test-gateway' }, { clock: new SystemClock(), log: silentLog });
  await sip.start();
  return sip;
}

sipPortContract('drachtio calls the embedded stack', async () => {
  const server = await DrachtioServer.start({ secret, timers });
  const [caller, callee] = await Promise.all([connect(server.appPort), startStack({ timers })]);
  return {
    caller,
    callee,
    toCallee: { requestUri: uriOf(callee) },
    until,
    stop: async () => {
      await Promise.all([caller.stop(), callee.stop()]);
      await server.stop();
    },
  };
});

sipPortContract('the embedded stack calls drachtio', async () => {
  const server = await DrachtioServer.start({ secret, timers });
  const [caller, callee] = await Promise.all([startStack({ timers }), connect(server.appPort)]);
  return {
    caller,
    callee,
    toCallee: { requestUri: server.uri() },
    until,
    stop: async () => {
      await Promise.all([caller.stop(), callee.stop()]);
      await server.stop();
    },
  };
});
