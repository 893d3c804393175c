import { randomBytes } from 'node:crypto';
import { fromTag, readCallId, readCSeq, topVia } from './header-readers.js';
import type { SipRequestMessage, SipResponseMessage, Via } from './message.js';

/** Start of every branch made by RFC 3261 rules (§8.1.1.7). */
export const magicCookie = 'z9hG4bK';

const poolBytes = 9 * 256;
let pool = randomBytes(poolBytes);
let used = 0;

/** A branch of 72 random bits: unique for any number of live transactions, and not to be guessed. */
export function newBranch(): string {
  if (used === poolBytes) {
    pool = randomBytes(poolBytes);
    used = 0;
  }
  used += 9;
  return magicCookie + pool.toString('base64url', used - 9, used);
}

/** Key of a client transaction: branch and CSeq method (RFC 3261 §17.1.3). */
export function clientKey(branch: string, method: string): string {
  return `${branch}|${method}`;
}

export function responseKey(response: SipResponseMessage, via: Via): string {
  return clientKey(via.parameters.get('branch') ?? '', readCSeq(response.headers).method);
}

/**
 * Key of a server transaction: branch, sent-by and method, an ACK matching its INVITE (RFC 3261
 * §17.2.3). A branch without the magic cookie is RFC 2543's: then what that one compares is the key.
 */
export function serverKey(request: SipRequestMessage, method: string, via: Via = topVia(request.headers)): string {
  const branch = via.parameters.get('branch') ?? '';
  const sentBy = `${via.host.toLowerCase()}:${via.port ?? ''}`;
  if (branch.startsWith(magicCookie) && branch.length > magicCookie.length) return `${branch}|${sentBy}|${method}`;
  const { headers } = request;
  const parts = [request.requestUri, readCallId(headers), readCSeq(headers).number, fromTag(headers) ?? '', branch, sentBy, method];
  return parts.join('|');
}

/** What stays the same when one request arrives by two ways (RFC 3261 §8.2.2.2). */
export function mergeKey(request: SipRequestMessage): string {
  const { headers } = request;
  return `${readCallId(headers)}|${fromTag(headers) ?? ''}|${readCSeq(headers).number}|${request.method}`;
}
