import { decodeProtectedHeader, errors, jwtVerify } from 'jose';
import type { Clock } from '../base/clock.js';
import { coversOrigin, mayShow, numberNamed, type Site, type Sites } from './site.js';
import { readTicket, type Ticket, type TicketFault } from './ticket.js';
import type { TicketKey } from './ticket-keys.js';
import type { UsedTickets } from './used-tickets.js';

export interface VerifierOptions {
  /** Name of this gateway in tickets (`aud`). */
  readonly audience: string;
  /** How far the clocks of a back end and the gateway may be apart. */
  readonly skewSeconds: number;
  /** A ticket that is good for longer is none. */
  readonly maxLifetimeSeconds: number;
}

/** Keys of websites that are fetched from elsewhere. */
export interface FetchedKeys {
  find(site: string, keyId: string): Promise<TicketKey | undefined>;
}

interface VerifierDeps {
  readonly sites: Sites;
  readonly keys: readonly TicketKey[];
  readonly fetched?: FetchedKeys;
  readonly used: UsedTickets;
  readonly clock: Pick<Clock, 'wallMs'>;
}

/** A ticket that may be used, and where its call goes. */
export interface GoodTicket {
  readonly kind: 'good';
  readonly ticket: Ticket;
  readonly site: Site;
}

export type TicketVerdict =
  | GoodTicket
  | {
      readonly kind: 'refused';
      readonly failure: TicketFault /** For the log: what is wrong, without the ticket. */;
      readonly why: string;
    };

/** Where a call goes that a ticket lets in. */
export interface Destination {
  readonly number: string;
  /** The name the page called it by, which is all the page may know. */
  readonly alias?: string;
}

const longestToken = 4096;

const refused = (failure: TicketFault, why: string): TicketVerdict => ({ kind: 'refused', failure, why });

/** Checks tickets: who signed them, for whom, for where and until when (RFC 8725). */
export class TicketVerifier {
  constructor(
    private readonly options: VerifierOptions,
    private readonly deps: VerifierDeps,
  ) {}

  /** Checks everything but the destination. Uses nothing up. */
  async verify(token: string, origin: string | undefined): Promise<TicketVerdict> {
    if (token.length > longestToken) return refused('ticket-invalid', 'it is too long');
    const key = await this.keyOf(token);
    if (key === undefined) return refused('ticket-invalid', 'no key of ours signed it');
    const { audience, skewSeconds, maxLifetimeSeconds } = this.options;
    const nowMs = this.deps.clock.wallMs();
    let claims: Readonly<Record<string, unknown>>;
    try {
      const { payload } = await jwtVerify(token, key.verify, {
        algorithms: [key.algorithm],
        audience,
        clockTolerance: skewSeconds,
        currentDate: new Date(nowMs),
        requiredClaims: ['exp', 'jti', 'origin', 'site'],
      });
      claims = payload;
    } catch (thrown) {
      return faultOf(thrown);
    }
    const ticket = readTicket(claims);
    if (ticket === undefined) return refused('ticket-invalid', 'a claim is missing or malformed');
    if (key.site !== undefined && ticket.site !== key.site) return refused('ticket-invalid', 'its key belongs to another site');
    if (ticket.expiresAtMs > nowMs + (maxLifetimeSeconds + skewSeconds) * 1000) return refused('ticket-invalid', 'it is good for too long');
    const site = this.deps.sites.withKey(ticket.site);
    if (site === undefined) return refused('ticket-invalid', 'there is no such site');
    if (ticket.from !== undefined && !mayShow(site, ticket.from))
      return refused('ticket-invalid', "it shows a number that is not the site's");
    // A ticket cannot widen what the site may: both must name the page's origin.
    if (!coversOrigin(ticket.origins, origin) || !coversOrigin(site.origins, origin))
      return refused('wrong-origin', 'the page is of another origin');
    return { kind: 'good', ticket, site };
  }

  /** Where a call to `called` goes under this ticket; undefined when it is for somewhere else. */
  destination({ ticket, site }: GoodTicket, called: string): Destination | undefined {
    if (ticket.to === undefined || called === '' || comparable(called) !== comparable(ticket.to)) return undefined;
    const number = numberNamed(site, ticket.to);
    return number === undefined ? plainNumber(comparable(ticket.to)) : { number, alias: ticket.to };
  }

  /**
   * Takes the ticket for used; false when it was before. It is used once its call is let in, whatever becomes
   * of the call then: a page that calls again asks for another. An INVITE that is sent again never gets here.
   */
  use({ ticket }: GoodTicket): boolean {
    // Until no clock within the skew takes it for good any more.
    return this.deps.used.use(`${ticket.site} ${ticket.id}`, ticket.expiresAtMs + this.options.skewSeconds * 1000);
  }

  private async keyOf(token: string): Promise<TicketKey | undefined> {
    let header: { readonly kid?: string | undefined; readonly alg?: string | undefined };
    try {
      header = decodeProtectedHeader(token);
    } catch {
      return undefined;
    }
    const { kid, alg } = header;
    if (typeof kid !== 'string' || typeof alg !== 'string') return undefined;
    const site = unverifiedSiteOf(token);
    const known = this.deps.keys.find((key) => key.id === kid && key.algorithm === alg && (key.site === undefined || key.site === site));
    if (known !== undefined) return known;
    const fetched = site === undefined ? undefined : await this.deps.fetched?.find(site, kid);
    return fetched?.algorithm === alg ? fetched : undefined;
  }
}

/** A number without what only makes it easier to read (RFC 3966 §5.1.1); anything else as it is. */
export const comparable = (text: string): string => (/^\+?[\d*#().\s-]+$/.test(text) ? text.replace(/[().\s-]/g, '') : text);

const plainNumber = (text: string): Destination | undefined => (/^\+?[0-9*#]{1,32}$/.test(text) ? { number: text } : undefined);

/** Which site's keys to look among. A claim and no more: the key that is found says whose tickets it signs. */
function unverifiedSiteOf(token: string): string | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    const site = (claims as { readonly site?: unknown } | null)?.site;
    return typeof site === 'string' ? site : undefined;
  } catch {
    return undefined;
  }
}

function faultOf(thrown: unknown): TicketVerdict {
  if (thrown instanceof errors.JWTExpired) return refused('ticket-expired', 'it has expired');
  if (thrown instanceof errors.JWTClaimValidationFailed) {
    return thrown.claim === 'nbf'
      ? refused('ticket-expired', 'it is not good yet')
      : refused('ticket-invalid', `its ${thrown.claim} is not as it must be`);
  }
  if (thrown instanceof errors.JWSSignatureVerificationFailed) return refused('ticket-invalid', 'its signature is wrong');
  return refused('ticket-invalid', 'it is no ticket');
}
