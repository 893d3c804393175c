import type { ConfigFault } from './fault.js';
import { checkGroups, checkInbound } from './inbound-checks.js';
import { clashes } from './listener.js';
import type { GatewayConfig } from './schema.js';
import { drachtioServers } from './sections/drachtio.js';
import { mediaBindAddress } from './sections/media.js';
import { parseListen } from './sections/sip.js';
import { checkSites, checkTickets } from './site-checks.js';
import { checkTurn } from './turn-checks.js';
import { isLoopback } from './values.js';

/** What must hold between keys. Each check names the sections it reads; it is skipped while one of them has faults of its own. */
interface Check {
  readonly reads: readonly (keyof GatewayConfig)[];
  run(config: GatewayConfig): ConfigFault[];
}

/** Whether HTTP can be reached from this machine only, with no proxy before it. */
export function isLocalOnly({ http }: Pick<GatewayConfig, 'http'>): boolean {
  return isLoopback(http.host) && (http.publicUrl === undefined || isLoopback(new URL(http.publicUrl).hostname.replace(/^\[|\]$/g, '')));
}

const fault = (path: string, problem: string, remedy: string): ConfigFault => ({ path, problem, remedy });

function duplicates(entries: readonly string[], path: (at: number) => string, what: string): ConfigFault[] {
  return entries.flatMap((entry, at) => {
    const first = entries.indexOf(entry);
    return first === at ? [] : [fault(path(at), `"${entry}" stands twice`, `give each ${what} once; it is also at ${path(first)}`)];
  });
}

function checkPorts({ media, http, sip }: GatewayConfig): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const { browserPorts, trunkPorts } = media;
  for (const [name, range] of Object.entries({ browserPorts, trunkPorts })) {
    if (range.min > range.max) faults.push(fault(`media.${name}`, `min ${range.min} is above max ${range.max}`, 'exchange the two'));
  }
  if (trunkPorts.min % 2 !== 0)
    faults.push(fault('media.trunkPorts.min', `${trunkPorts.min} is odd`, `begin with an even port: RTP takes ${trunkPorts.min + 1}`));
  if (trunkPorts.max % 2 === 0)
    faults.push(
      fault(
        'media.trunkPorts.max',
        `${trunkPorts.max} is even`,
        `end with an odd port: RTCP takes ${trunkPorts.max - 1} or ${trunkPorts.max + 1}`,
      ),
    );
  if (browserPorts.min <= trunkPorts.max && trunkPorts.min <= browserPorts.max) {
    faults.push(fault('media.trunkPorts', 'overlaps media.browserPorts', 'give the two sides ports of their own'));
  }
  const listeners = listensItself({ sip }) ? sip.listen.map(parseListen) : [];
  for (const [at, listen] of listeners.entries()) {
    if (listen === undefined || listen.port === 0) continue;
    const inside = Object.entries({ browserPorts, trunkPorts }).find(([, range]) => listen.port >= range.min && listen.port <= range.max);
    if (listen.transport === 'udp' && inside !== undefined) {
      faults.push(fault(`sip.listen[${at}]`, `port ${listen.port} lies in media.${inside[0]}`, 'move the listener or the range'));
    }
    if (clashes(listen, { ...http, transport: 'tcp' })) {
      faults.push(fault(`sip.listen[${at}]`, `port ${listen.port} is the port of http`, 'use another port for one of them'));
    }
    const first = listeners.findIndex((other) => other !== undefined && clashes(listen, other));
    if (first < at) {
      const problem = `port ${listen.port} is taken by sip.listen[${first}] already`;
      faults.push(fault(`sip.listen[${at}]`, problem, 'remove one of the two, or give it a port of its own'));
    }
  }
  return faults;
}

/** A drachtio server lets every origin connect, so a page must prove who it is. */
function checkGuests({ sip, browser }: GatewayConfig): ConfigFault[] {
  if (sip.stack !== 'drachtio' || !browser.guests) return [];
  const problem = 'lets pages call without registering, and a drachtio server lets pages of every origin in';
  return [fault('browser.guests', problem, 'set it to false and give users')];
}

/** Who listens for SIP: with drachtio it is its servers, and `sip.listen` says nothing. */
const listensItself = ({ sip }: Pick<GatewayConfig, 'sip'>): boolean => sip.stack === 'embedded';

