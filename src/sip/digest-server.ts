import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import { type AuthValue, type DigestAlgorithm, digestAlgorithmOf, digestResponse, formatAuthValue, parseAuthValues } from './digest.js';
import { NonceCounts } from './nonce-counts.js';
import { sameUri } from './uri.js';

export interface DigestChallengerOptions {
  readonly realm: string;
  /** How long a nonce serves before the client is asked for a new one (`stale=true`). */
  readonly nonceLifetimeMs: number;
  /**
   * Offered in this order, one challenge each. Default MD5 alone: stock SIP.js and JsSIP speak
   * nothing else and keep only the last challenge of a response.
   */
  readonly algorithms?: readonly DigestAlgorithm[];
  /** Key of the nonce signature; random when absent, which is right for one process. */
  readonly secret?: Buffer;
  /** Nonces whose use is remembered; beyond it the oldest count as stale. */
  readonly rememberedNonces?: number;
}

/** What credentials are worth. */
export type DigestVerdict =
  | { readonly kind: 'accepted'; readonly user: string }
  /** No digest credentials for our realm: challenge. */
  | { readonly kind: 'missing' }
  /** Right password, but the nonce is old or used: challenge with `stale`. */
  | { readonly kind: 'stale' }
  /** Wrong user, password, URI or a nonce that is not ours. */
  | { readonly kind: 'refused'; readonly why: 'credentials' | 'nonce' | 'uri' | 'algorithm' }
  /** Not readable: 400. */
  | { readonly kind: 'malformed' };

/** The request whose credentials are judged. */
export interface DigestRequest {
  readonly method: string;
  readonly requestUri: string;
  /** All `Authorization` (or `Proxy-Authorization`) values. */
  readonly authorization: readonly string[];
}

const bareInChallenge = new Set(['algorithm', 'stale']);
const stampBytes = 8;
const saltBytes = 8;
const signatureBytes = 16;
const defaultRememberedNonces = 10_000;

/**
 * The server side of digest authentication (RFC 7616 §3.3, §3.4). Nonces carry their own time and
 * signature, so an unauthenticated flood leaves nothing behind; only a nonce that has proved a
 * password is remembered, to see that its count rises (§3.4.5 against replay). `qop=auth` is asked
 * for; a client without it may use a nonce once.
 */
export class DigestChallenger {
  private readonly secret: Buffer;
  private readonly algorithms: readonly DigestAlgorithm[];
  private readonly counts: NonceCounts;

  constructor(
    private readonly options: DigestChallengerOptions,
    private readonly deps: { readonly clock: Clock },
  ) {
    this.secret = options.secret ?? randomBytes(32);
    this.algorithms = options.algorithms ?? ['MD5'];
    this.counts = new NonceCounts(options.rememberedNonces ?? defaultRememberedNonces, options.nonceLifetimeMs);
  }

  /** Values for `WWW-Authenticate` (or `Proxy-Authenticate`), one header line each. */
  challenges(options: { readonly stale?: boolean } = {}): readonly string[] {
    const nonce = this.newNonce();
    return this.algorithms.map((algorithm) => {
      const parameters = new Map([
        ['realm', this.options.realm],
        ['nonce', nonce],
        ['algorithm', algorithm],
        ['qop', 'auth'],
      ]);
      if (options.stale === true) parameters.set('stale', 'true');
      return formatAuthValue({ scheme: 'Digest', parameters }, bareInChallenge);
    });
  }

  /** Judges a request's credentials; `passwordOf` gives undefined for a user who does not exist. */
  verify(request: DigestRequest, passwordOf: (user: string) => string | undefined): DigestVerdict {
    let malformed = false;
    for (const line of request.authorization) {
      const values = parseAuthValues(line);
      malformed ||= values === undefined;
      for (const value of values ?? []) {
        if (value.scheme.toLowerCase() !== 'digest' || value.parameters.get('realm') !== this.options.realm) continue;
        return this.judge(value, request, passwordOf);
      }
    }
    return malformed ? { kind: 'malformed' } : { kind: 'missing' };
  }

  private judge({ parameters }: AuthValue, request: DigestRequest, passwordOf: (user: string) => string | undefined): DigestVerdict {
    const user = parameters.get('username');
    const nonce = parameters.get('nonce');
    const uri = parameters.get('uri');
    const given = parameters.get('response');
    if (user === undefined || nonce === undefined || uri === undefined || given === undefined) return { kind: 'malformed' };
    const qop = readQop(parameters);
    if (qop === 'malformed') return { kind: 'malformed' };
    const algorithm = digestAlgorithmOf(parameters.get('algorithm'));
    if (algorithm === undefined || !this.algorithms.includes(algorithm)) return { kind: 'refused', why: 'algorithm' };
    if (uri !== request.requestUri && !sameUri(uri, request.requestUri)) return { kind: 'refused', why: 'uri' };
    const issuedAtMs = this.issueTimeOf(nonce);
    if (issuedAtMs === undefined) return { kind: 'refused', why: 'nonce' };
    const password = passwordOf(user);
    const { realm } = this.options;
    const { method } = request;
    const expected = digestResponse({
      algorithm,
      user,
      realm,
      password: password ?? '',
      method,
      uri,
      nonce,
      ...(qop === undefined ? {} : { qop }),
    });
    const right = equalInConstantTime(expected, given.toLowerCase());
    if (password === undefined || !right) return { kind: 'refused', why: 'credentials' };
    const nowMs = this.deps.clock.nowMs();
    if (nowMs - issuedAtMs > this.options.nonceLifetimeMs) return { kind: 'stale' };
    const count = qop === undefined ? 1 : Number.parseInt(qop.nonceCount, 16);
    return this.counts.accept(nonce, count, issuedAtMs, nowMs) ? { kind: 'accepted', user } : { kind: 'stale' };
  }

  private newNonce(): string {
    const body = Buffer.alloc(stampBytes + saltBytes);
    body.writeDoubleBE(this.deps.clock.nowMs(), 0);
    randomBytes(saltBytes).copy(body, stampBytes);
    return Buffer.concat([body, this.sign(body)]).toString('base64url');
  }

  /** When a nonce was made, if we made it for this realm. */
  private issueTimeOf(nonce: string): number | undefined {
    const bytes = Buffer.from(nonce, 'base64url');
    if (bytes.length !== stampBytes + saltBytes + signatureBytes || bytes.toString('base64url') !== nonce) return undefined;
    const body = bytes.subarray(0, stampBytes + saltBytes);
    return timingSafeEqual(this.sign(body), bytes.subarray(stampBytes + saltBytes)) ? body.readDoubleBE(0) : undefined;
  }

  private sign(body: Buffer): Buffer {
    return createHmac('sha256', this.secret).update(body).update(this.options.realm, 'utf8').digest().subarray(0, signatureBytes);
  }
}

function readQop(parameters: ReadonlyMap<string, string>): { nonceCount: string; cnonce: string } | undefined | 'malformed' {
  const qop = parameters.get('qop');
  if (qop === undefined) return undefined;
  const nonceCount = parameters.get('nc');
  const cnonce = parameters.get('cnonce');
  if (qop.toLowerCase() !== 'auth' || cnonce === undefined) return 'malformed';
  return nonceCount !== undefined && /^[\da-f]{8}$/i.test(nonceCount) ? { nonceCount, cnonce } : 'malformed';
}

function equalInConstantTime(a: string, b: string): boolean {
  const left = Buffer.from(a, 'utf8');
  const right = Buffer.from(b, 'utf8');
  return left.length === right.length && timingSafeEqual(left, right);
}
