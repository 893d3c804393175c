import { isIP } from 'node:net';
import { z } from 'zod';
import { parseHostPort } from '../../base/address.js';
import { key, rule } from '../key.js';
import type { Listener } from '../listener.js';
import { host, tls } from '../values.js';
import { drachtio } from './drachtio.js';

/** Reads one SIP listener, `transport:host:port`, such as `udp:0.0.0.0:5060`; the port may be left out (5060, tls 5061: RFC 3261 §19.1.2). */
export function parseListen(text: string): Listener | undefined {
  const match = /^(udp|tcp|tls):(.+)$/.exec(text);
  if (match === null) return undefined;
  const transport = match[1] as Listener['transport'];
  const address = parseHostPort(match[2] ?? '', transport === 'tls' ? 5061 : 5060);
  // `udp:5060` means a port, and would be the address 0.0.19.196.
  return address === undefined || /^\d+$/.test(address.host) ? undefined : { transport, ...address };
}

const listen = rule(
  z.string(),
  (text) => parseListen(text) !== undefined,
  'is not a SIP listener',
  'write transport:address:port with udp, tcp or tls, such as udp:0.0.0.0:5060',
);

const dnsServer = rule(
  z.string(),
  (text) => isIP(text) !== 0 || isIP(parseHostPort(text, 53)?.host ?? '') !== 0,
  'is not the address of a name server',
  'write an IP address, with a port if it is not 53, such as 192.0.2.53 or [2001:db8::53]:5353',
);

export const sip = z
  .strictObject({
    stack: key(z.enum(['embedded', 'drachtio']).default('embedded'), {
      description: "The SIP stack: the gateway's own, or drachtio servers, which then have the listeners and the WebSocket of the page.",
    }),
    drachtio: key(drachtio, {
      description: 'The drachtio servers, when stack is drachtio. The keys listen and tls here are then not used.',
    }),
    listen: key(z.array(listen).min(1).default(['udp:127.0.0.1:5060']), {
      description: 'Where trunks reach the gateway: transport:address:port, transport udp, tcp or tls. Port 0 takes any free one.',
      example: ['udp:0.0.0.0:5060', 'tcp:0.0.0.0:5060'],
    }),
    publicAddress: key(host.optional(), {
      description:
        'Address in Via and Contact, when the gateway stands behind address translation. Without it, the local address toward each peer.',
      example: '203.0.113.10',
    }),
    dnsServers: key(z.array(dnsServer).min(1).optional(), {
      description:
        'Name servers to find trunk peers with (RFC 3263), instead of those of the machine; answers are kept as long as they say.',
      example: ['192.0.2.53', '[2001:db8::53]:5353'],
    }),
    tls: key(
      z
        .strictObject({
          ...tls.shape,
          more: key(z.array(tls).optional(), {
            description: 'Further certificates, for connections that ask for a host name of theirs (SNI). All others are shown the first.',
            example: [{ cert: '/etc/gateway/tls/other.pem', key: { file: '/etc/gateway/tls/other.key' } }],
          }),
          ca: key(z.string().min(1).optional(), {
            description: "File with the authorities trusted for trunk peers, PEM. Without it, the system's own.",
            example: '/etc/gateway/tls/ca.pem',
          }),
          verifyPeer: key(z.boolean().default(true), { description: "Check the peers' certificates against their host names." }),
          requestClientCert: key(z.boolean().default(false), {
            description: 'Take TLS connections only from peers that show a certificate of these authorities (mutual TLS).',
          }),
        })
        .optional(),
      { description: 'Certificate for "tls:" listeners and connections. SIGHUP has its files read again.' },
    ),
    userAgent: key(
      z
        .string()
        .min(1)
        .max(100)
        .regex(/^[\x20-\x7e]+$/)
        .default('webrtc-pstn-gateway'),
      {
        description: 'Text of the User-Agent and Server headers.',
      },
    ),
  })
  .prefault({});

export type SipConfig = z.output<typeof sip>;
