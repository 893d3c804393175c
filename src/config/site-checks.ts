import { mayDial } from '../policy/destinations.js';
import type { ConfigFault } from './fault.js';
import type { GatewayConfig } from './schema.js';
import type { SiteConfig } from './sections/sites.js';
import { isLoopback } from './values.js';

/** What must hold of websites with a call button, and between them and the rest. */

const fault = (path: string, problem: string, remedy: string): ConfigFault => ({ path, problem, remedy });

/** Browsers open a microphone only where nobody can change the page on its way (W3C Secure Contexts §3.1). */
function isPlainHttp(origin: string): boolean {
  if (!origin.startsWith('http://')) return false;
  return !isLoopback(new URL(origin).hostname.replace(/^\[|\]$/g, ''));
}

/** Websites each with a way to tickets, names that lead somewhere, and origins that cannot be forged on the way. */
export function checkSites(config: GatewayConfig): ConfigFault[] {
  const { sites } = config;
  return sites.flatMap((site, at) => {
    const path = `sites[${at}]`;
    const first = sites.findIndex(({ key }) => key === site.key);
    const twice =
      first === at
        ? []
        : [fault(`${path}.key`, `"${site.key}" stands twice`, `give each site a key of its own; it is also at sites[${first}].key`)];
    return [
      ...twice,
      ...checkWays(site, path),
      ...checkOrigins(site, path),
      ...checkDestinations(config, site, path),
      ...checkUsers(config, site, path),
    ];
  });
}

function checkWays(site: SiteConfig, path: string): ConfigFault[] {
  const faults: ConfigFault[] = [];
  if (site.secret === undefined && site.anonymous === undefined && (site.keys ?? []).length === 0 && site.jwks === undefined) {
    const remedy = 'give secret for a back end, anonymous: {} for a page without one, or keys or jwks for a back end that signs itself';
    faults.push(fault(path, 'has no way to get a ticket', remedy));
  }
  if (site.anonymous !== undefined && site.destinations.length === 0) {
    faults.push(fault(`${path}.destinations`, 'is empty, and pages may ask for tickets themselves', 'name what they may call'));
  }
  if (site.anonymous !== undefined && site.origins.includes('*')) {
    faults.push(fault(`${path}.origins`, 'lets pages of the whole world ask for tickets', 'list the origins of the website'));
  }
  const { keys = [] } = site;
  for (const [at, { kid }] of keys.entries()) {
    if (keys.findIndex((other) => other.kid === kid) !== at) {
      faults.push(fault(`${path}.keys[${at}].kid`, `"${kid}" stands twice`, 'give each key a name of its own'));
    }
  }
  return faults;
}

function checkOrigins({ origins }: SiteConfig, path: string): ConfigFault[] {
  return origins.flatMap((origin, at) =>
    isPlainHttp(origin)
      ? [fault(`${path}.origins[${at}]`, `${origin} is not https, and browsers open no microphone there`, 'serve the website by https')]
      : [],
  );
}

function checkDestinations({ policy, trunks }: GatewayConfig, { destinations }: SiteConfig, path: string): ConfigFault[] {
  return destinations.flatMap(({ name, number }, at) => {
    const here = `${path}.destinations[${at}]`;
    const faults: ConfigFault[] = [];
    const first = destinations.findIndex((other) => other.name === name);
    if (first !== at) faults.push(fault(`${here}.name`, `"${name}" stands twice`, `it is also at ${path}.destinations[${first}].name`));
    if (trunks.length > 0 && !mayDial(policy.destinations, number)) {
      faults.push(fault(`${here}.number`, 'may not be dialled', 'add its beginning to policy.destinations.allow, or name another'));
    }
    return faults;
  });
}

function checkUsers({ users }: GatewayConfig, site: SiteConfig, path: string): ConfigFault[] {
  return site.users.flatMap((name, at) =>
    users.some((user) => user.name === name)
      ? []
      : [fault(`${path}.users[${at}]`, `"${name}" is none of users`, 'name one of them, or leave it out')],
  );
}

/** Tickets that can be had where they are asked for. */
export function checkTickets({ auth, sites, sip, http }: GatewayConfig): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const { required, keys = [], lifetimeSeconds, maxLifetimeSeconds } = auth.tickets;
  if (required === true && sites.length === 0) {
    faults.push(fault('auth.tickets.required', 'is true, and sites is empty, so that no page can call', 'add a site, or set it to false'));
  }
  if (lifetimeSeconds > maxLifetimeSeconds) {
    faults.push(
      fault('auth.tickets.lifetimeSeconds', `is ${lifetimeSeconds}, and maxLifetimeSeconds is ${maxLifetimeSeconds}`, 'lower it'),
    );
  }
  for (const [at, { kid }] of keys.entries()) {
    if (keys.findIndex((other) => other.kid === kid) !== at) {
      faults.push(fault(`auth.tickets.keys[${at}].kid`, `"${kid}" stands twice`, 'give each key a name of its own'));
    }
  }
  const { publicUrl, trustedProxies, host } = http;
  const proxied = publicUrl !== undefined && isLoopback(host) && !isLoopback(new URL(publicUrl).hostname);
  if (proxied && sites.length > 0 && trustedProxies.length === 0) {
    const problem = 'is empty, and visitors come through a proxy on this machine, so that all of them would be counted as one';
    faults.push(fault('http.trustedProxies', problem, 'write [127.0.0.1], and have the proxy write X-Forwarded-For'));
  }
  const bound = sites.findIndex(({ origins }) => !origins.includes('*'));
  if (sip.stack === 'drachtio' && bound >= 0) {
    const problem = 'names origins, and a drachtio server does not tell from which origin a page comes';
    faults.push(
      fault(`sites[${bound}].origins`, problem, 'write ["*"]; tickets of the back end are then bound to everything but the origin'),
    );
  }
  return faults;
}
