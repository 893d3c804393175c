/** STUN and TURN of a gateway, made from its configuration. */

import type { Clock } from './base/clock.js';
import type { GatewayConfig } from './config/schema.js';
import type { Secrets } from './config/secrets.js';
import { type IceServer, IceServers } from './turn/ice-servers.js';

interface TurnDeps {
  readonly clock: Clock;
  readonly secrets: Secrets;
}

const defaultTtlSeconds = 3600;

/** What pages are told of STUN and TURN servers. */
export function iceServers({ media }: GatewayConfig, { clock, secrets }: TurnDeps): IceServers {
  const fixed = media.iceServers.map(({ urls, username }, at): IceServer => {
    const credential = secrets.iceCredential(at);
    return { urls, ...(username === undefined ? {} : { username }), ...(credential === undefined ? {} : { credential }) };
  });
  const secret = secrets.turnSecret;
  const options = { fixed, ...(secret === undefined ? {} : { secret }), ttlSeconds: media.turn?.ttlSeconds ?? defaultTtlSeconds };
  return new IceServers(options, { clock, turnUrls: () => media.turn?.urls ?? [] });
}
