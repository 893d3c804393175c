import { isIP } from 'node:net';
import { z } from 'zod';
import { parseHostPort } from '../../base/address.js';
import { key, rule } from '../key.js';
import type { Listener } from '../listener.js';
import { host, optionalSecret, port, tls } from '../values.js';

/** URLs of STUN and TURN servers (RFC 7064 §3.1, RFC 7065 §3.1), as `RTCIceServer.urls` takes them. */
const iceUrl = rule(
  z.string(),
  (text) => isStunUrl(text) || isTurnUrl(text),
  'is not the URL of a STUN or TURN server',
  'write stun:host, turn:host:port?transport=udp or tcp, or turns:host:port?transport=tcp',
);

const turnUrl = rule(
  z.string(),
  isTurnUrl,
  'is not the URL of a TURN server',
  'write turn:host:port?transport=udp or tcp, or turns:host:port?transport=tcp; a STUN server belongs in media.iceServers',
);

const hostIn = (text: string): boolean => parseHostPort(text, 3478) !== undefined;

function isStunUrl(text: string): boolean {
  return hostIn(/^stuns?:([^/?#@]+)$/.exec(text)?.[1] ?? '');
}

function isTurnUrl(text: string): boolean {
  return hostIn(/^turns?:([^/?#@]+)(?:\?transport=(?:udp|tcp))?$/.exec(text)?.[1] ?? '');
}

const iceServer = z.strictObject({
  urls: key(z.array(iceUrl).min(1), { description: 'Its URLs.', example: ['stun:stun.example.com:3478'] }),
  username: key(z.string().min(1).max(500).optional(), {
    description: 'User name at a TURN server with fixed users. Every page sees it: media.turn is safer.',
    example: 'gateway',
  }),
  credential: optionalSecret('Its password. Every page sees it too.', 'ICE_CREDENTIAL'),
});

export const iceServers = z.array(iceServer).default([]);

/** Reads one TURN listener, `transport:host:port`; the port may be left out (3478, tls 5349: RFC 8656 §3.1). */
export function parseTurnListen(text: string): Listener | undefined {
  const match = /^(udp|tcp|tls):(.+)$/.exec(text);
  if (match === null) return undefined;
  const transport = match[1] as Listener['transport'];
  const address = parseHostPort(match[2] ?? '', transport === 'tls' ? 5349 : 3478);
  return address === undefined || isIP(address.host) === 0 ? undefined : { transport, ...address };
}

const listen = rule(
  z.string(),
  (text) => parseTurnListen(text) !== undefined,
  'is not a TURN listener',
  'write transport:address:port with udp, tcp or tls, such as udp:0.0.0.0:3478',
);

const quotas = z
  .strictObject({
    allocations: key(z.int().min(1).max(10_000).default(500), { description: 'Relays at one time, of everybody.' }),
    allocationsPerUser: key(z.int().min(1).max(100).default(12), {
      description: 'Relays at one time with the same credentials. A browser takes one for each URL and network it has.',
    }),
    allocationsPerAddress: key(z.int().min(1).max(10_000).default(100), {
      description: 'Relays at one time from one address, behind which a whole office may stand.',
    }),
    bytesPerSecond: key(z.int().min(1_000).max(10_000_000).default(64_000), {
      description: 'What one relay carries each way; a call has about 11,000. What is above is dropped.',
      unit: 'bytes a second',
    }),
  })
  .prefault({});

const embedded = z.strictObject({
  listen: key(z.array(listen).min(1).default(['udp:0.0.0.0:3478', 'tcp:0.0.0.0:3478']), {
    description: 'Where browsers reach it: transport:address:port, transport udp, tcp or tls. Port 0 takes any free one.',
    example: ['udp:0.0.0.0:3478', 'tcp:0.0.0.0:3478', 'tls:0.0.0.0:5349'],
  }),
  publicAddress: key(host.optional(), {
    description:
      'Name or address in the URLs that pages get; for tls the name in the certificate. Without it, media.publicAddress, or the address of the listener.',
    example: 'turn.example.com',
  }),
  tls: key(tls.optional(), { description: 'Certificate of "tls:" listeners. Without it, that of http.tls. SIGHUP has it read again.' }),
  relayPorts: key(
    z
      .strictObject({
        min: key(port(1).default(50_000), { description: 'First UDP port of relays.' }),
        max: key(port(1).default(50_999), { description: 'Last UDP port of relays.' }),
      })
      .prefault({}),
    { description: 'UDP ports toward media.browserPorts, one a relay. They serve within this machine: open none in a firewall.' },
  ),
  quotas: key(quotas, { description: 'Limits.' }),
});

export type EmbeddedTurnConfig = z.output<typeof embedded>;

export const turn = z.strictObject({
  urls: key(z.array(turnUrl).default([]), {
    description:
      'TURN servers that know the same secret (coturn: use-auth-secret, static-auth-secret). Without them, those of the embedded server.',
    example: ['turn:turn.example.com:3478?transport=udp', 'turns:turn.example.com:443?transport=tcp'],
  }),
  secret: optionalSecret(
    'Secret that makes the credentials of pages. At least 24 characters. The embedded server alone can do without one, and makes it up anew at each start.',
    'GATEWAY_TURN_SECRET',
  ),
  ttlSeconds: key(z.int().min(60).max(86_400).default(3600), {
    description: 'How long a page may begin to use its credentials. A relay that is up by then goes on.',
    unit: 'seconds',
  }),
  embedded: key(embedded.optional(), {
    description: "A small STUN and TURN server in the gateway. It relays to the gateway's own media ports and nowhere else.",
  }),
});

export type TurnConfig = z.output<typeof turn>;
