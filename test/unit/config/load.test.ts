import { describe, expect, it } from 'vitest';
import { formatFault } from '../../../src/config/fault.js';
import { loadConfig } from '../../../src/config/load.js';

const faultsOf = (yaml: string, environment: Record<string, string> = {}): string[] => {
  const result = loadConfig(yaml, environment);
  return result.ok ? [] : result.faults.map(formatFault);
};

const trunk = `
sip: { listen: ["udp:0.0.0.0:5060"] }
media: { publicAddress: 203.0.113.10 }
policy: { destinations: { allow: ["+44"] } }
`;

const secretRemedy = 'put it in a variable or a file: { env: NAME } or { file: PATH }';
const authority = 'give { env: NAME } or { file: PATH }, or set http.host to 127.0.0.1 without a publicUrl';

/** Every kind of fault, with the exact lines an operator reads. */
const table: ReadonlyArray<readonly [what: string, yaml: string, faults: readonly string[]]> = [
  ['a key that does not exist', 'http: { prot: 1 }', ['http.prot: unknown key; did you mean "port"?']],
  ['a key with underscores', 'http: { public_url: x }', ['http.public_url: unknown key; did you mean "publicUrl"?']],
  ['a key like no other', 'shutdown: { colour: red }', ['shutdown.colour: unknown key; remove it; known here are drainSeconds']],
  ['a section that does not exist', 'trunk: []', ['trunk: unknown key; did you mean "trunks"?']],
  ['a planned section', 'menus: {}', ['menus: not available in this version; remove it']],
  ['a planned key', 'cdr: { webhook: "https://h.example" }', ['cdr.webhook: not available in this version; remove it']],
  [
    'a planned key of a list entry',
    `${trunk}trunks: [{ id: a, callerId: "+441", peers: [{ uri: "sip:h.example" }], srtp: sdes }]`,
    ['trunks[0].srtp: not available in this version; remove it'],
  ],
  [
    'a profile that does not exist',
    `${trunk}trunks: [{ id: a, profile: strict-imz, callerId: "+441", peers: [{ uri: "sip:h.example" }] }]`,
    ['trunks[0].profile: there is no profile "strict-imz"; did you mean "strict-ims"?'],
  ],
  [
    'a header of secure digits that SIP has another meaning for',
    `${trunk}trunks: [{ id: a, secureDigitsHeader: Contact, callerId: "+441", peers: [{ uri: "sip:h.example" }] }]`,
    ['trunks[0].secureDigitsHeader: is not the name of a header of your own; write a name that begins with X-, such as X-Secure-Digits'],
  ],
  [
    'a profile that is a path',
    `${trunk}trunks: [{ id: a, profile: ../x, callerId: "+441", peers: [{ uri: "sip:h.example" }] }]`,
    ['trunks[0].profile: is not the name of a profile; write the name of a file in config/profiles/, without .yaml'],
  ],
  [
    'national numbers without a country',
    `${trunk}trunks: [{ id: a, profile: national-pstn, callerId: "+441", peers: [{ uri: "sip:h.example" }] }]`,
    [
      'trunks[0].numbers.countryCode: is missing, and numberFormat is national; give it, in quotes: "44"; national numbers cannot be told from others without it',
    ],
  ],
  [
    'tel URIs of numbers that are not global, and an account that is none',
    `${trunk}trunks: [{ id: a, numberFormat: as-dialled, numbers: { uri: tel }, identity: { from: account }, callerId: "+441", peers: [{ uri: "sip:h.example" }] }]`,
    [
      'trunks[0].numbers.uri: is tel, and numberFormat is as-dialled; use numberFormat e164, or uri sip',
      'trunks[0].identity.from: is account, and the trunk does not register; give register, or use trunk',
    ],
  ],
  [
    'a stack on servers that are not named',
    'sip: { stack: drachtio }\nbrowser: { guests: false }',
    ['sip.drachtio: names no server, and sip.stack is drachtio; give host and secret, or servers; calls leave by them'],
  ],
  [
    'a drachtio server without its secret',
    'sip: { stack: drachtio, drachtio: { host: 127.0.0.1 } }\nbrowser: { guests: false }',
    ['sip.drachtio.secret: is missing; write { env: NAME } or { file: PATH }'],
  ],
  [
    'guests whose origin nobody checks',
    'sip: { stack: drachtio, drachtio: { host: 127.0.0.1, secret: { env: S } } }',
    [
      'browser.guests: lets pages call without registering, and a drachtio server lets pages of every origin in; set it to false and give users',
    ],
  ],
  ['an unknown stack', 'sip: { stack: pjsip }', ['sip.stack: is not a known value; use one of embedded, drachtio']],
  ['a text where a number stands', 'http: { port: "80" }', ['http.port: is text; give a number']],
  ['a broken number', 'http: { port: 80.5 }', ['http.port: is not a whole number; give a whole number']],
  ['a number too large', 'http: { port: 70000 }', ['http.port: is too large; give at most 65535']],
  ['a number too small', 'policy: { maxCalls: 0 }', ['policy.maxCalls: is too small; give at least 1']],
  ['a number that must be more', 'policy: { maxCallsPerSecond: 0 }', ['policy.maxCallsPerSecond: is too small; give more than 0']],
  ['no value', 'log: { level: }', ['log.level: is not a known value; use one of debug, info, warn, error']],
  ['an unknown value', 'log: { level: loud }', ['log.level: is not a known value; use one of debug, info, warn, error']],
  ['a list that is none', 'trunks: carrier', ['trunks: is text; give a list: [one, two] or one entry a line, each after "- "']],
  ['an empty list', 'sip: { listen: [] }', ['sip.listen: is an empty list; give at least one entry']],
  ['neither of two kinds', 'media: { workers: many }', ['media.workers: is text, or not a known value; give auto, or a number']],
  [
    'what is missing in a list entry',
    `${trunk}trunks: [{ id: a }]`,
    [
      'trunks[0].peers: is missing; give a list: [one, two] or one entry a line, each after "- "',
      'trunks[0].callerId: is missing; give text, in quotes where it looks like a number',
    ],
  ],
  [
    'a number without quotes',
    'users: [{ name: a }]\ninbound: [{ number: 44123, to: { user: a } }]',
    ['inbound[0].number: is a number; give text, in quotes where it looks like a number'],
  ],
  [
    'a secret in the file',
    `${trunk}trunks: [{ id: a, callerId: "+441", peers: [{ uri: "sip:h.example" }], auth: { user: u, password: hush } }]`,
    [`trunks[0].auth.password: is a secret written into the file; ${secretRemedy}`],
  ],
  ['a token in the file', 'admin: { token: hush }', [`admin.token: is a secret written into the file; ${secretRemedy}`]],
  [
    'a secret from two places',
    'admin: { token: { env: A, file: /b } }',
    ['admin.token: names no single source; write { env: NAME } or { file: PATH }, one of the two'],
  ],
  [
    'a peer that is no SIP URI',
    `${trunk}trunks: [{ id: a, callerId: "+441", peers: [{ uri: "http://carrier" }] }]`,
    [
      'trunks[0].peers[0].uri: is not a peer URI; write sip:host, sip:host:port or sip:host:port;transport=tcp (udp, tcp, tls), without a user or password',
    ],
  ],
  [
    'an address block that is none',
    `${trunk}trunks: [{ id: a, callerId: "+441", peers: [{ uri: "sip:h.example" }], allow: [198.51.100.0/33] }]`,
    ['trunks[0].allow[0]: is not an address block; write it as 198.51.100.0/24, 2001:db8::/32 or a single address'],
  ],
  [
    'a listener that is none',
    'sip: { listen: ["0.0.0.0:5060"] }',
    ['sip.listen[0]: is not a SIP listener; write transport:address:port with udp, tcp or tls, such as udp:0.0.0.0:5060'],
  ],
  [
    'a listener without an address',
    'sip: { listen: ["udp:0.0.0.0", "udp:5060"] }',
    ['sip.listen[1]: is not a SIP listener; write transport:address:port with udp, tcp or tls, such as udp:0.0.0.0:5060'],
  ],
  [
    'an origin with a path',
    'http: { allowedOrigins: ["https://www.example.com/"] }',
    [
      "http.allowedOrigins[0]: is not an origin; write scheme and host, and the port where it is not the scheme's own, with nothing after it: https://www.example.com",
    ],
  ],
  [
    'a public URL that is none',
    'http: { publicUrl: call.example.com }',
    [
      'http.publicUrl: is not an http or https URL; write the URL under which browsers reach this listener, such as https://call.example.com',
    ],
  ],
  [
    'an odd first trunk port',
    'media: { trunkPorts: { min: 45001 } }',
    ['media.trunkPorts.min: 45001 is odd; begin with an even port: RTP takes 45002'],
  ],
  [
    'an even last trunk port',
    'media: { trunkPorts: { max: 49998 } }',
    ['media.trunkPorts.max: 49998 is even; end with an odd port: RTCP takes 49997 or 49999'],
  ],
  [
    'port ranges that overlap',
    'media: { browserPorts: { max: 45000 } }',
    ['media.trunkPorts: overlaps media.browserPorts; give the two sides ports of their own'],
  ],
  [
    'a range upside down',
    'media: { browserPorts: { min: 44000, max: 43000 } }',
    ['media.browserPorts: min 44000 is above max 43000; exchange the two'],
  ],
  [
    'a SIP port inside a media range',
    'sip: { listen: ["udp:127.0.0.1:40100"] }',
    ['sip.listen[0]: port 40100 lies in media.browserPorts; move the listener or the range'],
  ],
  [
    'one port for two listeners',
    'sip: { listen: ["udp:127.0.0.1:5060", "tcp:0.0.0.0:8080"] }',
    ['sip.listen[1]: port 8080 is the port of http; use another port for one of them'],
  ],
  [
    'one SIP listener twice, or inside another',
    'sip: { listen: ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060", "udp:127.0.0.1:5060", "tcp:0.0.0.0:5060", "udp:127.0.0.2:5060"] }',
    [
      'sip.listen[2]: port 5060 is taken by sip.listen[0] already; remove one of the two, or give it a port of its own',
      'sip.listen[3]: port 5060 is taken by sip.listen[1] already; remove one of the two, or give it a port of its own',
    ],
  ],
  [
    'TLS without a certificate',
    'sip: { listen: ["tls:127.0.0.1:5061"] }',
    ['sip.listen[0]: listens for TLS without a certificate; give sip.tls.cert and sip.tls.key, or remove the listener'],
  ],
  [
    'no public address for every interface',
    'media: { bindAddress: 0.0.0.0 }',
    ['media.publicAddress: is missing, and media.bindAddress is 0.0.0.0; give the address that browsers and trunks reach'],
  ],
  [
    'a carrier elsewhere and loopback here',
    'policy: { destinations: { allow: ["+44"] } }\ntrunks: [{ id: a, callerId: "+441", peers: [{ uri: "sip:h.example" }] }]',
    [
      'media.publicAddress: is missing or loopback (media is bound to 127.0.0.1), and a trunk has a peer elsewhere; give the address that browsers and trunks reach',
      'sip.listen: is loopback only, and a trunk has a peer elsewhere; listen on 0.0.0.0 or the address of an interface, such as udp:0.0.0.0:5060',
    ],
  ],
  [
    'a peer over udp without a udp listener',
    'sip: { listen: ["tcp:127.0.0.1:5060"] }\npolicy: { destinations: { allow: ["*"] } }\ntrunks: [{ id: a, callerId: "+441", peers: [{ uri: "sip:127.0.0.1" }] }]',
    [
      'trunks[0].peers[0].uri: is reached over udp, and sip.listen has no udp listener; add one, such as udp:0.0.0.0:5060, or write ;transport=tcp or ;transport=tls after the host',
    ],
  ],
  [
    'a trunk and nothing that may be dialled',
    'trunks: [{ id: a, callerId: "+441", peers: [{ uri: "sip:127.0.0.1:5070" }] }]',
    [
      'policy.destinations.allow: is empty, so that no page can call a trunk; list the beginnings of numbers that may be called, such as ["+44"]; ["*"] allows all',
    ],
  ],
  [
    'two trunks of one id',
    'policy: { destinations: { allow: ["*"] } }\ntrunks: [{ id: a, callerId: "+441", peers: [{ uri: "sip:127.0.0.1:5070" }] }, { id: A, callerId: "+441", peers: [{ uri: "sip:127.0.0.1:5070" }] }]',
    ['trunks[1].id: "a" stands twice; give each id once; it is also at trunks[0].id'],
  ],
  [
    'a number for nobody',
    'users: [{ name: bob }]\ninbound: [{ number: "+441", to: { user: alice } }]',
    ['inbound[0].to.user: there is no user "alice"; add it to users or name another; users has bob'],
  ],
  [
    'a number that leads to two at once',
    'users: [{ name: bob }]\ninbound: [{ number: "+441", to: { user: bob, number: "+442" } }]',
    ['inbound[0].to: names no single target; give one of user, group and number'],
  ],
  [
    'a group without users of ours, and one that rings too long',
    'users: [{ name: bob }, { name: eve }, { name: dan }, { name: may }]\ngroups: [{ name: sales, users: [bob, ann, bob] }, { name: sales, users: [bob, eve, dan, may], strategy: sequential }]',
    [
      'groups[0].users[1]: there is no user "ann"; add it to users or name another; users has bob, eve, dan, may',
      'groups[0].users[2]: "bob" stands twice; name each user once; it is also at groups[0].users[0]',
      'groups[1].name: "sales" stands twice; give each group a name of its own',
      'groups[1].ringSeconds: is 20, 80 for all its users, and policy.ringSeconds is 60; shorten it, or raise policy.ringSeconds',
    ],
  ],
  [
    'a call forwarded to nobody there',
    'users: [{ name: bob }]\ninbound: [{ number: "+441", to: { user: bob }, otherwise: { group: sales, afterSeconds: 90 } }]',
    [
      'inbound[0].otherwise.group: there is no group "sales"; add it to groups or name another; groups is empty',
      'inbound[0].otherwise.afterSeconds: is 90, and policy.ringSeconds is 60; shorten it, or raise policy.ringSeconds',
    ],
  ],
  [
    'a call forwarded to a number that is not allowed, or comes back',
    'policy: { destinations: { allow: ["+44"] } }\ntrunks: [{ id: a, callerId: "+441", peers: [{ uri: "sip:127.0.0.1:5070" }] }]\ninbound: [{ number: "+441", to: { number: "+1900" } }, { number: "442", to: { number: "+442" } }]',
    [
      'inbound[0].to.number: may not be dialled; add its beginning to policy.destinations.allow, or name another',
      'inbound[1].to.number: is a number of inbound itself; name the user or group it leads to',
    ],
  ],
  [
    'a call forwarded without a trunk',
    'policy: { destinations: { allow: ["*"] } }\ninbound: [{ number: "*", to: { number: "+441" } }]',
    ['inbound[0].to.number: is a telephone, and trunks is empty; add the trunk that calls it'],
  ],
  [
    'an open listener without passwords',
    'http: { host: 0.0.0.0 }\nusers: [{ name: bob }]',
    [
      `users[0].password: is missing, and http can be reached from other machines; ${authority}`,
      `admin.token: is missing, and http can be reached from other machines; ${authority}`,
    ],
  ],
  [
    'a proxy before a loopback listener, without a token',
    'http: { publicUrl: "https://call.example.com" }',
    [`admin.token: is missing, and http can be reached from other machines; ${authority}`],
  ],
  ['a file that is a list', '- http', ['(file): is not a group of keys; begin with keys such as http: and trunks:']],
];

