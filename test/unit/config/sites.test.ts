import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { formatFault } from '../../../src/config/fault.js';
import { loadConfig } from '../../../src/config/load.js';
import { resolveSecrets } from '../../../src/config/secrets.js';

const trunk =
  'trunks: [{ id: carrier, callerId: "+15550100", peers: [{ uri: "sip:127.0.0.1:5999" }] }]\npolicy: { destinations: { allow: ["+44"] } }';
const sales = 'destinations: [{ name: sales, number: "+442079460018" }]';
const origins = 'origins: ["https://shop.example"]';

const faultsOf = (yaml: string): string[] => {
  const result = loadConfig(`${trunk}\n${yaml}`, {});
  return result.ok ? [] : result.faults.map(formatFault);
};
const ofSite = (rest: string): string[] => faultsOf(`sites: [{ key: pk_shop, ${rest} }]`);

/** Every fault, with the exact lines an operator reads. */
const table: ReadonlyArray<readonly [what: string, site: string, faults: readonly string[]]> = [
  ['a website with a back end', `${origins}, ${sales}, secret: { env: S }`, []],
  ['a website without one', `${origins}, ${sales}, anonymous: {}`, []],
  ['a website whose back end signs', `${origins}, keys: [{ kid: one, key: { file: /etc/shop.pem } }]`, []],
  ['a website that publishes its keys', `${origins}, jwks: "https://shop.example/.well-known/jwks.json"`, []],
  ['a website with its keys in a file', `${origins}, jwks: /etc/gateway/shop.json`, []],
  ['a page on this machine', 'origins: ["http://localhost:3000", "http://127.0.0.1:8080"], secret: { env: S }', []],
  [
    'no way to a ticket',
    origins,
    [
      'sites[0]: has no way to get a ticket; give secret for a back end, anonymous: {} for a page without one, or keys or jwks for a back end that signs itself',
    ],
  ],
  [
    'pages that ask themselves and may call nobody',
    `${origins}, anonymous: {}`,
    ['sites[0].destinations: is empty, and pages may ask for tickets themselves; name what they may call'],
  ],
  [
    'pages of the whole world that ask themselves',
    `origins: ["*"], ${sales}, anonymous: {}`,
    ['sites[0].origins: lets pages of the whole world ask for tickets; list the origins of the website'],
  ],
  [
    'an origin without https',
    'origins: ["http://shop.example"], secret: { env: S }',
    ['sites[0].origins[0]: http://shop.example is not https, and browsers open no microphone there; serve the website by https'],
  ],
  [
    'an origin that only begins like this machine',
    'origins: ["http://127.evil.example"], secret: { env: S }',
    ['sites[0].origins[0]: http://127.evil.example is not https, and browsers open no microphone there; serve the website by https'],
  ],
  [
    'an origin with a path',
    'origins: ["https://shop.example/"], secret: { env: S }',
    [
      "sites[0].origins[0]: is not an origin; write scheme and host, and the port where it is not the scheme's own, with nothing after it: https://www.example.com",
    ],
  ],
  [
    'a destination without a number',
    `${origins}, secret: { env: S }, destinations: [{ name: sales }]`,
    ['sites[0].destinations[0].number: is missing; give text, in quotes where it looks like a number'],
  ],
  [
    'a name that could be a number',
    `${origins}, secret: { env: S }, destinations: [{ name: "1800", number: "+442079460018" }]`,
    ['sites[0].destinations[0].name: is not a usable name; begin with a letter, then up to 63 letters, digits, ., - and _'],
  ],
  [
    'two destinations of one name',
    `${origins}, secret: { env: S }, destinations: [{ name: a, number: "+441" }, { name: a, number: "+442" }]`,
    ['sites[0].destinations[1].name: "a" stands twice; it is also at sites[0].destinations[0].name'],
  ],
  [
    'a number nobody may dial',
    `${origins}, secret: { env: S }, destinations: [{ name: sales, number: "+19005550100" }]`,
    ['sites[0].destinations[0].number: may not be dialled; add its beginning to policy.destinations.allow, or name another'],
  ],
  [
    'a user that is none',
    `${origins}, secret: { env: S }, users: [alice]`,
    ['sites[0].users[0]: "alice" is none of users; name one of them, or leave it out'],
  ],
  [
    'two keys of one name',
    `${origins}, keys: [{ kid: one, key: { env: A } }, { kid: one, key: { env: B } }]`,
    ['sites[0].keys[1].kid: "one" stands twice; give each key a name of its own'],
  ],
  [
    'keys fetched where anybody can change them on the way',
    `${origins}, jwks: "http://shop.example/keys"`,
    [
      'sites[0].jwks: is neither an https URL nor a path; write where the back end publishes its keys, or the whole path of a file with them',
    ],
  ],
];

