import { isIPv6 } from 'node:net';

/** A transport address. `host` is an IP literal (no brackets) or a name. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** `host:port` as it stands in URIs and logs; IPv6 in brackets (RFC 3986 §3.2.2). */
export function formatHostPort({ host, port }: HostPort): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Reads `host:port`, `[v6]:port` or a bare host (then `defaultPort`); undefined when it is neither. */
export function parseHostPort(text: string, defaultPort: number): HostPort | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text);
  if (match === null) return undefined;
  const host = match[1] ?? match[2];
  const port = match[3] === undefined ? defaultPort : Number(match[3]);
  if (host === undefined || port > 65535) return undefined;
  return { host, port };
}