describe('loading a configuration', () => {
  it.each(table)('names %s', (_, yaml, faults) => {
    expect(faultsOf(yaml)).toEqual(faults);
  });

  it('reports every fault at once, across sections', () => {
    expect(faultsOf('http: { prot: 1, port: 0x }\nlog: { level: loud }\nsip: { listen: ["tls:127.0.0.1:5061"] }\ncolours: {}')).toEqual([
      'http.port: is text; give a number',
      'http.prot: unknown key; did you mean "port"?',
      'log.level: is not a known value; use one of debug, info, warn, error',
      'colours: unknown key; remove it; known here are http, sip, media, trunks, users, groups, inbound, sites, auth, policy, browser, shutdown, cdr, story, log, admin',
      'sip.listen[0]: listens for TLS without a certificate; give sip.tls.cert and sip.tls.key, or remove the listener',
    ]);
  });

  it('names the line of a file that is not YAML', () => {
    const [fault] = faultsOf('http:\n  port: [1\nsip: {}\n');
    expect(fault).toMatch(/^line [23], column \d+: is not valid YAML \(/);
  });

  it('never repeats a secret that stands in the file', () => {
    expect(faultsOf('admin: { token: hush-hush }').join()).not.toContain('hush');
  });

  it('takes an empty file, and an empty section, as all defaults', () => {
    const empty = loadConfig('', {});
    expect(empty).toEqual(loadConfig('http:\nsip: {}\n', {}));
    expect(empty.ok && empty.config.http).toEqual({ host: '127.0.0.1', port: 8080, allowedOrigins: [], trustedProxies: [] });
  });

  it('takes the example of the README', () => {
    const yaml = `
http: { host: 127.0.0.1, port: 8080, publicUrl: https://call.example.com, allowedOrigins: [https://www.example.com] }
sip: { listen: ["udp:0.0.0.0:5060", "tcp:0.0.0.0:5060"], publicAddress: 203.0.113.10 }
media: { publicAddress: 203.0.113.10, browserPorts: { min: 40000, max: 44999 }, trunkPorts: { min: 45000, max: 49999 } }
trunks:
  - id: carrier
    peers: [{ uri: "sip:sip.carrier.example:5060;transport=udp" }]
    auth: { user: "441234567", password: { env: TRUNK_PASSWORD } }
    callerId: "+441234567890"
    numberFormat: e164
    allow: [198.51.100.0/24]
    mediaAllow: [198.51.100.0/24]
policy: { destinations: { allow: ["+44", "+1"], deny: ["+4487"] }, maxCalls: 50, maxSeconds: 3600 }
cdr: { file: /var/lib/gateway/cdr.jsonl }
admin: { token: { env: GATEWAY_ADMIN_TOKEN } }
`;
    expect(faultsOf(yaml)).toEqual([]);
  });
});

describe('overrides by the environment', () => {
  const configOf = (yaml: string, environment: Record<string, string>) => {
    const result = loadConfig(yaml, environment);
    return result.ok ? result.config : result.faults;
  };

  it('replace what the file says, by path', () => {
    expect(configOf('http: { port: 8080 }', { GATEWAY_HTTP__PORT: '8081' })).toMatchObject({ http: { port: 8081 } });
  });

  it('name capitals with an underscore and take texts as they are', () => {
    const environment = {
      GATEWAY_INBOUND__0__TO__USER: 'bob',
      GATEWAY_INBOUND__0__NUMBER: '441',
      GATEWAY_USERS__0__NAME: 'bob',
      GATEWAY_LOG__LEVEL: 'warn',
    };
    expect(configOf('', environment)).toMatchObject({
      inbound: [{ number: '441', to: { user: 'bob' } }],
      users: [{ name: 'bob' }],
      log: { level: 'warn' },
    });
    expect(configOf('', { GATEWAY_POLICY__MAX_CALLS: '7' })).toMatchObject({ policy: { maxCalls: 7 } });
  });

  it('take lists with commas', () => {
    expect(configOf('', { GATEWAY_SIP__LISTEN: 'udp:127.0.0.1:5070, tcp:127.0.0.1:5070' })).toMatchObject({
      sip: { listen: ['udp:127.0.0.1:5070', 'tcp:127.0.0.1:5070'] },
    });
  });

  it('leave variables without two underscores alone, which may hold secrets', () => {
    expect(faultsOf('', { GATEWAY_ADMIN_TOKEN: 'hush', GATEWAY_CONFIG: '/x' })).toEqual([]);
  });

  it('are refused when they name nothing', () => {
    expect(faultsOf('', { GATEWAY_HTTP__PROT: '1' })).toEqual(['GATEWAY_HTTP__PROT: names an unknown key, "prot"; did you mean "port"?']);
  });

  it('are checked like the file', () => {
    expect(faultsOf('', { GATEWAY_HTTP__PORT: 'many' })).toEqual(['http.port: is text; give a number']);
  });
});
