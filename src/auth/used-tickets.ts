import type { Clock } from '../base/clock.js';

/** Most tickets that are remembered at one time; beyond it no new one is let in. */
const maxRemembered = 200_000;
/** How many are looked at for having expired, each time one is added. */
const sweptPerTicket = 4;

/** Remembers each ticket that was used until it has expired, so that it serves once (RFC 7519 §4.1.7). */
export class UsedTickets {
  /** In the order of their use. */
  private readonly expiry = new Map<string, number>();

  constructor(
    /** Called for each ticket used, before its call goes on. */
    private readonly onUsed: (id: string, expiresAtMs: number) => void,
    private readonly deps: { readonly clock: Pick<Clock, 'wallMs'> },
  ) {}

  /** Takes the ticket for used; false when it was already, or when too many are remembered to be sure. */
  use(id: string, expiresAtMs: number): boolean {
    this.sweep();
    if (this.expiry.has(id) || this.expiry.size >= maxRemembered) return false;
    this.expiry.set(id, expiresAtMs);
    this.onUsed(id, expiresAtMs);
    return true;
  }

  /** What was used in an earlier life of the gateway. */
  remember(id: string, expiresAtMs: number): void {
    if (expiresAtMs > this.deps.clock.wallMs()) this.expiry.set(id, expiresAtMs);
  }

  get size(): number {
    return this.expiry.size;
  }

  /** Goes round: who has not expired is put at the end, so that a few long-lived ones hide no others. */
  private sweep(): void {
    const nowMs = this.deps.clock.wallMs();
    let looked = 0;
    for (const [id, expiresAtMs] of this.expiry) {
      if (looked === sweptPerTicket) return;
      looked += 1;
      this.expiry.delete(id);
      if (expiresAtMs > nowMs) this.expiry.set(id, expiresAtMs);
    }
  }
}
