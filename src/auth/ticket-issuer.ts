import { randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Clock } from '../base/clock.js';
import type { Site } from './site.js';
import type { TicketClaims } from './ticket.js';
import type { SigningKey } from './ticket-keys.js';

/** What a ticket is to say. */
export interface TicketWish {
  readonly site: Site;
  readonly to: string;
  readonly origins: readonly string[];
  readonly subject?: string;
  /** Readable in the page; without it the site's own is shown, and stands in no ticket. */
  readonly from?: string;
  readonly maxSeconds?: number;
  /** How long it is good for; the gateway's own time when absent. */
  readonly validSeconds?: number;
}

export interface IssuedTicket {
  readonly ticket: string;
  readonly expiresAtMs: number;
}

/** Signs tickets in the gateway's name, with the newest of its keys. */
export class TicketIssuer {
  constructor(
    private readonly options: { readonly audience: string; readonly lifetimeSeconds: number },
    private readonly deps: { readonly key: SigningKey; readonly clock: Pick<Clock, 'wallMs'> },
  ) {}

  async issue(wish: TicketWish): Promise<IssuedTicket> {
    const { key, clock } = this.deps;
    const { site, to, origins, subject, from, maxSeconds } = wish;
    const issuedAt = Math.floor(clock.wallMs() / 1000);
    const expiresAt = issuedAt + (wish.validSeconds ?? this.options.lifetimeSeconds);
    const limits = [maxSeconds, site.maxSeconds].filter((limit) => limit !== undefined);
    const claims: TicketClaims = {
      jti: randomBytes(16).toString('base64url'),
      site: site.key,
      origin: origins,
      to,
      ...(subject === undefined ? {} : { sub: subject }),
      ...(from === undefined ? {} : { from }),
      ...(limits.length === 0 ? {} : { max_seconds: Math.min(...limits) }),
    };
    const ticket = await new SignJWT({ ...claims })
      .setProtectedHeader({ alg: key.algorithm, kid: key.id, typ: 'JWT' })
      .setAudience(this.options.audience)
      .setIssuedAt(issuedAt)
      .setNotBefore(issuedAt)
      .setExpirationTime(expiresAt)
      .sign(key.sign);
    return { ticket, expiresAtMs: expiresAt * 1000 };
  }
}
