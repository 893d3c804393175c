/** What is known of the carriers' peers, and the order in which one call tries them. */
import type { Clock } from '../base/clock.js';
import { GatewayError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { parseSipUri, type SipUri } from '../sip/uri.js';
import type { TrunkOptions, TrunkPeer } from './options.js';
import { awake, type HealthRules, nextHealth, type PeerEvent, type PeerHealth, rankOf, untried } from './peer-health.js';
import { peerOrder } from './peer-order.js';

export type TrunkErrorInfo = { readonly code: 'trunk-peer-invalid'; readonly trunk: string };

/** A peer of a trunk, its URI read. */
export interface KnownPeer extends TrunkPeer {
  readonly parsed: SipUri;
}

interface Entry {
  readonly peer: KnownPeer;
  health: PeerHealth;
}

interface Plan {
  readonly madeMs: number;
  readonly peers: readonly KnownPeer[];
}

/** Calls alone move the health of a peer that is not probed; one success is enough then. */
const unprobed: HealthRules = { failures: 3, successes: 1 };
/** Longer than any call takes to be answered; plans of calls that were given up are forgotten after it. */
const planLifetimeMs = 600_000;

/** The health of every peer. Shared by the dialler, which learns from calls, and the probes. */
export class PeerBook {
  private readonly trunks = new Map<string, readonly Entry[]>();
  private readonly rules = new Map<string, HealthRules>();
  /** Oldest first. */
  private readonly plans = new Map<string, Plan>();
  private readonly suspectHandlers: ((trunk: string, uri: string) => void)[] = [];

  constructor(
    trunks: readonly TrunkOptions[],
    private readonly deps: { readonly clock: Clock; readonly log: Log },
  ) {
    for (const trunk of trunks) {
      this.trunks.set(
        trunk.id,
        trunk.peers.map((peer) => ({ peer: read(peer, trunk.id), health: untried })),
      );
      this.rules.set(trunk.id, trunk.probe ?? unprobed);
    }
  }

  peers(trunk: string): readonly KnownPeer[] {
    return (this.trunks.get(trunk) ?? []).map(({ peer }) => peer);
  }

  /** Called when a call could not be delivered to a peer: a probe now tells more. */
  onSuspect(handler: (trunk: string, uri: string) => void): void {
    this.suspectHandlers.push(handler);
  }

  mark(trunk: string, uri: string, event: PeerEvent): void {
    const entry = this.entry(trunk, uri);
    if (entry === undefined) return;
    const nowMs = this.deps.clock.nowMs();
    const before = awake(entry.health, nowMs);
    entry.health = nextHealth(before, event, this.rules.get(trunk) ?? unprobed, nowMs);
    if (entry.health.name !== before.name) this.tell(trunk, uri, entry.health);
    if (event.type === 'undelivered') for (const handler of this.suspectHandlers) handler(trunk, uri);
  }

  health(trunk: string, uri: string): PeerHealth {
    return awake(this.entry(trunk, uri)?.health ?? untried, this.deps.clock.nowMs());
  }

  /** A moment of the health's clock as milliseconds since the Unix epoch. */
  wallTimeOf(atMs: number): number {
    return this.deps.clock.wallMs() + atMs - this.deps.clock.nowMs();
  }

  /** The peer for one attempt of a call. The order is fixed at the first, whatever is learnt on the way; `first` leads it while it is up. */
  peerFor(trunk: string, callId: string, attempt: number, first?: string): KnownPeer | undefined {
    const key = `${trunk}/${callId}`;
    const known = attempt === 0 ? undefined : this.plans.get(key);
    const peers = known?.peers ?? this.order(trunk, callId, first);
    const peer = peers[attempt];
    if (peer === undefined || attempt + 1 >= peers.length) this.plans.delete(key);
    else if (known === undefined) this.remember(key, peers);
    return peer;
  }

  /** The call is over, or goes another way. */
  forget(trunk: string, callId: string): void {
    this.plans.delete(`${trunk}/${callId}`);
  }

  /** Peers of lower priority value first, by weight among equals; those known not to serve come last. */
  private order(trunk: string, callId: string, first: string | undefined): readonly KnownPeer[] {
    const entries = this.trunks.get(trunk) ?? [];
    const nowMs = this.deps.clock.nowMs();
    const ranks = new Map(entries.map(({ peer, health }) => [peer.uri, rankOf(health, nowMs)]));
    const rank = ({ uri }: KnownPeer): number => (ranks.get(uri) ?? 0) - (uri === first ? 0.5 : 0);
    const drawn = peerOrder(
      entries.map(({ peer }) => peer),
      callId,
    );
    return [...drawn].sort((one, other) => rank(one) - rank(other));
  }

  private remember(key: string, peers: readonly KnownPeer[]): void {
    const nowMs = this.deps.clock.nowMs();
    for (const [old, { madeMs }] of this.plans) {
      if (madeMs + planLifetimeMs > nowMs) break;
      this.plans.delete(old);
    }
    this.plans.set(key, { madeMs: nowMs, peers });
  }

  private entry(trunk: string, uri: string): Entry | undefined {
    return this.trunks.get(trunk)?.find(({ peer }) => peer.uri === uri);
  }

  private tell(trunk: string, peer: string, health: PeerHealth): void {
    const { log, clock } = this.deps;
    if (health.name === 'up') log.info({ trunk, peer }, 'a peer of the trunk is up');
    else if (health.name === 'down') log.warn({ trunk, peer }, 'a peer of the trunk is down; it is tried last');
    else {
      const seconds = Math.round((health.untilMs - clock.nowMs()) / 1000);
      log.warn({ trunk, peer, seconds, why: health.why }, 'a peer of the trunk is tried last for a while');
    }
  }
}

function read(peer: TrunkPeer, trunk: string): KnownPeer {
  const parsed = parseSipUri(peer.uri);
  if (parsed === undefined) {
    throw new GatewayError<TrunkErrorInfo>(
      { code: 'trunk-peer-invalid', trunk },
      `A peer of trunk ${trunk} is no SIP URI; write it as sip:host:port;transport=udp.`,
    );
  }
  return { ...peer, parsed };
}
