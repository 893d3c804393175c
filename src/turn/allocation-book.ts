import type { Clock, Timer } from '../base/clock.js';
import { Allocation } from './allocation.js';
import { type ClientPath, householdOf } from './client-path.js';
import type { PeerRule } from './peer-rule.js';
import { RelayPorts } from './relay-ports.js';
import type { TurnUser } from './turn-auth.js';
import type { TurnError } from './turn-words.js';

export interface TurnQuotas {
  readonly allocations: number;
  readonly allocationsPerUser: number;
  readonly allocationsPerAddress: number;
  /** Each way, of one allocation. */
  readonly bytesPerSecond: number;
}

export interface AllocationBookOptions {
  readonly quotas: TurnQuotas;
  readonly relayPorts: { readonly min: number; readonly max: number };
}

interface AllocationBookDeps {
  readonly clock: Clock;
  readonly peer: PeerRule;
}

/** What a client asks for. */
export interface AllocationWish {
  readonly client: ClientPath;
  readonly user: TurnUser;
  readonly transactionId: Buffer;
  readonly lifetimeMs: number;
  readonly evenPort: boolean;
}

const sweepMs = 1_000;

/** All allocations: who has them, how many there may be, and when they end. */
export class AllocationBook {
  private readonly byClient = new Map<string, Allocation>();
  /** Of clients whose relay is being bound, so that a repeated request does not make a second one. */
  private readonly binding = new Map<string, Allocation>();
  private readonly ports: RelayPorts;
  private sweeper: Timer | undefined;

  constructor(
    private readonly options: AllocationBookOptions,
    private readonly deps: AllocationBookDeps,
  ) {
    this.ports = new RelayPorts({ address: deps.peer.localAddress, ...options.relayPorts });
  }

  /** Allocations there are, and those being made. */
  get size(): number {
    return this.byClient.size + this.binding.size;
  }

  find(client: ClientPath): Allocation | undefined {
    return this.byClient.get(client.id);
  }

  isBinding(client: ClientPath): boolean {
    return this.binding.has(client.id);
  }

  /** Makes an allocation, or says why not; undefined when the client has gone meanwhile. */
  async make(wish: AllocationWish): Promise<Allocation | TurnError | undefined> {
    const { client, user } = wish;
    const { quotas } = this.options;
    if (this.count((one) => one.user.name === user.name) >= quotas.allocationsPerUser) return 486;
    const place = householdOf(client.address);
    if (this.count((one) => householdOf(one.client.address) === place) >= quotas.allocationsPerAddress) return 486;
    if (this.size >= quotas.allocations) return 508;
    const { clock, peer } = this.deps;
    const allocation = new Allocation({ ...wish, bytesPerSecond: quotas.bytesPerSecond }, { peer, nowMs: () => clock.nowMs() });
    this.binding.set(client.id, allocation);
    const socket = await this.ports
      .bind(wish.evenPort, (datagram, { address, port }) => allocation.receive(datagram, address, port))
      .catch(() => undefined);
    const wanted = this.binding.get(client.id) === allocation;
    if (wanted) this.binding.delete(client.id);
    if (socket === undefined) return wanted ? 508 : undefined;
    allocation.open(socket);
    if (!wanted) {
      await allocation.close();
      return undefined;
    }
    this.byClient.set(client.id, allocation);
    this.keepSweeping();
    return allocation;
  }

  /** Ends what a client has. Idempotent. */
  async end(client: ClientPath): Promise<void> {
    this.binding.delete(client.id);
    const allocation = this.byClient.get(client.id);
    this.byClient.delete(client.id);
    if (this.byClient.size === 0) this.stopSweeping();
    await allocation?.close();
  }

  async endAll(): Promise<void> {
    this.binding.clear();
    await Promise.all([...this.byClient.values()].map(({ client }) => this.end(client)));
  }

  private count(matches: (allocation: Allocation) => boolean): number {
    let count = 0;
    for (const allocations of [this.byClient, this.binding]) {
      for (const allocation of allocations.values()) if (matches(allocation)) count += 1;
    }
    return count;
  }

  private keepSweeping(): void {
    this.sweeper ??= this.deps.clock.after(sweepMs, () => {
      this.sweeper = undefined;
      const nowMs = this.deps.clock.nowMs();
      for (const { client, expiresAtMs } of [...this.byClient.values()]) if (expiresAtMs <= nowMs) void this.end(client);
      if (this.byClient.size > 0) this.keepSweeping();
    });
  }

  private stopSweeping(): void {
    this.sweeper?.cancel();
    this.sweeper = undefined;
  }
}
