import type { EmbeddedSip } from '../../src/sip/embedded/embedded-sip.js';
import { startStack, until, uriOf } from '../support/sip-rigs.js';
import { wireBetween } from '../support/sip-wire.js';
import { testTls } from '../support/tls-material.js';
import { sipPortContract } from './sip-port.contract.js';

/** Shorter than RFC 3261's, so that what ends by timer ends within the test. */
const timers = { t1Ms: 50, t2Ms: 400, t4Ms: 500 };

const portOf = (stack: EmbeddedSip): number => stack.bound()[0]?.port ?? 0;

for (const transport of ['udp', 'tcp', 'tls'] as const) {
  sipPortContract(`embedded over ${transport}`, async () => {
    const listen = [{ transport, host: '127.0.0.1', port: 0 }];
    const [caller, callee] = await Promise.all([
      startStack({ listen, timers, tls: testTls }),
      startStack({ listen, timers, tls: testTls }),
    ]);
    return {
      caller,
      callee,
      toCallee: { requestUri: uriOf(callee) },
      until,
      ...(transport === 'udp' ? { wire: wireBetween({ callerPort: portOf(caller), calleePort: portOf(callee) }) } : {}),
      stop: async () => {
        await Promise.all([caller.stop(), callee.stop()]);
      },
    };
  });
}
