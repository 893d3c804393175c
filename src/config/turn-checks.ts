import type { ConfigFault } from './fault.js';
import { clashes, type Listener } from './listener.js';
import type { GatewayConfig } from './schema.js';
import { parseListen } from './sections/sip.js';
import { type EmbeddedTurnConfig, parseTurnListen } from './sections/turn.js';

/** What must hold between the keys of STUN and TURN and the others. */

const fault = (path: string, problem: string, remedy: string): ConfigFault => ({ path, problem, remedy });

export function checkTurn(config: Pick<GatewayConfig, 'media' | 'http' | 'sip'>): ConfigFault[] {
  const { turn } = config.media;
  return [
    ...checkIceServers(config),
    ...(turn === undefined ? [] : checkSource(turn)),
    ...(turn?.embedded === undefined ? [] : checkEmbedded(config, turn.embedded)),
  ];
}

function checkIceServers({ media }: Pick<GatewayConfig, 'media'>): ConfigFault[] {
  return media.iceServers.flatMap(({ urls, username, credential }, at) => {
    const isTurn = urls.some((url) => url.startsWith('turn'));
    if (isTurn && (username === undefined || credential === undefined)) {
      const remedy = 'give both, or use media.turn, which makes credentials that soon expire';
      return [fault(`media.iceServers[${at}]`, 'is a TURN server without username and credential', remedy)];
    }
    return [];
  });
}

function checkSource({ urls, secret, embedded }: NonNullable<GatewayConfig['media']['turn']>): ConfigFault[] {
  if (urls.length === 0 && embedded === undefined) {
    return [fault('media.turn', 'names no server', 'give urls of a coturn, or embedded: {}')];
  }
  if (urls.length > 0 && embedded === undefined && secret === undefined) {
    const remedy = "write { env: NAME } or { file: PATH } with the same value as coturn's static-auth-secret";
    return [fault('media.turn.secret', 'is missing', remedy)];
  }
  return [];
}

const overlap = (one: { readonly min: number; readonly max: number }, other: { readonly min: number; readonly max: number }): boolean =>
  one.min <= other.max && other.min <= one.max;

function checkEmbedded({ media, http, sip }: Pick<GatewayConfig, 'media' | 'http' | 'sip'>, turn: EmbeddedTurnConfig): ConfigFault[] {
  const path = 'media.turn.embedded';
  const { relayPorts, listen, publicAddress } = turn;
  const { browserPorts, trunkPorts } = media;
  const faults: ConfigFault[] = [];
  if (relayPorts.min > relayPorts.max) {
    faults.push(fault(`${path}.relayPorts`, `min ${relayPorts.min} is above max ${relayPorts.max}`, 'exchange the two'));
  }
  for (const [name, range] of Object.entries({ browserPorts, trunkPorts })) {
    if (overlap(relayPorts, range)) faults.push(fault(`${path}.relayPorts`, `overlaps media.${name}`, 'give relays ports of their own'));
  }
  const listeners = listen.map(parseTurnListen);
  for (const [at, one] of listeners.entries()) {
    if (one === undefined || one.port === 0) continue;
    const where = `${path}.listen[${at}]`;
    const inside = Object.entries({ relayPorts, browserPorts, trunkPorts }).find(([, { min, max }]) => one.port >= min && one.port <= max);
    if (one.transport === 'udp' && inside !== undefined) {
      const [name] = inside;
      faults.push(
        fault(where, `port ${one.port} lies in ${name === 'relayPorts' ? path : 'media'}.${name}`, 'move the listener or the range'),
      );
    }
    const taken = takenBy(one, { http, sip }, listeners.slice(0, at));
    if (taken !== undefined) faults.push(fault(where, `port ${one.port} is the port of ${taken}`, 'use another port for one of them'));
  }
  if (turn.tls === undefined && http.tls === undefined && listeners.some((one) => one?.transport === 'tls')) {
    const remedy = `give ${path}.tls or http.tls, cert and key, or remove the listener`;
    faults.push(fault(`${path}.tls`, 'is missing, and a listener is for TLS', remedy));
  }
  const wildcard = listeners.some((one) => one?.host === '0.0.0.0' || one?.host === '::');
  if (wildcard && publicAddress === undefined && media.publicAddress === undefined) {
    faults.push(fault(`${path}.publicAddress`, 'is missing, and a listener has every address', 'give the address that browsers reach'));
  }
  return faults;
}

/** Whose port a listener wants, if it is another's. */
function takenBy(
  one: Listener,
  { http, sip }: Pick<GatewayConfig, 'http' | 'sip'>,
  before: readonly (Listener | undefined)[],
): string | undefined {
  const inTheWay = (other: Listener | undefined): boolean => other !== undefined && clashes(one, other);
  if (inTheWay({ ...http, transport: 'tcp' })) return 'http';
  const trunkSide = sip.stack === 'embedded' ? sip.listen.map(parseListen) : [];
  if (trunkSide.some(inTheWay)) return 'a SIP listener';
  return before.some(inTheWay) ? 'another TURN listener' : undefined;
}
