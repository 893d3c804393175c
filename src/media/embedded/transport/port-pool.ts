/**
 * Local UDP ports: picked at random, so that nobody can tell the next one, and left alone for a while
 * after use, so that late packets of the last call do not fall into the next (RFC 7362 §4 has what
 * happens else). No timer runs for that: a port's rest is looked at when one is asked for.
 */
import { randomInt } from 'node:crypto';
import { GatewayError } from '../../../base/errors.js';
import type { MediaErrorInfo } from '../../plane.js';

export interface PortPoolOptions {
  /** First and last port of the range, both may be used. */
  readonly min: number;
  readonly max: number;
  /** Ports per lease: 1, or 2 for an even/odd pair of RTP and RTCP (RFC 3550 §11). */
  readonly portsPerLease: 1 | 2;
  readonly quarantineMs: number;
}

interface RestingPort {
  readonly port: number;
  readonly freeAtMs: number;
}

/** Tries before a range is called full: other programs may hold ports of it. */
const bindTries = 32;

export class PortPool {
  private readonly free: number[] = [];
  private readonly resting: RestingPort[] = [];
  private leases = 0;

  constructor(
    private readonly options: PortPoolOptions,
    private readonly deps: { readonly nowMs: () => number },
  ) {
    const step = options.portsPerLease;
    const first = step === 2 ? options.min + (options.min % 2) : options.min;
    for (let port = first; port + step - 1 <= options.max; port += step) this.free.push(port);
  }

  /** Ports leased now. */
  get leasedPorts(): number {
    return this.leases * this.options.portsPerLease;
  }

  /**
   * Binds what `bind` makes at a port picked at random, going on to another where one is taken.
   * Rejects with `no-free-ports`.
   */
  async lease<T>(bind: (port: number) => Promise<T | undefined>): Promise<{ readonly port: number; readonly bound: T }> {
    for (let tries = 0; tries < bindTries; tries += 1) {
      const port = this.pick();
      if (port === undefined) break;
      const bound = await bind(port);
      if (bound !== undefined) {
        this.leases += 1;
        return { port, bound };
      }
      this.rest(port);
    }
    throw new GatewayError<MediaErrorInfo>(
      { code: 'no-free-ports' },
      `No free UDP port between ${this.options.min} and ${this.options.max}; widen the range`,
    );
  }

  /** Gives a leased port back; it rests first. */
  release(port: number): void {
    this.leases -= 1;
    this.rest(port);
  }

  private rest(port: number): void {
    this.resting.push({ port, freeAtMs: this.deps.nowMs() + this.options.quarantineMs });
  }

  private pick(): number | undefined {
    const nowMs = this.deps.nowMs();
    while (this.resting[0] !== undefined && this.resting[0].freeAtMs <= nowMs) {
      const rested = this.resting.shift();
      if (rested !== undefined) this.free.push(rested.port);
    }
    if (this.free.length === 0) return undefined;
    const at = randomInt(this.free.length);
    const port = this.free[at];
    const last = this.free.pop();
    if (last !== undefined && at < this.free.length) this.free[at] = last;
    return port;
  }
}

/** The part of a range that worker `index` of `workers` may use, on an even border, so that workers never race for a port. */
export function shareOfRange(
  range: { readonly min: number; readonly max: number },
  index: number,
  workers: number,
): { readonly min: number; readonly max: number } {
  const pairs = Math.floor((range.max - range.min + 1) / 2 / workers);
  if (pairs < 1) return range;
  const min = range.min + index * pairs * 2;
  return { min, max: index === workers - 1 ? range.max : min + pairs * 2 - 1 };
}
