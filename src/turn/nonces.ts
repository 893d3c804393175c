import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

interface NonceDeps {
  readonly clock: { readonly nowMs: () => number };
}

/** A nonce is good for so long; a client that shows an older one is given a new one (RFC 8656 §5). */
const lifetimeMs = 600_000;

/**
 * Nonces that nothing is kept of: a nonce is the time at which it ends and a seal over that and over the
 * client it was given to, so that no other client can use it (RFC 8489 §9.2).
 */
export class Nonces {
  private readonly key = randomBytes(32);

  constructor(private readonly deps: NonceDeps) {}

  issue(client: string): string {
    return this.sealed(Math.floor(this.deps.clock.nowMs() + lifetimeMs).toString(36), client);
  }

  isFresh(nonce: string, client: string): boolean {
    const [ends = ''] = nonce.split('.');
    if (!/^[0-9a-z]{1,11}$/.test(ends)) return false;
    const [given, expected] = [Buffer.from(nonce), Buffer.from(this.sealed(ends, client))];
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return false;
    return Number.parseInt(ends, 36) > this.deps.clock.nowMs();
  }

  private sealed(ends: string, client: string): string {
    return `${ends}.${createHmac('sha256', this.key).update(`${ends} ${client}`).digest('hex').slice(0, 24)}`;
  }
}
