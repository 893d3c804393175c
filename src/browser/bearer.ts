import type { Headers } from '../sip/port.js';

/** The token of `Authorization: Bearer` (RFC 8898 §2, RFC 6750 §2.1); undefined when there is none. */
export function bearerOf(headers: Headers): string | undefined {
  for (const value of headers.all('Authorization')) {
    const token = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(value.trim())?.[1];
    if (token !== undefined) return token;
  }
  return undefined;
}
