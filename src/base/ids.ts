import { randomBytes } from 'node:crypto';

/** One call through the gateway, both legs; the same id in logs, CDR, API and facts. */
export type CallId = string & { readonly __brand: 'CallId' };

/** One media session; a call has one. */
export type SessionId = string & { readonly __brand: 'SessionId' };

/** Unpredictable lower-case hexadecimal text of `bytes` random bytes. */
export function randomToken(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}

export function newCallId(): CallId {
  return `c-${randomToken(8)}` as CallId;
}

export function newSessionId(): SessionId {
  return `m-${randomToken(8)}` as SessionId;
}
