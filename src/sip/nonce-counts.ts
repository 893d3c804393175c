interface Use {
  readonly issuedAtMs: number;
  count: number;
}

/**
 * The highest count seen for each nonce in use (RFC 7616 §3.4.5). Bounded: when it is full, the
 * nonce first remembered is given up, and every unknown nonce as old as that one is refused from
 * then on, so forgetting never opens a replay.
 */
export class NonceCounts {
  private readonly uses = new Map<string, Use>();
  private forgottenUpToMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly capacity: number,
    private readonly lifetimeMs: number,
  ) {}

  /** True when `count` is higher than every count this nonce was used with before; then it is remembered. */
  accept(nonce: string, count: number, issuedAtMs: number, nowMs: number): boolean {
    const use = this.uses.get(nonce);
    if (use !== undefined) {
      if (count <= use.count) return false;
      use.count = count;
      return true;
    }
    if (count < 1 || issuedAtMs <= this.forgottenUpToMs) return false;
    this.makeRoom(nowMs);
    this.uses.set(nonce, { issuedAtMs, count });
    return true;
  }

  /** Nonces remembered now. */
  get size(): number {
    return this.uses.size;
  }

  private makeRoom(nowMs: number): void {
    for (const [nonce, use] of this.uses) {
      const expired = nowMs - use.issuedAtMs > this.lifetimeMs;
      if (!expired && this.uses.size < this.capacity) return;
      this.uses.delete(nonce);
      if (!expired) this.forgottenUpToMs = Math.max(this.forgottenUpToMs, use.issuedAtMs);
    }
  }
}
