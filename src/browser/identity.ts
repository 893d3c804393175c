/** Who a page is. What it says of itself counts for nothing; a password or its registration does. */

import type { Clock } from '../base/clock.js';
import { household, networkPrefix } from '../base/network-prefix.js';
import { DigestChallenger, type DigestVerdict } from '../sip/digest-server.js';
import type { ExtraHeaders, Headers, Source } from '../sip/port.js';
import type { BrowserUser } from './options.js';
import { PasswordTries } from './password-tries.js';

/** A nonce serves so long before a fresh one is asked for. */
const NONCE_LIFETIME_MS = 300_000;

/** Who there is, and who may do without a password. */
export interface IdentityOptions {
  readonly users: readonly BrowserUser[];
  readonly realm: string;
  readonly allowPasswordless: boolean;
}

/** What came of asking who a page is. */
export type Proof =
  | { readonly kind: 'user'; readonly user: BrowserUser }
  | { readonly kind: 'challenge'; readonly headers: ExtraHeaders }
  | { readonly kind: 'refused'; readonly status: 400 | 403 };

/** A request as its sender is to be found out. */
export interface Claim {
  readonly method: string;
  readonly requestUri: string;
  readonly headers: Headers;
  readonly source: Pick<Source, 'address'>;
}

/** Proves users by digest (RFC 3261 §22, RFC 7616). */
export class Identities {
  private readonly users: ReadonlyMap<string, BrowserUser>;
  private readonly challenger: DigestChallenger;
  private readonly tries: PasswordTries;

  constructor(
    private readonly options: IdentityOptions,
    deps: { readonly clock: Clock },
  ) {
    this.tries = new PasswordTries(deps);
    this.users = new Map(options.users.map((user) => [user.name, user]));
    this.challenger = new DigestChallenger({ realm: options.realm, nonceLifetimeMs: NONCE_LIFETIME_MS }, deps);
  }

  /** Whether a page that gives no password could be asked for one. */
  get canChallenge(): boolean {
    return this.options.users.some((user) => user.password !== undefined);
  }

  /** The user of this name, for whoever has proved it otherwise. */
  named(name: string | undefined): BrowserUser | undefined {
    return name === undefined ? undefined : this.users.get(name);
  }

  /** Proves that a request comes from the user `name`. An unknown name is challenged like a known one, so that names cannot be probed. */
  prove(name: string | undefined, request: Claim): Proof {
    const user = name === undefined ? undefined : this.users.get(name);
    if (user !== undefined && user.password === undefined) {
      return this.options.allowPasswordless ? { kind: 'user', user } : { kind: 'refused', status: 403 };
    }
    const proof = this.proveByPassword(request);
    return proof.kind === 'user' && proof.user !== user ? { kind: 'refused', status: 403 } : proof;
  }

  /** Finds out by password who sent a request, whoever it says it is. */
  proveByPassword({ method, requestUri, headers, source }: Claim): Proof {
    let tried: string | undefined;
    const verdict = this.challenger.verify({ method, requestUri, authorization: headers.all('Authorization') }, (name) => {
      tried = name;
      return this.users.get(name)?.password;
    });
    if (tried === undefined || !this.users.has(tried)) return this.judge(verdict);
    const who = `${networkPrefix(source.address, household)} ${tried}`;
    // Not even the right one is told from a wrong one meanwhile.
    if (this.tries.mustWait(who)) return { kind: 'refused', status: 403 };
    if (verdict.kind === 'refused') this.tries.failed(who);
    else this.tries.succeeded(who);
    return this.judge(verdict);
  }

  private judge(verdict: DigestVerdict): Proof {
    switch (verdict.kind) {
      case 'accepted': {
        const user = this.users.get(verdict.user);
        return user === undefined ? { kind: 'refused', status: 403 } : { kind: 'user', user };
      }
      case 'missing':
        return this.challenge(false);
      case 'stale':
        return this.challenge(true);
      case 'refused':
        // A nonce of another life of the gateway is no wrong password: the page may try again.
        return verdict.why === 'nonce' ? this.challenge(true) : { kind: 'refused', status: 403 };
      case 'malformed':
        return { kind: 'refused', status: 400 };
    }
  }

  private challenge(stale: boolean): Proof {
    return { kind: 'challenge', headers: this.challenger.challenges({ stale }).map((value) => ['WWW-Authenticate', value] as const) };
  }
}