function checkDrachtio({ sip }: GatewayConfig): ConfigFault[] {
  const { stack, drachtio } = sip;
  if (stack !== 'drachtio') return [];
  if (drachtio?.host !== undefined && drachtio.secret === undefined) {
    return [fault('sip.drachtio.secret', 'is missing', 'write { env: NAME } or { file: PATH }')];
  }
  if (drachtio !== undefined && drachtioServers(drachtio).length > 0) return [];
  return [fault('sip.drachtio', 'names no server, and sip.stack is drachtio', 'give host and secret, or servers; calls leave by them')];
}

function checkTls({ sip }: GatewayConfig): ConfigFault[] {
  if (sip.tls !== undefined || !listensItself({ sip })) return [];
  return sip.listen.flatMap((text, at) =>
    text.startsWith('tls:')
      ? [fault(`sip.listen[${at}]`, 'listens for TLS without a certificate', 'give sip.tls.cert and sip.tls.key, or remove the listener')]
      : [],
  );
}

function checkTransports({ sip, trunks }: GatewayConfig): ConfigFault[] {
  return trunks.flatMap((trunk, at) =>
    trunk.peers.flatMap((peer, peerAt) => {
      const transport = peer.uri.startsWith('sips:') ? 'tls' : (/;transport=(\w+)$/.exec(peer.uri)?.[1] ?? 'udp');
      if (transport !== 'udp' || !listensItself({ sip }) || sip.listen.some((text) => text.startsWith('udp:'))) return [];
      return [
        fault(
          `trunks[${at}].peers[${peerAt}].uri`,
          'is reached over udp, and sip.listen has no udp listener',
          'add one, such as udp:0.0.0.0:5060, or write ;transport=tcp or ;transport=tls after the host',
        ),
      ];
    }),
  );
}

function checkAddresses({ sip, media, trunks }: GatewayConfig): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const bind = mediaBindAddress(media);
  if (media.publicAddress === undefined && (bind === '0.0.0.0' || bind === '::')) {
    faults.push(
      fault('media.publicAddress', `is missing, and media.bindAddress is ${bind}`, 'give the address that browsers and trunks reach'),
    );
  }
  const remote = trunks.some((trunk) => trunk.peers.some((peer) => !/^sips?:(127\.|localhost|\[::1\])/.test(peer.uri)));
  if (remote && isLoopback(bind)) {
    faults.push(
      fault(
        'media.publicAddress',
        `is missing or loopback (media is bound to ${bind}), and a trunk has a peer elsewhere`,
        'give the address that browsers and trunks reach',
      ),
    );
  }
  if (remote && listensItself({ sip }) && sip.listen.every((text) => isLoopback(parseListen(text)?.host ?? ''))) {
    faults.push(
      fault(
        'sip.listen',
        'is loopback only, and a trunk has a peer elsewhere',
        'listen on 0.0.0.0 or the address of an interface, such as udp:0.0.0.0:5060',
      ),
    );
  }
  return faults;
}

function checkUsers({ http, users, inbound }: GatewayConfig): ConfigFault[] {
  const faults = duplicates(
    users.map((user) => user.name.toLowerCase()),
    (at) => `users[${at}].name`,
    'name',
  );
  const local = isLocalOnly({ http });
  for (const [at, user] of users.entries()) {
    if (user.password !== undefined || local) continue;
    faults.push(
      fault(
        `users[${at}].password`,
        'is missing, and http can be reached from other machines',
        'give { env: NAME } or { file: PATH }, or set http.host to 127.0.0.1 without a publicUrl',
      ),
    );
  }
  return [
    ...faults,
    ...duplicates(
      inbound.map((entry) => entry.number),
      (at) => `inbound[${at}].number`,
      'number',
    ),
  ];
}

function checkNumbers({ trunks }: GatewayConfig): ConfigFault[] {
  return trunks.flatMap(({ numberFormat, numbers, identity, register }, at) => {
    const faults: ConfigFault[] = [];
    if (numberFormat === 'national' && numbers.countryCode === undefined) {
      const remedy = 'give it, in quotes: "44"; national numbers cannot be told from others without it';
      faults.push(fault(`trunks[${at}].numbers.countryCode`, 'is missing, and numberFormat is national', remedy));
    }
    if (numbers.uri === 'tel' && numberFormat !== 'e164') {
      faults.push(fault(`trunks[${at}].numbers.uri`, `is tel, and numberFormat is ${numberFormat}`, 'use numberFormat e164, or uri sip'));
    }
    if (identity.from === 'account' && register === undefined) {
      faults.push(fault(`trunks[${at}].identity.from`, 'is account, and the trunk does not register', 'give register, or use trunk'));
    }
    return faults;
  });
}

