import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** What a caller of the API may do: everything with whole numbers, everything with masked numbers, or look at masked numbers. */
export type Granted = 'full' | 'masked' | 'view';
/** The same, or nothing. */
export type Access = Granted | 'refused';

/** What lets somebody in, as configured. */
export interface AdminTokens {
  /** Bearer token of the API. Without any token, the API answers requests from this machine only, with numbers masked. */
  readonly token?: string;
  /** Token of those who may look, and see numbers masked. */
  readonly viewToken?: string;
}

export interface AccessRequest {
  readonly headers: IncomingHttpHeaders;
  readonly remoteAddress: string | undefined;
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

function bearerOf(headers: IncomingHttpHeaders): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
}

const isLoopbackAddress = (address: string | undefined): boolean => address !== undefined && /^(::ffff:)?127\.|^::1$/.test(address);

function hostNameOf(host: string | undefined): string {
  return host === undefined || !URL.canParse(`http://${host}`) ? '' : new URL(`http://${host}`).hostname;
}

const isLoopbackName = (name: string): boolean => name === 'localhost' || name === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(name);

const same = (given: string, wanted: string | undefined): boolean => wanted !== undefined && timingSafeEqual(digest(given), digest(wanted));

/** What the bearer of a token may do; undefined when it is none of ours. */
export function grantOf(given: string, { token, viewToken }: AdminTokens): Granted | undefined {
  if (same(given, token)) return 'full';
  return same(given, viewToken) ? 'view' : undefined;
}

/** Whether a token is needed at all. */
export const needsToken = ({ token, viewToken }: AdminTokens): boolean => token !== undefined || viewToken !== undefined;

function isOwnOrigin({ origin, host }: IncomingHttpHeaders): boolean {
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
}

/**
 * Whether a request with a cookie comes out of our own page, or out of the address bar when it changes
 * nothing: a cookie says who asks, not who made him ask. Browsers tell by `Sec-Fetch-Site` (Fetch
 * Metadata §2.3), and where they do not, by `Origin`, which every one of their writes has.
 */
export function isOwnPage(headers: IncomingHttpHeaders, method: string): boolean {
  const reads = method === 'GET' || method === 'HEAD';
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || (reads && site === 'none');
  return headers.origin === undefined ? reads : isOwnOrigin(headers);
}

/**
 * With a token configured, only its bearer comes in, or `session`, the one who has logged in with it.
 * Without one, only this machine does, and only when the request does not come out of a web page of
 * another origin: neither a foreign `Origin` nor a name that someone pointed at 127.0.0.1 (DNS
 * rebinding) may steer the gateway.
 */
export function accessOf(request: AccessRequest, tokens: AdminTokens, session?: Granted): Access {
  const { headers, remoteAddress } = request;
  if (needsToken(tokens)) {
    const given = bearerOf(headers);
    return (given === undefined ? session : grantOf(given, tokens)) ?? 'refused';
  }
  if (!isLoopbackAddress(remoteAddress) || !isLoopbackName(hostNameOf(headers.host))) return 'refused';
  return headers.origin === undefined || isOwnOrigin(headers) ? 'masked' : 'refused';
}
