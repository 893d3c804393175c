/**
 * Call tickets: the permission to place one call, as a signed token (JWT, RFC 7519). A page holds one
 * and no number, password or account; it stands as `Authorization: Bearer` in the INVITE (RFC 8898).
 */

/** What a ticket says, once its signature has been found good. */
export interface Ticket {
  /** Number of the ticket; each serves once (`jti`). */
  readonly id: string;
  /** Visitor or user it was made out to (`sub`). */
  readonly subject?: string;
  /** Public key of the website it belongs to. */
  readonly site: string;
  /** Origins of the pages that may use it. */
  readonly origins: readonly string[];
  /** A name of the site's destinations, or a number. Absent in a ticket that only registers its user. */
  readonly to?: string;
  /** Number shown to the called side. */
  readonly from?: string;
  /** Longest call. */
  readonly maxSeconds?: number;
  readonly expiresAtMs: number;
}

/** Why a ticket does not let a call in: all of them failures that a page is told by name. */
export type TicketFault = 'ticket-invalid' | 'ticket-expired' | 'ticket-used' | 'wrong-origin' | 'wrong-destination';

/** Claims as they stand in the token: names of design and registry in one place. */
export interface TicketClaims {
  readonly jti: string;
  readonly sub?: string;
  readonly site: string;
  readonly origin: readonly string[];
  readonly to?: string;
  readonly from?: string;
  readonly max_seconds?: number;
}

const longest = 512;

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '' && value.length <= longest;
const mayBeText = (value: unknown): value is string | undefined => value === undefined || isText(value);

function originsOf(value: unknown): readonly string[] | undefined {
  const list: readonly unknown[] = typeof value === 'string' ? [value] : Array.isArray(value) ? value : [];
  return list.length > 0 && list.length <= 32 && list.every(isText) ? list : undefined;
}

/** Reads the claims of a token whose signature is good; undefined when one is missing or is none. */
export function readTicket(claims: Readonly<Record<string, unknown>>): Ticket | undefined {
  const { jti, sub, site, to, from, max_seconds: maxSeconds, exp } = claims;
  const origins = originsOf(claims['origin']);
  if (!isText(jti) || !isText(site) || origins === undefined || typeof exp !== 'number') return undefined;
  if (!mayBeText(sub) || !mayBeText(to) || !mayBeText(from)) return undefined;
  if (maxSeconds !== undefined && !(typeof maxSeconds === 'number' && Number.isInteger(maxSeconds) && maxSeconds > 0)) return undefined;
  return {
    id: jti,
    site,
    origins,
    // A part of a second counts as a whole one, as it does where the signature is checked.
    expiresAtMs: Math.ceil(exp) * 1000,
    ...(sub === undefined ? {} : { subject: sub }),
    ...(to === undefined ? {} : { to }),
    ...(from === undefined ? {} : { from }),
    ...(maxSeconds === undefined ? {} : { maxSeconds }),
  };
}
