/** Base values of every SIP timer (RFC 3261 §17, table 4 of appendix A). */
export interface SipTimers {
  /** Round-trip estimate. */
  readonly t1Ms: number;
  /** Longest retransmission interval of anything but INVITE requests. */
  readonly t2Ms: number;
  /** Longest time a message stays in the network. */
  readonly t4Ms: number;
}

export const defaultSipTimers: SipTimers = { t1Ms: 500, t2Ms: 4000, t4Ms: 5000 };

/** Timers of RFC 3261 §17 by their letters; L and M are RFC 6026's. */
export type TimerName = 'A' | 'B' | 'D' | 'E' | 'F' | 'G' | 'H' | 'I' | 'J' | 'K' | 'L' | 'M';

/** Timers that fire again and again while the state lasts. */
const repeating: ReadonlySet<TimerName> = new Set<TimerName>(['A', 'E', 'G']);

/** 64*T1: how long a transaction tries, and the lifetime everything else is measured against. */
export function lifetimeMs(timers: SipTimers): number {
  return 64 * timers.t1Ms;
}

/** Timer D must be at least 32 s on UDP whatever T1 is; scaled only when T1 is made smaller than its default. */
function timerDMs(timers: SipTimers): number {
  return timers.t1Ms < defaultSipTimers.t1Ms ? lifetimeMs(timers) : Math.max(32_000, lifetimeMs(timers));
}

/**
 * First interval of a timer: 0 means "fires at once" and undefined "is not started", both as the
 * reliable column of RFC 3261's table 4 has them.
 */
export function firstIntervalMs(name: TimerName, timers: SipTimers, reliable: boolean): number | undefined {
  if (reliable && repeating.has(name)) return undefined;
  switch (name) {
    case 'A':
    case 'E':
    case 'G':
      return timers.t1Ms;
    case 'B':
    case 'F':
    case 'H':
    case 'L':
    case 'M':
      return lifetimeMs(timers);
    case 'D':
      return reliable ? 0 : timerDMs(timers);
    case 'J':
      return reliable ? 0 : lifetimeMs(timers);
    case 'I':
    case 'K':
      return reliable ? 0 : timers.t4Ms;
  }
}

/**
 * Next interval of a repeating timer: A doubles without bound (§17.1.1.2), E and G double up to T2
 * (§17.1.2.2, §17.2.1), and E is T2 flat once a provisional response has come.
 */
export function nextIntervalMs(name: TimerName, previousMs: number, timers: SipTimers, proceeding: boolean): number {
  if (name === 'A') return previousMs * 2;
  if (name === 'E' && proceeding) return timers.t2Ms;
  return Math.min(previousMs * 2, timers.t2Ms);
}