function checkTrunks({ trunks, policy }: GatewayConfig): ConfigFault[] {
  const faults = duplicates(
    trunks.map((trunk) => trunk.id.toLowerCase()),
    (at) => `trunks[${at}].id`,
    'id',
  );
  if (trunks.length > 0 && policy.destinations.allow.length === 0) {
    faults.push(
      fault(
        'policy.destinations.allow',
        'is empty, so that no page can call a trunk',
        'list the beginnings of numbers that may be called, such as ["+44"]; ["*"] allows all',
      ),
    );
  }
  return faults;
}

/** A trunk for emergency calls that is there. */
function checkEmergency({ policy, trunks }: GatewayConfig): ConfigFault[] {
  const { emergency } = policy;
  if (typeof emergency === 'string' || trunks.some(({ id }) => id === emergency.trunk)) return [];
  return [fault('policy.emergency.trunk', `there is no trunk "${emergency.trunk}"`, 'name one of trunks, or write refuse')];
}

/** Money can be bounded only where it is known what calls cost. */
function checkBudgets({ policy, sites, trunks }: GatewayConfig): ConfigFault[] {
  if (policy.rates.length > 0) return [];
  const bounded = [
    { path: 'policy.budget', budget: policy.budget },
    ...policy.perDestination.map(({ budget }, at) => ({ path: `policy.perDestination[${at}].budget`, budget })),
    ...sites.map(({ budget }, at) => ({ path: `sites[${at}].budget`, budget })),
    ...trunks.map(({ budget }, at) => ({ path: `trunks[${at}].budget`, budget })),
  ];
  return bounded
    .filter(({ budget }) => budget?.perDay !== undefined || budget?.perMonth !== undefined)
    .map(({ path }) =>
      fault(path, 'bounds money, and policy.rates does not say what calls cost', 'add rates, such as { prefix: "*", perMinute: 0.05 }'),
    );
}

function checkAdmin(config: GatewayConfig): ConfigFault[] {
  if (config.admin.viewToken !== undefined && config.admin.token === undefined) {
    return [
      fault('admin.token', 'is missing, and admin.viewToken is there', 'give { env: NAME } or { file: PATH }, or take viewToken away'),
    ];
  }
  if (config.admin.token !== undefined || isLocalOnly(config)) return [];
  return [
    fault(
      'admin.token',
      'is missing, and http can be reached from other machines',
      'give { env: NAME } or { file: PATH }, or set http.host to 127.0.0.1 without a publicUrl',
    ),
  ];
}

const checks: readonly Check[] = [
  { reads: ['media', 'http', 'sip'], run: checkPorts },
  { reads: ['media', 'http', 'sip'], run: checkTurn },
  { reads: ['sip'], run: checkTls },
  { reads: ['sip'], run: checkDrachtio },
  { reads: ['sip', 'browser'], run: checkGuests },
  { reads: ['sip', 'trunks'], run: checkTransports },
  { reads: ['sip', 'media', 'trunks'], run: checkAddresses },
  { reads: ['http', 'users', 'inbound'], run: checkUsers },
  { reads: ['groups', 'users', 'policy'], run: checkGroups },
  { reads: ['inbound', 'groups', 'users', 'trunks', 'policy'], run: checkInbound },
  { reads: ['trunks', 'policy'], run: checkTrunks },
  { reads: ['trunks'], run: checkNumbers },
  { reads: ['sites', 'policy', 'trunks', 'users'], run: checkSites },
  { reads: ['sites', 'policy', 'trunks'], run: checkBudgets },
  { reads: ['policy', 'trunks'], run: checkEmergency },
  { reads: ['auth', 'sites', 'sip', 'http'], run: checkTickets },
  { reads: ['admin', 'http'], run: checkAdmin },
];

/** Runs every check whose sections are all in `sound`. */
export function crossCheck(sections: Partial<GatewayConfig>): ConfigFault[] {
  return checks
    .filter(({ reads }) => reads.every((name) => sections[name] !== undefined))
    .flatMap((check) => check.run(sections as GatewayConfig));
}
