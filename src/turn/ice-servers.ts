/** Which STUN and TURN servers a page is told of. */
import type { Clock } from '../base/clock.js';
import { makeCredentials } from './credentials.js';

/** An entry of `RTCConfiguration.iceServers` (W3C WebRTC §4.2.4). */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

export interface IceServersOptions {
  /** Told to everybody as they are. */
  readonly fixed: readonly IceServer[];
  /** Makes the credentials for the servers below; without it there are none of those. */
  readonly secret?: string;
  readonly ttlSeconds: number;
}

interface IceServersDeps {
  readonly clock: Pick<Clock, 'wallMs'>;
  /** TURN servers that know the secret. They may be known only once something has started. */
  readonly turnUrls: () => readonly string[];
}

/** The answer to whoever may have credentials. */
export interface IceServersAnswer {
  readonly iceServers: readonly IceServer[];
  readonly ttlSeconds: number;
}

export class IceServers {
  constructor(
    private readonly options: IceServersOptions,
    private readonly deps: IceServersDeps,
  ) {}

  /** Servers with credentials of their own. `subject` says for whom, and never is a telephone number. */
  readonly for = (subject: string): IceServersAnswer => {
    const { fixed, secret, ttlSeconds } = this.options;
    const urls = this.deps.turnUrls();
    if (secret === undefined || urls.length === 0) return { iceServers: fixed, ttlSeconds };
    const credentials = makeCredentials(secret, subject, this.deps.clock.wallMs() + ttlSeconds * 1000);
    return { iceServers: [...fixed, { urls, ...credentials }], ttlSeconds };
  };
}