describe('the configuration of websites', () => {
  it.each(table)('says what is wrong with %s', (_what, site, faults) => {
    expect(ofSite(site)).toEqual(faults);
  });

  it('takes no key twice, and no key that is none', () => {
    const rest = `${origins}, secret: { env: S }`;
    expect(faultsOf(`sites: [{ key: pk_a, ${rest} }, { key: pk_a, ${rest} }]`)).toEqual([
      'sites[1].key: "pk_a" stands twice; give each site a key of its own; it is also at sites[0].key',
    ]);
    expect(faultsOf(`sites: [{ key: shop, ${rest} }]`)).toEqual([
      'sites[0].key: is not a usable key; write "pk_" and up to 64 letters, digits, - and _ after it; it is public',
    ]);
  });

  it('asks for tickets only where somebody can have one', () => {
    expect(faultsOf('auth: { tickets: { required: true } }')).toEqual([
      'auth.tickets.required: is true, and sites is empty, so that no page can call; add a site, or set it to false',
    ]);
    expect(faultsOf('auth: { tickets: { lifetimeSeconds: 600, maxLifetimeSeconds: 60 } }')).toEqual([
      'auth.tickets.lifetimeSeconds: is 600, and maxLifetimeSeconds is 60; lower it',
    ]);
    expect(faultsOf('auth: { tickets: { keys: [{ kid: a, key: { env: A } }, { kid: a, key: { env: B } }] } }')).toEqual([
      'auth.tickets.keys[1].kid: "a" stands twice; give each key a name of its own',
    ]);
  });

  it('tells visitors apart behind a proxy', () => {
    const proxied = (more: string): string[] =>
      faultsOf(
        `http: { publicUrl: "https://call.example.com"${more} }\nadmin: { token: { env: T } }\nsites: [{ key: pk_a, ${origins}, secret: { env: S } }]`,
      );
    expect(proxied(', trustedProxies: [127.0.0.1]')).toEqual([]);
    expect(proxied('')).toEqual([
      'http.trustedProxies: is empty, and visitors come through a proxy on this machine, so that all of them would be counted as one; write [127.0.0.1], and have the proxy write X-Forwarded-For',
    ]);
  });

  it('says that a drachtio server tells no origins', () => {
    const faults = faultsOf(
      `sip: { stack: drachtio, drachtio: { host: 127.0.0.1, secret: { env: D } } }\nsites: [{ key: pk_a, ${origins}, secret: { env: S } }]`,
    );
    expect(faults).toContain(
      'sites[0].origins: names origins, and a drachtio server does not tell from which origin a page comes; write ["*"]; tickets of the back end are then bound to everything but the origin',
    );
  });
});

describe('the secrets of websites', () => {
  const pem = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const read = (environment: Readonly<Record<string, string>>, yaml: string) => {
    const loaded = loadConfig(yaml, {});
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.faults));
    return resolveSecrets(loaded.config, { environment, readFile: () => pem });
  };
  const yaml = `sites: [{ key: pk_a, ${origins}, secret: { env: S }, keys: [{ kid: one, key: { file: a.pem } }, { kid: two, algorithm: HS256, key: { env: H } }] }]`;

  it('are kept apart by site and key', () => {
    const { secrets, faults } = read({ S: 's'.repeat(24), H: 'h'.repeat(32) }, yaml);
    expect(faults).toEqual([]);
    expect([secrets.siteSecret('pk_a'), secrets.siteKey('pk_a', 'one'), secrets.siteKey('pk_a', 'two')]).toEqual([
      's'.repeat(24),
      pem.trimEnd(),
      'h'.repeat(32),
    ]);
    expect([secrets.siteSecret('pk_b'), secrets.siteKey('pk_b', 'one')]).toEqual([undefined, undefined]);
  });

  it('are refused when they are short, or missing', () => {
    const { faults } = read({ S: 'short' }, yaml);
    expect(faults.map(formatFault)).toEqual([
      'sites[0].secret: has 5 bytes, and needs 24; make one with: openssl rand -base64 48',
      'sites[0].keys[1].key: the variable H is not set; set H in the environment of the gateway',
    ]);
  });
});
