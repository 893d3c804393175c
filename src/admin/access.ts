import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** What a caller of the API may do: everything with whole numbers, everything with masked numbers, or nothing. */
export type Access = 'full' | 'masked' | 'refused';

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

/**
 * With a token configured, only its bearer comes in. Without one, only this machine does, and only
 * when the request does not come out of a web page of another origin: neither a foreign `Origin` nor
 * a name that someone pointed at 127.0.0.1 (DNS rebinding) may steer the gateway.
 */
export function accessOf(request: AccessRequest, token: string | undefined): Access {
  const { headers, remoteAddress } = request;
  if (token !== undefined) {
    const given = bearerOf(headers);
    return given !== undefined && timingSafeEqual(digest(given), digest(token)) ? 'full' : 'refused';
  }
  if (!isLoopbackAddress(remoteAddress) || !isLoopbackName(hostNameOf(headers.host))) return 'refused';
  if (headers.origin === undefined) return 'masked';
  const own = URL.canParse(headers.origin) && new URL(headers.origin).host === headers.host;
  return own ? 'masked' : 'refused';
}
