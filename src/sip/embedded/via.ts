import { memoized } from '../../base/memo.js';
import {
  formatParameters,
  isToken,
  readParameters,
  skipSpace,
  skipToken,
  splitList,
  textsKept,
  trimSpace,
  trimSpaceEnd,
} from '../grammar.js';
import { formatUriHost, parseUriHostPort } from '../uri.js';
import type { Via } from './message.js';

/**
 * Reads one Via value, white space allowed around every separator (RFC 3261 §20.42, §25.1). Protocol
 * name and version may be any tokens, so that a request of another version can be answered 505.
 */
export function parseVia(text: string): Via | undefined {
  const protocolEnd = text.startsWith(usualProtocol) ? usualProtocol.length : skipProtocol(text);
  if (protocolEnd < 0) return undefined;
  const transportStart = skipSpace(text, protocolEnd);
  const transportEnd = skipToken(text, transportStart);
  const hostStart = skipSpace(text, transportEnd);
  if (transportEnd === transportStart || hostStart === transportEnd) return undefined;
  const semicolon = text.indexOf(';', hostStart);
  const hostEnd = semicolon < 0 ? text.length : semicolon;
  const sentBy = trimSpaceEnd(text.slice(hostStart, hostEnd));
  const hostPort = parseUriHostPort(sentBy) ?? parseUriHostPort(withoutSpaceAtColon(sentBy));
  const parameters = readParameters(text, hostEnd);
  if (hostPort === undefined || parameters === undefined) return undefined;
  const transport = text.slice(transportStart, transportEnd).toUpperCase();
  const { host, port } = hostPort;
  return port === undefined ? { transport, host, parameters } : { transport, host, port, parameters };
}

/** `COLON` allows white space on both sides, as in `host : 5060` (RFC 3261 §25.1). */
function withoutSpaceAtColon(sentBy: string): string {
  const colon = sentBy.lastIndexOf(':');
  return colon < 0 ? sentBy : `${trimSpaceEnd(sentBy.slice(0, colon))}:${trimSpace(sentBy.slice(colon + 1))}`;
}

const usualProtocol = 'SIP/2.0/';

/** Index after `name/version/`, each a token with white space around it; -1 when there is no such thing. */
function skipProtocol(text: string): number {
  const first = text.indexOf('/');
  const second = text.indexOf('/', first + 1);
  if (first < 0 || second < 0) return -1;
  const sound = isToken(trimSpace(text.slice(0, first))) && isToken(trimSpace(text.slice(first + 1, second)));
  return sound ? second + 1 : -1;
}

/** Reads a comma list of Via values. */
export const parseViaList: (text: string) => readonly Via[] | undefined = memoized(readViaList, textsKept);

function readViaList(text: string): readonly Via[] | undefined {
  const parts = splitList(text);
  if (parts === undefined) return undefined;
  const vias: Via[] = [];
  for (const part of parts) {
    const via = parseVia(part);
    if (via === undefined) return undefined;
    vias.push(via);
  }
  return vias;
}

/** Writes one Via value. */
export function formatVia(via: Via): string {
  const port = via.port === undefined ? '' : `:${via.port}`;
  return `SIP/2.0/${via.transport} ${formatUriHost(via.host)}${port}${formatParameters(via.parameters)}`;
}
