/** OPTIONS as a sign of life of the carriers' peers (RFC 3261 §11). */
import type { Clock, Timer } from '../base/clock.js';
import type { Startable } from '../base/startable.js';
import type { SipPort, SipResponse } from '../sip/port.js';
import { formatSipUri } from '../sip/uri.js';
import type { ProbeRules, TrunkOptions } from './options.js';
import type { KnownPeer, PeerBook } from './peer-book.js';
import type { PeerEvent } from './peer-health.js';
import { retryAfterMs } from './retry-after.js';

interface PeerProbeDeps {
  readonly sip: SipPort;
  readonly book: PeerBook;
  readonly clock: Clock;
  /** Uniform in [0, 1): spreads the probes of many peers over the interval. */
  readonly random: () => number;
}

/** Any final response is a sign of life, whatever it says of OPTIONS itself; 408 and 503 are not. */
export function signOfLife({ status, headers }: SipResponse): PeerEvent {
  if (status === 408) return { type: 'silent' };
  if (status !== 503) return { type: 'alive' };
  const restMs = retryAfterMs(headers);
  return restMs === undefined ? { type: 'silent' } : { type: 'unavailable', retryAfterMs: restMs };
}

/** Probes one peer again and again; a probe begins an interval after the one before has ended. */
export class PeerProbe implements Startable {
  private timer: Timer | undefined;
  /** The probe under way; an answer to an older one is not looked at. */
  private running: symbol | undefined;
  private stopped = true;

  constructor(
    private readonly options: { readonly trunk: TrunkOptions; readonly peer: KnownPeer; readonly rules: ProbeRules },
    private readonly deps: PeerProbeDeps,
  ) {}

  start(): Promise<void> {
    if (this.stopped) {
      this.stopped = false;
      this.wait(this.deps.random() * Math.min(this.options.rules.intervalMs, 2_000));
    }
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.stopped = true;
    this.running = undefined;
    this.timer?.cancel();
    return Promise.resolve();
  }

  /** Probes at once, unless a probe is under way. */
  now(): void {
    if (!this.stopped && this.running === undefined) this.probe();
  }

  private wait(delayMs: number): void {
    this.timer?.cancel();
    this.timer = this.deps.clock.after(delayMs, () => this.probe());
  }

  private probe(): void {
    const { rules } = this.options;
    const turn = Symbol('probe');
    this.running = turn;
    const end = (event: PeerEvent): void => {
      if (this.running === turn) this.ended(event);
    };
    this.timer?.cancel();
    this.timer = this.deps.clock.after(rules.timeoutMs, () => end({ type: 'silent' }));
    this.send().then(
      (response) => end(signOfLife(response)),
      () => end({ type: 'silent' }),
    );
  }

  private ended(event: PeerEvent): void {
    const { trunk, peer, rules } = this.options;
    this.running = undefined;
    this.deps.book.mark(trunk.id, peer.uri, event);
    this.wait(rules.intervalMs * (0.9 + 0.2 * this.deps.random()));
  }

  private send(): Promise<SipResponse> {
    const { trunk, peer } = this.options;
    const { scheme, host, port } = peer.parsed;
    const bare = { parameters: new Map(), headers: new Map() };
    const requestUri = formatSipUri({ scheme, host, ...(port === undefined ? {} : { port }), ...bare });
    const from = { uri: formatSipUri({ scheme, user: 'gateway', host: trunk.domain ?? host, ...bare }) };
    return this.deps.sip.request({ method: 'OPTIONS', requestUri, from, via: { proxy: peer.uri } });
  }
}
