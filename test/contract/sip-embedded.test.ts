import { networkInterfaces } from 'node:os';
import type { EmbeddedSip } from '../../src/sip/embedded/embedded-sip.js';
import { startStack, until, uriOf } from '../support/sip-rigs.js';
import { wireBetween } from '../support/sip-wire.js';
import { testTls } from '../support/tls-material.js';
import { sipPortContract } from './sip-port.contract.js';

/** Shorter than RFC 3261's, so that what ends by timer ends within the test. */
const timers = { t1Ms: 50, t2Ms: 400, t4Ms: 500 };

const portOf = (stack: EmbeddedSip): number => stack.bound()[0]?.port ?? 0;

const places = [
  { transport: 'udp', host: '127.0.0.1' },
  { transport: 'tcp', host: '127.0.0.1' },
  { transport: 'tls', host: '127.0.0.1' },
  { transport: 'udp', host: '::1' },
  { transport: 'tcp', host: '::1' },
] as const;

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'));

for (const { transport, host } of places.filter((place) => hasIpv6 || place.host !== '::1')) {
  sipPortContract(`embedded over ${transport}${host === '::1' ? ' and IPv6' : ''}`, async () => {
    const listen = [{ transport, host, port: 0 }];
    const [caller, callee] = await Promise.all([
      startStack({ listen, timers, tls: testTls }),
      startStack({ listen, timers, tls: testTls }),
    ]);
    return {
      caller,
      callee,
      toCallee: { requestUri: uriOf(callee) },
      until,
      ...(transport === 'udp' && host === '127.0.0.1'
        ? { wire: wireBetween({ callerPort: portOf(caller), calleePort: portOf(callee) }) }
        : {}),
      stop: async () => {
        await Promise.all([caller.stop(), callee.stop()]);
      },
    };
  });
}
