import { Resolver as DnsResolver } from 'node:dns/promises';
import type { Clock } from '../../base/clock.js';
import type { NaptrRecord, Resolver, SrvRecord } from './locate.js';

const queryTimeoutMs = 2000;
const queryTries = 2;
/** Node tells no time to live for SRV and NAPTR; carriers that move services keep it near a minute. */
const serviceLifeMs = 60_000;
/** An answer that there is nothing, and one that did not come, count this long (RFC 2308 §5, kept short: calls wait for it). */
const nothingLifeMs = 5_000;
const shortestLifeMs = 1_000;
const longestLifeMs = 300_000;
const maxEntries = 1024;
const msPerSecond = 1000;

interface Answer<T> {
  readonly records: readonly T[];
  readonly lifeMs: number;
}

interface Entry {
  readonly answer: Promise<Answer<unknown>>;
  untilMs: number;
}

/** Asks the name servers it is given, and remembers what they say as long as they say. */
export class CachingDnsResolver implements Resolver {
  private readonly dns = new DnsResolver({ timeout: queryTimeoutMs, tries: queryTries });
  private readonly entries = new Map<string, Entry>();

  /** `servers` as `address` or `address:port`, IPv6 with a port in brackets. */
  constructor(
    servers: readonly string[],
    private readonly clock: Pick<Clock, 'nowMs'>,
  ) {
    this.dns.setServers([...servers]);
  }

  naptr(domain: string): Promise<readonly NaptrRecord[]> {
    return this.cached(`naptr ${domain}`, async () => ({ records: await this.dns.resolveNaptr(domain), lifeMs: serviceLifeMs }));
  }

  srv(name: string): Promise<readonly SrvRecord[]> {
    return this.cached(`srv ${name}`, async () => ({ records: await this.dns.resolveSrv(name), lifeMs: serviceLifeMs }));
  }

  /** IPv4 before IPv6: both are asked at once, and one of them is enough. */
  addresses(name: string): Promise<readonly string[]> {
    return this.cached(`addresses ${name}`, async () => {
      const asked = await Promise.allSettled([this.dns.resolve4(name, { ttl: true }), this.dns.resolve6(name, { ttl: true })]);
      const found = asked.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
      const seconds = Math.min(...found.map((each) => each.ttl));
      const lifeMs = Math.min(longestLifeMs, Math.max(shortestLifeMs, seconds * msPerSecond));
      return { records: found.map((each) => each.address), lifeMs };
    });
  }

  private async cached<T>(key: string, ask: () => Promise<Answer<T>>): Promise<readonly T[]> {
    const now = this.clock.nowMs();
    const known = this.entries.get(key);
    if (known !== undefined && known.untilMs > now) return ((await known.answer) as Answer<T>).records;
    const answer = ask().catch((): Answer<T> => ({ records: [], lifeMs: nothingLifeMs }));
    const entry: Entry = { answer, untilMs: Number.POSITIVE_INFINITY };
    this.makeRoom(key);
    this.entries.set(key, entry);
    const { records, lifeMs } = await answer;
    entry.untilMs = this.clock.nowMs() + (records.length === 0 ? nothingLifeMs : lifeMs);
    return records;
  }

  private makeRoom(key: string): void {
    this.entries.delete(key);
    const oldest = this.entries.size < maxEntries ? undefined : this.entries.keys().next().value;
    if (oldest !== undefined) this.entries.delete(oldest);
  }
}
