import type { Clock } from '../base/clock.js';
import { household, networkPrefix } from '../base/network-prefix.js';
import { AskingRate } from './asking-rate.js';
import { isOwnOrigin, mayShow, numberNamed, type Site, type Sites } from './site.js';
import type { IssuedTicket, TicketIssuer } from './ticket-issuer.js';
import { comparable } from './ticket-verifier.js';

/** A request for a ticket as it came over HTTP. */
export interface TicketRequest {
  /** From `Authorization: Bearer`: the secret of a site. */
  readonly secret?: string;
  /** `Origin` of the page that asks. */
  readonly pageOrigin?: string;
  /** Address it came from. */
  readonly address: string;
  readonly body: unknown;
}

/** Why there is no ticket. The first four are failures that a call has too. */
export type TicketRefusal = 'ticket-required' | 'wrong-origin' | 'wrong-destination' | 'over-limit' | 'unknown-site' | 'invalid-body';

export type TicketAnswer =
  | (IssuedTicket & { readonly kind: 'issued'; readonly to: string /** For TURN credentials: never a number. */; readonly subject: string })
  | { readonly kind: 'refused'; readonly code: TicketRefusal; readonly why: string; readonly retryAfterMs?: number };

interface DeskOptions {
  readonly maxLifetimeSeconds: number;
  /** Requests one address may make in an hour, good or bad. */
  readonly perAddressPerHour: number;
}

interface DeskDeps {
  readonly sites: Sites;
  readonly issuer: TicketIssuer;
  /** Whether a number may be dialled at all, so that nobody gets a ticket to nowhere. */
  readonly mayDial: (number: string) => boolean;
  readonly clock: Clock;
}

interface Body {
  readonly site?: string;
  readonly to?: string;
  readonly visitor?: string;
  readonly from?: string;
  readonly origin?: readonly string[];
  readonly maxSeconds?: number;
  readonly validSeconds?: number;
}

const refuse = (code: TicketRefusal, why: string): TicketAnswer => ({ kind: 'refused', code, why });

/** Gives out tickets: to back ends that show their site's secret, and to pages of sites that let them ask themselves. */
export class TicketDesk {
  private readonly rate: AskingRate;

  constructor(
    private readonly options: DeskOptions,
    private readonly deps: DeskDeps,
  ) {
    this.rate = new AskingRate(deps);
  }

  async give(request: TicketRequest): Promise<TicketAnswer> {
    const visitor = networkPrefix(request.address, household);
    // A back end asks for all of its visitors; whoever shows no secret asks for himself.
    const site = request.secret === undefined ? undefined : this.deps.sites.withSecret(request.secret);
    if (site === undefined) {
      const waitMs = this.rate.ask(`address ${visitor}`, this.options.perAddressPerHour);
      if (waitMs !== undefined) return tooOften(waitMs);
    }
    const body = readBody(request.body);
    if (typeof body === 'string') return refuse('invalid-body', body);
    if (request.secret !== undefined)
      return site === undefined ? refuse('unknown-site', 'no site has this secret') : await this.forBackEnd(site, body);
    return await this.forPage(body, request.pageOrigin, visitor);
  }

  /** For the operator himself, who needs no secret: what the site's back end could have. */
  async mint(siteKey: string, wish: unknown): Promise<TicketAnswer> {
    const site = this.deps.sites.withKey(siteKey);
    if (site === undefined) return refuse('unknown-site', 'no site has this key');
    const body = readBody(wish);
    return typeof body === 'string' ? refuse('invalid-body', body) : await this.forBackEnd(site, body);
  }

  private async forBackEnd(site: Site, body: Body): Promise<TicketAnswer> {
    const foreign = body.origin?.find((origin) => !isOwnOrigin(site.origins, origin));
    if (foreign !== undefined) return refuse('wrong-origin', 'origin is none of the origins of the site');
    // Without a name visitors are told apart by the address they call from.
    return await this.issue(site, body, {
      origins: body.origin ?? site.origins,
      ...(body.visitor === undefined ? {} : { subject: body.visitor }),
    });
  }

