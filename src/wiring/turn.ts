/** STUN and TURN of a gateway, made from its configuration. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import type { LiveObjects } from '../base/live-objects.js';
import type { Log } from '../base/log.js';
import type { Startable } from '../base/startable.js';
import type { GatewayConfig } from '../config/schema.js';
import type { Secrets } from '../config/secrets.js';
import { mediaBindAddress } from '../config/sections/media.js';
import { parseTurnListen } from '../config/sections/turn.js';
import type { EmbeddedTurnOptions } from '../turn/embedded-turn.js';
import { type IceServer, IceServers } from '../turn/ice-servers.js';
import { TurnThread } from '../turn/turn-thread.js';

interface TurnDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly secrets: Secrets;
}

const defaultTtlSeconds = 3600;
const realm = 'webrtc-pstn-gateway';

/** What pages are told of STUN and TURN servers, and the embedded one if there is to be one. */
export class TurnPart implements Startable {
  readonly iceServers: IceServers;
  private readonly embedded: TurnThread | undefined;

  constructor(
    private readonly config: GatewayConfig,
    deps: TurnDeps,
  ) {
    const { iceServers, turn } = config.media;
    const fixed = iceServers.map(({ urls, username }, at): IceServer => {
      const credential = deps.secrets.iceCredential(at);
      return { urls, ...(username === undefined ? {} : { username }), ...(credential === undefined ? {} : { credential }) };
    });
    // Credentials end with the gateway where nobody else has to know their secret, as its calls do.
    const secret = deps.secrets.turnSecret ?? (turn?.embedded === undefined ? undefined : randomBytes(32).toString('base64'));
    const options = embeddedTurnOptions(config, deps.secrets, secret ?? '');
    this.embedded = options === undefined ? undefined : new TurnThread(options, deps);
    const turnUrls = (): readonly string[] =>
      turn === undefined || turn.urls.length > 0 ? (turn?.urls ?? []) : (this.embedded?.urls() ?? []);
    this.iceServers = new IceServers(
      { fixed, ...(secret === undefined ? {} : { secret }), ttlSeconds: turn?.ttlSeconds ?? defaultTtlSeconds },
      { clock: deps.clock, turnUrls },
    );
  }

  async start(): Promise<void> {
    await this.embedded?.start();
  }

  async stop(): Promise<void> {
    await this.embedded?.stop();
  }

  /** A certificate read anew. Returns what is wrong with it. */
  renewTls(secrets: Secrets): string | undefined {
    const tls = secrets.turnTls ?? secrets.httpTls;
    return tls === undefined || this.config.media.turn?.embedded === undefined ? undefined : this.embedded?.renewTls(tls);
  }

  async liveObjects(): Promise<LiveObjects> {
    return (await this.embedded?.liveObjects()) ?? {};
  }
}

/** The embedded server's options; undefined when there is none. */
export function embeddedTurnOptions({ media }: GatewayConfig, secrets: Secrets, secret: string): EmbeddedTurnOptions | undefined {
  const embedded = media.turn?.embedded;
  if (embedded === undefined) return undefined;
  const bindAddress = mediaBindAddress(media);
  const address = media.publicAddress ?? bindAddress;
  const told = embedded.publicAddress ?? media.publicAddress;
  const tls = secrets.turnTls ?? secrets.httpTls;
  return {
    listen: embedded.listen.flatMap((text) => parseTurnListen(text) ?? []),
    ...(tls === undefined ? {} : { tls: { cert: tls.cert, key: tls.key } }),
    ...(told === undefined ? {} : { publicAddress: told }),
    realm,
    secret,
    relayPorts: embedded.relayPorts,
    peer: { address, bindAddress, ports: media.browserPorts },
    quotas: embedded.quotas,
  };
}
