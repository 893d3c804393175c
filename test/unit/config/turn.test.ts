import { describe, expect, it } from 'vitest';
import { formatFault } from '../../../src/config/fault.js';
import { loadConfig } from '../../../src/config/load.js';
import { resolveSecrets } from '../../../src/config/secrets.js';

const faultsOf = (media: string): string[] => {
  const result = loadConfig(`media: ${media}`, {});
  return result.ok ? [] : result.faults.map(formatFault);
};

const embedded = 'media.turn.embedded';

/** Every fault, with the exact lines an operator reads. */
const table: ReadonlyArray<readonly [what: string, media: string, faults: readonly string[]]> = [
  ['a coturn with its secret', '{ turn: { urls: ["turn:t.example:3478?transport=udp"], secret: { env: S } } }', []],
  ['an embedded server without anything else', '{ publicAddress: 203.0.113.10, turn: { embedded: {} } }', []],
  ['a STUN server', '{ iceServers: [{ urls: ["stun:s.example", "stun:[2001:db8::1]:3478"] }] }', []],
  ['TURN without a server', '{ turn: {} }', ['media.turn: names no server; give urls of a coturn, or embedded: {}']],
  [
    'a coturn without its secret',
    '{ turn: { urls: ["turns:t.example"] } }',
    ["media.turn.secret: is missing; write { env: NAME } or { file: PATH } with the same value as coturn's static-auth-secret"],
  ],
  [
    'a STUN server among TURN servers',
    '{ turn: { urls: ["stun:s.example"], secret: { env: S } } }',
    [
      'media.turn.urls[0]: is not the URL of a TURN server; write turn:host:port?transport=udp or tcp, or turns:host:port?transport=tcp; a STUN server belongs in media.iceServers',
    ],
  ],
  [
    'a web address as a server',
    '{ iceServers: [{ urls: ["https://s.example"] }] }',
    [
      'media.iceServers[0].urls[0]: is not the URL of a STUN or TURN server; write stun:host, turn:host:port?transport=udp or tcp, or turns:host:port?transport=tcp',
    ],
  ],
  [
    'a fixed TURN server without a password',
    '{ iceServers: [{ urls: ["turn:t.example"], username: u }] }',
    [
      'media.iceServers[0]: is a TURN server without username and credential; give both, or use media.turn, which makes credentials that soon expire',
    ],
  ],
  [
    'a listener that is none',
    '{ publicAddress: 203.0.113.10, turn: { embedded: { listen: ["sctp:0.0.0.0:3478"] } } }',
    [`${embedded}.listen[0]: is not a TURN listener; write transport:address:port with udp, tcp or tls, such as udp:0.0.0.0:3478`],
  ],
  [
    'TLS without a certificate',
    '{ publicAddress: 203.0.113.10, turn: { embedded: { listen: ["tls:0.0.0.0"] } } }',
    [`${embedded}.tls: is missing, and a listener is for TLS; give ${embedded}.tls or http.tls, cert and key, or remove the listener`],
  ],
  [
    'every address, and none that browsers reach',
    '{ turn: { embedded: {} } }',
    [`${embedded}.publicAddress: is missing, and a listener has every address; give the address that browsers reach`],
  ],
  [
    'relays where media is',
    '{ publicAddress: 203.0.113.10, turn: { embedded: { relayPorts: { min: 44000, max: 46000 } } } }',
    [
      `${embedded}.relayPorts: overlaps media.browserPorts; give relays ports of their own`,
      `${embedded}.relayPorts: overlaps media.trunkPorts; give relays ports of their own`,
    ],
  ],
  [
    'relay ports the wrong way round',
    '{ publicAddress: 203.0.113.10, turn: { embedded: { relayPorts: { min: 51000, max: 50000 } } } }',
    [`${embedded}.relayPorts: min 51000 is above max 50000; exchange the two`],
  ],
  [
    'listeners where others are',
    '{ publicAddress: 203.0.113.10, turn: { embedded: { listen: ["udp:0.0.0.0:50001", "tcp:127.0.0.1:8080", "udp:0.0.0.0:5060", "udp:127.0.0.1:5060"] } } }',
    [
      `${embedded}.listen[0]: port 50001 lies in ${embedded}.relayPorts; move the listener or the range`,
      `${embedded}.listen[1]: port 8080 is the port of http; use another port for one of them`,
      `${embedded}.listen[2]: port 5060 is the port of a SIP listener; use another port for one of them`,
      `${embedded}.listen[3]: port 5060 is the port of a SIP listener; use another port for one of them`,
    ],
  ],
];

describe('STUN and TURN in the configuration', () => {
  it.each(table)('%s', (_what, media, faults) => {
    expect(faultsOf(media)).toEqual(faults);
  });

  it('has the values that fit a small installation', () => {
    const result = loadConfig('media: { publicAddress: 203.0.113.10, turn: { embedded: {} } }', {});
    expect(result.ok && result.config.media.turn).toEqual({
      urls: [],
      ttlSeconds: 3600,
      embedded: {
        listen: ['udp:0.0.0.0:3478', 'tcp:0.0.0.0:3478'],
        relayPorts: { min: 50_000, max: 50_999 },
        quotas: { allocations: 500, allocationsPerUser: 12, allocationsPerAddress: 100, bytesPerSecond: 64_000 },
      },
    });
  });

  it('takes secrets from where they are, and not short ones', () => {
    const yaml = `media:
  iceServers: [{ urls: ["stun:s.example"] }, { urls: ["turn:t.example"], username: u, credential: { env: P } }]
  turn: { urls: ["turn:t.example"], secret: { env: S } }`;
    const result = loadConfig(yaml, {});
    if (!result.ok) throw new Error(result.faults.map(formatFault).join('\n'));
    const read = (environment: Record<string, string>) => resolveSecrets(result.config, { environment, readFile: () => '' });
    const { secrets, faults } = read({ P: 'password', S: 'x'.repeat(24) });
    expect([faults, secrets.iceCredential(0), secrets.iceCredential(1), secrets.turnSecret]).toEqual([
      ...[[], undefined, 'password'],
      'x'.repeat(24),
    ]);
    expect(read({ P: 'password', S: 'short' }).faults.map(formatFault)).toEqual([
      'media.turn.secret: has 5 bytes, and needs 24; make one with: openssl rand -base64 48',
    ]);
  });
});