  private async forPage(body: Body, origin: string | undefined, visitor: string): Promise<TicketAnswer> {
    if (body.site === undefined) return refuse('ticket-required', 'send the secret of a site, or the public key of one in "site"');
    const site = this.deps.sites.withKey(body.site);
    if (site === undefined) return refuse('unknown-site', 'no site has this key');
    if (site.anonymous === undefined) return refuse('ticket-required', 'pages of this site get their tickets from its own back end');
    if (!isOwnOrigin(site.origins, origin)) return refuse('wrong-origin', 'this page is of none of the origins of the site');
    if (body.from !== undefined || body.maxSeconds !== undefined || body.validSeconds !== undefined || body.origin !== undefined) {
      return refuse('invalid-body', 'a page names "site", "to" and "visitor", and nothing else');
    }
    const waitMs = this.rate.ask(`visitor ${site.key} ${visitor}`, site.anonymous.ticketsPerHour);
    if (waitMs !== undefined) return tooOften(waitMs);
    const to = body.to ?? site.destinations[0]?.name;
    if (to === undefined || numberNamed(site, to) === undefined) return refuse('wrong-destination', 'the site has no such destination');
    // What a page says of itself counts for nothing; its address does.
    return await this.issue(site, { to }, { origins: [origin ?? ''], subject: `address ${visitor}` });
  }

  private async issue(
    site: Site,
    { to = site.destinations[0]?.name, from, maxSeconds, validSeconds }: Body,
    { origins, subject }: { readonly origins: readonly string[]; readonly subject?: string },
  ): Promise<TicketAnswer> {
    const number = to === undefined ? undefined : (numberNamed(site, to) ?? comparable(to));
    if (to === undefined || number === undefined || !/^\+?[0-9*#]{1,32}$/.test(number) || !this.deps.mayDial(number)) {
      return refuse('wrong-destination', 'to is neither a destination of the site nor a number that may be dialled');
    }
    if (from !== undefined && !mayShow(site, from))
      return refuse('invalid-body', "from is neither the site's number nor one of its callerIds");
    if (validSeconds !== undefined && validSeconds > this.options.maxLifetimeSeconds) {
      return refuse('invalid-body', `validSeconds must be at most ${this.options.maxLifetimeSeconds}`);
    }
    const wish = {
      ...{ site, to, origins },
      ...(subject === undefined ? {} : { subject }),
      ...(from === undefined ? {} : { from }),
      ...(maxSeconds === undefined ? {} : { maxSeconds }),
      ...(validSeconds === undefined ? {} : { validSeconds }),
    };
    return { kind: 'issued', to, subject: site.key, ...(await this.deps.issuer.issue(wish)) };
  }
}

function tooOften(retryAfterMs: number): TicketAnswer {
  return { kind: 'refused', code: 'over-limit', why: 'too many tickets were asked for from here', retryAfterMs };
}

const known = ['site', 'to', 'visitor', 'from', 'origin', 'maxSeconds', 'validSeconds'];

/** The body, or what is wrong with it. */
function readBody(body: unknown): Body | string {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return 'send a JSON object';
  const fields = body as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(fields).find((name) => !known.includes(name));
  if (unknown !== undefined) return `"${unknown.slice(0, 40)}" is unknown; known are ${known.join(', ')}`;
  for (const name of ['site', 'to', 'visitor', 'from'] as const) {
    const value = fields[name];
    if (value !== undefined && (typeof value !== 'string' || value === '' || value.length > 128))
      return `${name} must be text of 1 to 128 characters`;
  }
  for (const name of ['maxSeconds', 'validSeconds'] as const) {
    const value = fields[name];
    if (value !== undefined && !(Number.isInteger(value) && (value as number) > 0))
      return `${name} must be a whole number of seconds above 0`;
  }
  if (fields['from'] !== undefined && !/^\+?[0-9]{1,32}$/.test(String(fields['from']))) return 'from must be a number';
  const origins = typeof fields['origin'] === 'string' ? [fields['origin']] : fields['origin'];
  if (
    origins !== undefined &&
    !(Array.isArray(origins) && origins.length > 0 && origins.length <= 32 && origins.every((one) => typeof one === 'string'))
  ) {
    return 'origin must be an origin, or a list of them';
  }
  return { ...(fields as Body), ...(origins === undefined ? {} : { origin: origins as readonly string[] }) };
}
