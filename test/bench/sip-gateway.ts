import { SystemClock } from '../../src/base/clock.js';
import type { Log } from '../../src/base/log.js';
import { loadConfig } from '../../src/config/load.js';
import { resolveSecrets } from '../../src/config/secrets.js';
import { createGateway, type Gateway } from '../../src/gateway.js';
import { SdpOnlyPlane } from './sip-plane.js';

export interface SipGatewayOptions {
  /** UDP port of the gateway; 0 for any. */
  readonly port: number;
  /** UDP port of the phone that every call goes to. */
  readonly called: number;
  readonly cdrFile: string;
}

/** The whole gateway but for media: every call from the trunk goes out to the trunk again, as a forwarded number does. */
export function sipGateway({ port, called, cdrFile }: SipGatewayOptions, log: Log): Gateway {
  const config = {
    http: { host: '127.0.0.1', port: 0 },
    sip: { listen: [`udp:127.0.0.1:${port}`] },
    trunks: [
      {
        id: 'carrier',
        peers: [{ uri: `sip:127.0.0.1:${called};transport=udp` }],
        allow: ['127.0.0.0/8'],
        mediaAllow: ['127.0.0.0/8'],
        callerId: '+15550199',
      },
    ],
    inbound: [{ number: '*', to: { number: '+15550101' } }],
    policy: { destinations: { allow: ['+1555'] }, maxCalls: 100_000 },
    cdr: { file: cdrFile },
    log: { level: 'info' },
  };
  const loaded = loadConfig(JSON.stringify(config), {});
  if (!loaded.ok) throw new Error(`the benchmark's configuration is not sound: ${JSON.stringify(loaded.faults)}`);
  const { secrets } = resolveSecrets(loaded.config, { environment: {}, readFile: () => '' });
  return createGateway(loaded.config, {
    clock: new SystemClock(),
    log,
    secrets,
    version: 'bench',
    webFolder: new URL('../../dist/web/', import.meta.url),
    makeMedia: () => new SdpOnlyPlane(),
  });
}
