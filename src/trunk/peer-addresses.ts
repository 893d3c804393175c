/** The addresses behind the host names of the carriers' peers: what they send from is theirs. */
import { promises as dns } from 'node:dns';
import { isIP } from 'node:net';
import type { Clock, Timer } from '../base/clock.js';
import { messageOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { Startable } from '../base/startable.js';
import { parseSipUri } from '../sip/uri.js';
import type { TrunkOptions } from './options.js';

/** Every address a host stands for; rejects when it cannot be told now. */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

const refreshMs = 300_000;
/** While a name has never been resolved. */
const retryMs = 15_000;

/**
 * Looks the peers' names up now and again. Addresses stay known while a later lookup fails: a name
 * server that is away must not shut a carrier out.
 */
export class PeerAddresses implements Startable {
  /** Host to addresses. */
  private readonly known = new Map<string, ReadonlySet<string>>();
  private readonly hosts: ReadonlyMap<string, readonly string[]>;
  /** Hosts whose last lookup failed; the log says it once. */
  private readonly failing = new Set<string>();
  private timer: Timer | undefined;
  private stopped = true;

  constructor(
    trunks: readonly TrunkOptions[],
    private readonly deps: { readonly clock: Clock; readonly log: Log; readonly resolveHost?: ResolveHost },
  ) {
    const named = trunks.map(({ id, peers }): [string, string[]] => [id, peers.flatMap(({ uri }) => parseSipUri(uri)?.host ?? [])]);
    this.hosts = new Map(named.map(([id, hosts]) => [id, hosts.filter((host) => isIP(host) === 0)]));
  }

  /** Begins to look; does not wait for what it finds. */
  start(): Promise<void> {
    if (!this.stopped) return Promise.resolve();
    this.stopped = false;
    if ([...this.hosts.values()].some((hosts) => hosts.length > 0)) void this.look();
    return Promise.resolve();
  }

  stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    return Promise.resolve();
  }

  /** Whether the address is one of a trunk's named peers. */
  has(trunk: string, address: string): boolean {
    return (this.hosts.get(trunk) ?? []).some((host) => this.known.get(host)?.has(address) === true);
  }

  private async look(): Promise<void> {
    const hosts = [...new Set([...this.hosts.values()].flat())];
    await Promise.all(hosts.map((host) => this.lookUp(host)));
    if (this.stopped) return;
    const delayMs = hosts.every((host) => this.known.has(host)) ? refreshMs : retryMs;
    this.timer = this.deps.clock.after(delayMs, () => void this.look());
  }

  private async lookUp(host: string): Promise<void> {
    try {
      const addresses = await (this.deps.resolveHost ?? systemAddresses)(host);
      if (addresses.length > 0) this.known.set(host, new Set(addresses));
      this.failing.delete(host);
    } catch (thrown) {
      if (this.failing.has(host)) return;
      this.failing.add(host);
      const fields = { host, fault: messageOf(thrown), known: this.known.has(host) };
      this.deps.log.warn(
        fields,
        'a peer of a trunk cannot be looked up; calls from addresses not known yet are refused unless "allow" has them',
      );
    }
  }
}

/** A and AAAA of the name and of its SIP servers (RFC 3263 §4.2 names them by SRV). */
async function systemAddresses(host: string): Promise<readonly string[]> {
  const services = ['_sip._udp', '_sip._tcp', '_sips._tcp'].map((service) => dns.resolveSrv(`${service}.${host}`).catch(() => []));
  const targets = (await Promise.all(services)).flat().map(({ name }) => name);
  const names = targets.length === 0 ? [host] : [...new Set([host, ...targets])];
  const found = await Promise.allSettled(names.map((name) => dns.lookup(name, { all: true })));
  const addresses = found.flatMap((each) => (each.status === 'fulfilled' ? each.value.map(({ address }) => address) : []));
  const refused = found.find((each) => each.status === 'rejected');
  if (addresses.length === 0 && refused !== undefined) throw refused.reason;
  return addresses;
}
