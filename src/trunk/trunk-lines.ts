/** How many calls a trunk carries and how fast new ones may come. */
import type { Clock } from '../base/clock.js';
import type { TrunkOptions } from './options.js';

interface Line {
  readonly maxCalls: number;
  /** Absent: as fast as they come. */
  readonly perSecond: number | undefined;
  inUse: number;
  /** Calls that may start now; refills with time, up to one second's worth. */
  tokens: number;
  refilledAtMs: number;
}

/** Shared by the dialler and the edge, because `maxCalls` counts both directions. */
export class TrunkLines {
  private readonly lines = new Map<string, Line>();

  constructor(
    trunks: readonly TrunkOptions[],
    private readonly deps: { readonly clock: Clock },
  ) {
    for (const { id, maxCalls = Number.POSITIVE_INFINITY, callsPerSecond } of trunks) {
      this.lines.set(id, {
        maxCalls,
        perSecond: callsPerSecond,
        inUse: 0,
        tokens: burst(callsPerSecond),
        refilledAtMs: deps.clock.nowMs(),
      });
    }
  }

  /** A line for one call; undefined when none is free. What it returns gives the line back, once. */
  take(trunk: string, direction: 'out' | 'in'): (() => void) | undefined {
    const line = this.lines.get(trunk);
    if (line === undefined || line.inUse >= line.maxCalls) return undefined;
    if (direction === 'out' && !this.spend(line)) return undefined;
    line.inUse += 1;
    let taken = true;
    return () => {
      if (taken) line.inUse -= 1;
      taken = false;
    };
  }

  /** Calls now on a trunk. */
  inUse(trunk: string): number {
    return this.lines.get(trunk)?.inUse ?? 0;
  }

  private spend(line: Line): boolean {
    const { perSecond } = line;
    if (perSecond === undefined) return true;
    const now = this.deps.clock.nowMs();
    line.tokens = Math.min(burst(perSecond), line.tokens + ((now - line.refilledAtMs) / 1000) * perSecond);
    line.refilledAtMs = now;
    if (line.tokens < 1) return false;
    line.tokens -= 1;
    return true;
  }
}

/** One second's calls may come together, and one call always. */
function burst(perSecond: number | undefined): number {
  return Math.max(1, perSecond ?? 1);
}
