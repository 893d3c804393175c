import { randomBytes } from 'node:crypto';

/** One call through the gateway, both legs; the same id in logs, CDR, API and facts. */
export type CallId = string & { readonly __brand: 'CallId' };

/** One media session; a call has one. */
export type SessionId = string & { readonly __brand: 'SessionId' };

const poolBytes = 4096;
let pool = Buffer.alloc(0);
let used = 0;

/** Unpredictable lower-case hexadecimal text of `bytes` random bytes, drawn from the system many at a time. */
export function randomToken(bytes: number): string {
  if (used + bytes > pool.length) {
    pool = randomBytes(Math.max(poolBytes, bytes));
    used = 0;
  }
  used += bytes;
  return pool.toString('hex', used - bytes, used);
}

export function newCallId(): CallId {
  return `c-${randomToken(8)}` as CallId;
}

export function newSessionId(): SessionId {
  return `m-${randomToken(8)}` as SessionId;
}
