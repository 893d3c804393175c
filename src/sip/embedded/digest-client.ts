import { randomToken } from '../../base/ids.js';
import {
  type AuthValue,
  type DigestAlgorithm,
  digestAlgorithmOf,
  digestAlgorithms,
  digestResponse,
  formatAuthValue,
  parseAuthValues,
} from '../digest.js';
import type { Credentials, Headers } from '../port.js';
import type { HeaderLine } from './message.js';

/** The request that is to be authorised. `uri` is its Request-URI as it goes on the wire. */
export interface DigestTarget {
  readonly method: string;
  readonly uri: string;
}

/** A challenge we can answer. */
interface Challenge {
  /** `Authorization` or `Proxy-Authorization`. */
  readonly header: string;
  readonly realm: string;
  readonly nonce: string;
  readonly algorithm: DigestAlgorithm;
  /** As the challenge wrote it; undefined when it named none. */
  readonly algorithmText: string | undefined;
  readonly opaque: string | undefined;
  readonly qop: boolean;
  readonly stale: boolean;
}

interface Session {
  readonly challenge: Challenge;
  nonceCount: number;
}

const bareInCredentials = new Set(['algorithm', 'qop', 'nc']);

/**
 * Answers digest challenges with one user's credentials and remembers the nonces, so that later
 * requests to the same peer need no challenge (RFC 7616 §3.6). Of several challenges of a realm the
 * strongest we speak is taken (RFC 8760 §2.3), the first of equals.
 */
export class DigestClient {
  private readonly sessions = new Map<string, Session>();

  constructor(
    private readonly credentials: Credentials,
    private readonly newCnonce: () => string = () => randomToken(8),
  ) {}

  /**
   * The header lines to repeat the request with after a 401 or 407. Undefined when there is nothing
   * to try: no challenge we can answer, or the credentials just sent were refused (a new nonce that
   * is not marked stale, RFC 7616 §3.3).
   */
  answer(response: { readonly status: number; readonly headers: Headers }, target: DigestTarget): readonly HeaderLine[] | undefined {
    const challenges = this.challengesOf(response);
    if (challenges.length === 0) return undefined;
    for (const challenge of challenges) {
      const key = keyOf(challenge);
      if (this.sessions.has(key) && !challenge.stale) {
        this.sessions.delete(key);
        return undefined;
      }
      this.sessions.set(key, { challenge, nonceCount: 0 });
    }
    return this.authorise(target);
  }

  /** Header lines for a request, from the challenges answered so far; none before the first. */
  authorise(target: DigestTarget): readonly HeaderLine[] {
    return [...this.sessions.values()].map((session) => this.write(session, target));
  }

  private challengesOf(response: { readonly status: number; readonly headers: Headers }): readonly Challenge[] {
    const proxy = response.status === 407;
    if (!proxy && response.status !== 401) return [];
    const header = proxy ? 'Proxy-Authorization' : 'Authorization';
    const best = new Map<string, Challenge>();
    for (const line of response.headers.all(proxy ? 'Proxy-Authenticate' : 'WWW-Authenticate')) {
      for (const value of parseAuthValues(line) ?? []) {
        const challenge = readChallenge(value, header);
        if (challenge === undefined) continue;
        if (this.credentials.realm !== undefined && this.credentials.realm !== challenge.realm) continue;
        const other = best.get(challenge.realm);
        if (other === undefined || strength(challenge) > strength(other)) best.set(challenge.realm, challenge);
      }
    }
    return [...best.values()];
  }

  private write(session: Session, { method, uri }: DigestTarget): HeaderLine {
    const { challenge } = session;
    const { user, password } = this.credentials;
    session.nonceCount += 1;
    const qop = challenge.qop ? { nonceCount: session.nonceCount.toString(16).padStart(8, '0'), cnonce: this.newCnonce() } : undefined;
    const { algorithm, realm, nonce } = challenge;
    const response = digestResponse({ algorithm, user, realm, password, method, uri, nonce, ...(qop === undefined ? {} : { qop }) });
    const parameters = new Map([
      ['username', user],
      ['realm', realm],
      ['nonce', nonce],
      ['uri', uri],
      ['response', response],
    ]);
    if (challenge.algorithmText !== undefined) parameters.set('algorithm', challenge.algorithmText);
    if (qop !== undefined) parameters.set('qop', 'auth').set('nc', qop.nonceCount).set('cnonce', qop.cnonce);
    if (challenge.opaque !== undefined) parameters.set('opaque', challenge.opaque);
    return { name: challenge.header, value: formatAuthValue({ scheme: 'Digest', parameters }, bareInCredentials) };
  }
}

function keyOf({ header, realm }: Challenge): string {
  return `${header} ${realm}`;
}

function strength({ algorithm }: Challenge): number {
  return digestAlgorithms.indexOf(algorithm);
}

/** Undefined for what we cannot answer: another scheme or algorithm, `qop` without `auth`, no realm or nonce. */
function readChallenge({ scheme, parameters }: AuthValue, header: string): Challenge | undefined {
  if (scheme.toLowerCase() !== 'digest') return undefined;
  const realm = parameters.get('realm');
  const nonce = parameters.get('nonce');
  const algorithm = digestAlgorithmOf(parameters.get('algorithm'));
  if (realm === undefined || nonce === undefined || algorithm === undefined) return undefined;
  const offered = parameters
    .get('qop')
    ?.split(',')
    .map((word) => word.trim().toLowerCase());
  if (offered !== undefined && !offered.includes('auth')) return undefined;
  return {
    header,
    realm,
    nonce,
    algorithm,
    algorithmText: parameters.get('algorithm'),
    opaque: parameters.get('opaque'),
    qop: offered !== undefined,
    stale: parameters.get('stale')?.toLowerCase() === 'true',
  };
}
