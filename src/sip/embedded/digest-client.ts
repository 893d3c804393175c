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
  /** What a server that asks for `auth-int` wants protected; empty when absent. */
  readonly body?: string;
}

/** Quality of protection; none for servers of RFC 2069. */
type Qop = 'auth' | 'auth-int';

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
  readonly qop: Qop | undefined;
  readonly stale: boolean;
}

interface Session {
  readonly challenge: Challenge;
  nonce: string;
  /** Of this nonce. */
  nonceCount: number;
}

/** In order of preference: what protects the body too breaks where a proxy touches it. */
const qops: readonly Qop[] = ['auth', 'auth-int'];

/** Where a success names the next nonce, and the header that is to carry it. */
const infoHeaders = [
  ['Authentication-Info', 'Authorization'],
  ['Proxy-Authentication-Info', 'Proxy-Authorization'],
] as const;

/** A first challenge of a realm, and one more for a nonce gone stale meanwhile. */
const maxPerRealm = 2;

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
   * is not marked stale, RFC 7616 §3.3), or one realm has asked too often. `asked` counts that for one
   * request.
   */
  answer(
    response: { readonly status: number; readonly headers: Headers },
    target: DigestTarget,
    asked: Map<string, number> = new Map(),
  ): readonly HeaderLine[] | undefined {
    const challenges = this.challengesOf(response);
    if (challenges.length === 0) return undefined;
    for (const challenge of challenges) {
      const key = keyOf(challenge);
      if (this.sessions.has(key) && !challenge.stale) {
        this.sessions.delete(key);
        return undefined;
      }
      const times = (asked.get(key) ?? 0) + 1;
      if (times > maxPerRealm) return undefined;
      asked.set(key, times);
      this.sessions.set(key, { challenge, nonce: challenge.nonce, nonceCount: 0 });
    }
    return this.authorise(target);
  }

  /**
   * Takes the nonce for the next request from a success (RFC 7616 §3.5). It names no realm, so it is
   * taken only where one realm was answered.
   */
  learn(headers: Headers): void {
    for (const [info, header] of infoHeaders) {
      const next = nextNonceOf(headers.get(info));
      const sessions = [...this.sessions.values()].filter(({ challenge }) => challenge.header === header);
      const [only] = sessions;
      if (next === undefined || only === undefined || sessions.length > 1 || next === only.nonce) continue;
      only.nonce = next;
      only.nonceCount = 0;
    }
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

  private write(session: Session, { method, uri, body = '' }: DigestTarget): HeaderLine {
    const { challenge, nonce } = session;
    const { algorithm, realm } = challenge;
    const { user, password } = this.credentials;
    session.nonceCount += 1;
    const counted = { nonceCount: session.nonceCount.toString(16).padStart(8, '0'), cnonce: this.newCnonce() };
    const protection = challenge.qop === 'auth-int' ? { ...counted, body } : counted;
    const qop = challenge.qop === undefined ? undefined : protection;
    const response = digestResponse({ algorithm, user, realm, password, method, uri, nonce, ...(qop === undefined ? {} : { qop }) });
    const parameters = new Map([
      ['username', user],
      ['realm', realm],
      ['nonce', nonce],
      ['uri', uri],
      ['response', response],
    ]);
    if (challenge.algorithmText !== undefined) parameters.set('algorithm', challenge.algorithmText);
    if (challenge.qop !== undefined) parameters.set('qop', challenge.qop).set('nc', counted.nonceCount).set('cnonce', counted.cnonce);
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

function nextNonceOf(info: string | undefined): string | undefined {
  if (info === undefined) return undefined;
  const [value] = parseAuthValues(`Digest ${info}`) ?? [];
  const next = value?.parameters.get('nextnonce');
  return next === '' ? undefined : next;
}

/** Undefined for what we cannot answer: another scheme or algorithm, `qop` we do not know, no realm or nonce. */
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
  const qop = qops.find((each) => offered?.includes(each));
  if (offered !== undefined && qop === undefined) return undefined;
  return {
    header,
    realm,
    nonce,
    algorithm,
    algorithmText: parameters.get('algorithm'),
    opaque: parameters.get('opaque'),
    qop,
    stale: parameters.get('stale')?.toLowerCase() === 'true',
  };
}
