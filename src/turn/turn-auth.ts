/** Long-term credentials (RFC 8489 §9.2) whose passwords follow from the names by a shared secret. */
import { createHash } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import { attributeOf, type StunAttribute, type StunMessage } from '../media/stun/stun-message.js';
import { integrityFits } from '../media/stun/stun-seal.js';
import { credentialFor, expiryOf } from './credentials.js';
import { Nonces } from './nonces.js';
import { attribute, type TurnError } from './turn-words.js';

/** Somebody who has shown his password. */
export interface TurnUser {
  readonly name: string;
  /** Seals what goes between him and us. */
  readonly key: Buffer;
}

export type AuthVerdict =
  | { readonly kind: 'user'; readonly user: TurnUser }
  | {
      readonly kind: 'refused';
      readonly code: TurnError /** What he needs to try again. */;
      readonly attributes: readonly StunAttribute[];
    };

export interface TurnAuthOptions {
  readonly realm: string;
  readonly secret: string;
}

/** RFC 8489 §14.3 has names shorter than 509 bytes; ours are far from it. */
const maxNameBytes = 128;

export class TurnAuth {
  private readonly nonces: Nonces;

  constructor(
    private readonly options: TurnAuthOptions,
    private readonly deps: { readonly clock: Clock },
  ) {
    this.nonces = new Nonces({ clock: { nowMs: () => deps.clock.nowMs() } });
  }

  /** Who sent a request. `allocated` is whose allocation it touches: only he may, and as long as he keeps it up. */
  check(message: StunMessage, client: string, allocated: TurnUser | undefined): AuthVerdict {
    const { integrityAt } = message;
    if (integrityAt === undefined) return this.challenge(401, client);
    const [name, realm, nonce] = [attribute.username, attribute.realm, attribute.nonce].map((type) =>
      attributeOf(message, type)?.toString(),
    );
    if (name === undefined || realm === undefined || nonce === undefined) return { kind: 'refused', code: 400, attributes: [] };
    if (!this.nonces.isFresh(nonce, client)) return this.challenge(438, client);
    if (allocated !== undefined && allocated.name !== name) return { kind: 'refused', code: 441, attributes: [] };
    const user = allocated ?? this.userOf(name);
    if (user === undefined || realm !== this.options.realm || !integrityFits(message.bytes, integrityAt, user.key)) {
      return this.challenge(401, client);
    }
    return { kind: 'user', user };
  }

  /** Undefined when the name is not one we made, or good no longer. */
  private userOf(name: string): TurnUser | undefined {
    const expiresAtMs = expiryOf(name);
    if (expiresAtMs === undefined || expiresAtMs <= this.deps.clock.wallMs() || Buffer.byteLength(name) > maxNameBytes) return undefined;
    const { realm, secret } = this.options;
    const key = createHash('md5')
      .update(`${name}:${realm}:${credentialFor(secret, name)}`)
      .digest();
    return { name, key };
  }

  private challenge(code: 401 | 438, client: string): AuthVerdict {
    const attributes = [
      { type: attribute.realm, value: Buffer.from(this.options.realm) },
      { type: attribute.nonce, value: Buffer.from(this.nonces.issue(client)) },
    ];
    return { kind: 'refused', code, attributes };
  }
}
