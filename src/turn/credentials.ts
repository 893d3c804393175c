/**
 * Short-lived credentials for TURN, made by one side and checked by the other with nothing shared but
 * a secret (draft-uberti-behave-turn-rest-00 §2.2; coturn's `use-auth-secret`):
 *
 * ```
 * username   = seconds since 1970 until which it is good ":" subject
 * credential = base64(HMAC-SHA1(secret, username))
 * ```
 */
import { createHash, createHmac, randomBytes } from 'node:crypto';

export interface TurnCredentials {
  readonly username: string;
  readonly credential: string;
}

const longestSubject = 48;

/** Credentials of their own for each asking, so that what a server allows one user is allowed each page. */
export function makeCredentials(secret: string, subject: string, expiresAtMs: number): TurnCredentials {
  const username = `${Math.floor(expiresAtMs / 1000)}:${safeSubject(subject)}.${randomBytes(6).toString('hex')}`;
  return { username, credential: credentialFor(secret, username) };
}

/** The password that goes with a user name. */
export function credentialFor(secret: string, username: string): string {
  return createHmac('sha1', secret).update(username).digest('base64');
}

/** Until when a user name is good; undefined when it is none of ours. */
export function expiryOf(username: string): number | undefined {
  const match = /^(\d{1,12}):/.exec(username);
  return match === null ? undefined : Number(match[1]) * 1000;
}

/**
 * A subject goes over the line in clear and stands in the logs of TURN servers. What could be a telephone
 * number, or could not stand in a user name, is put there as its digest.
 */
function safeSubject(subject: string): string {
  const safe = /^[A-Za-z0-9_-]+$/.test(subject) && subject.length <= longestSubject && !/\d{5}/.test(subject);
  return safe ? subject : `h_${createHash('sha256').update(subject).digest('hex').slice(0, 16).replaceAll(/\d/g, 'z')}`;
}
