import { lookup, resolveNaptr, resolveSrv } from 'node:dns/promises';
import { isIP } from 'node:net';
import { parseSipUri } from '../uri.js';

/** Transports that we can open ourselves; WebSocket peers are reached by the flow they opened. */
export type DialTransport = 'udp' | 'tcp' | 'tls';

/** One place to try for a request. */
export interface Candidate {
  readonly transport: DialTransport;
  readonly address: string;
  readonly port: number;
  /** The domain asked for: what a TLS certificate must name (RFC 5922 §7.2). */
  readonly serverName: string;
  /** True when the URI named the transport, so that a long request may not be moved to TCP. */
  readonly transportGiven: boolean;
}

export interface SrvRecord {
  readonly name: string;
  readonly port: number;
  readonly priority: number;
  readonly weight: number;
}

export interface NaptrRecord {
  readonly order: number;
  readonly preference: number;
  readonly flags: string;
  readonly service: string;
  readonly replacement: string;
}

/** What locating asks of DNS; each gives an empty list when there is nothing. */
export interface Resolver {
  naptr(domain: string): Promise<readonly NaptrRecord[]>;
  srv(name: string): Promise<readonly SrvRecord[]>;
  /** A and AAAA, and the hosts file. */
  addresses(name: string): Promise<readonly string[]>;
}

async function orNothing<T>(records: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await records;
  } catch {
    return [];
  }
}

/** The machine's resolver. An error counts as no record: the next step of RFC 3263 is tried. */
export const systemResolver: Resolver = {
  naptr: (domain) => orNothing(resolveNaptr(domain)),
  srv: (name) => orNothing(resolveSrv(name)),
  addresses: (name) => orNothing(lookup(name, { all: true }).then((all) => all.map((each) => each.address))),
};

export interface LocateOptions {
  /** Transports that may be used at all. */
  readonly transports: readonly DialTransport[];
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

const naptrServices: Readonly<Record<string, DialTransport>> = { 'sip+d2u': 'udp', 'sip+d2t': 'tcp', 'sips+d2t': 'tls' };
const srvPrefixes: Readonly<Record<DialTransport, string>> = { udp: '_sip._udp.', tcp: '_sip._tcp.', tls: '_sips._tcp.' };
const maxCandidates = 8;

export function defaultPort(transport: string): number {
  return transport === 'tls' || transport === 'wss' ? 5061 : 5060;
}

/**
 * Where to send a request for `uri`, best first (RFC 3263 §4). An empty list means that there is no
 * way: an unknown scheme, a name without address, `.invalid` (RFC 2606 §2), a WebSocket URI.
 */
export async function locate(uri: string, resolver: Resolver, options: LocateOptions): Promise<readonly Candidate[]> {
  const parsed = parseSipUri(uri);
  if (parsed === undefined) return [];
  const named = parsed.parameters.get('transport')?.toLowerCase();
  const secure = parsed.scheme === 'sips' || named === 'tls';
  if (named !== undefined && named !== 'udp' && named !== 'tcp' && named !== 'tls') return [];
  const maddr = parsed.parameters.get('maddr');
  const host = maddr === undefined || maddr === '' ? parsed.host : maddr;
  if (/(^|\.)invalid\.?$/i.test(host)) return [];
  const given: DialTransport | undefined = secure ? 'tls' : named;
  const make = (transport: DialTransport, address: string, port: number): Candidate => ({
    transport,
    address,
    port,
    serverName: parsed.host,
    transportGiven: given !== undefined,
  });
  const fallback = given ?? 'udp';
  if (isIP(host) !== 0 || parsed.port !== undefined) {
    const addresses = isIP(host) === 0 ? await resolver.addresses(host) : [host];
    return addresses.slice(0, maxCandidates).map((each) => make(fallback, each, parsed.port ?? defaultPort(fallback)));
  }
  const viaSrv = await locateBySrv(host, given, resolver, options, make);
  if (viaSrv.length > 0) return viaSrv;
  const addresses = await resolver.addresses(host);
  return addresses.slice(0, maxCandidates).map((each) => make(fallback, each, defaultPort(fallback)));
}

async function locateBySrv(
  host: string,
  given: DialTransport | undefined,
  resolver: Resolver,
  options: LocateOptions,
  make: (transport: DialTransport, address: string, port: number) => Candidate,
): Promise<readonly Candidate[]> {
  const candidates: Candidate[] = [];
  for (const { transport, name } of await services(host, given, resolver, options)) {
    for (const record of orderSrv(await resolver.srv(name), options.random)) {
      if (record.name === '' || record.name === '.') continue;
      for (const address of await resolver.addresses(record.name)) candidates.push(make(transport, address, record.port));
      if (candidates.length >= maxCandidates) return candidates.slice(0, maxCandidates);
    }
    if (candidates.length > 0) return candidates;
  }
  return candidates;
}

interface Service {
  readonly transport: DialTransport;
  readonly name: string;
}

/** SRV names to ask for: NAPTR decides when the transport is open, else every transport of ours in turn (§4.1). */
async function services(
  host: string,
  given: DialTransport | undefined,
  resolver: Resolver,
  options: LocateOptions,
): Promise<readonly Service[]> {
  if (given !== undefined) return [{ transport: given, name: `${srvPrefixes[given]}${host}` }];
  const records = [...(await resolver.naptr(host))].sort((a, b) => a.order - b.order || a.preference - b.preference);
  const fromNaptr: Service[] = [];
  for (const record of records) {
    const transport = naptrServices[record.service.toLowerCase()];
    if (transport === undefined || record.flags.toLowerCase() !== 's' || !options.transports.includes(transport)) continue;
    fromNaptr.push({ transport, name: record.replacement });
  }
  if (fromNaptr.length > 0) return fromNaptr;
  return options.transports.filter((each) => each !== 'tls').map((transport) => ({ transport, name: `${srvPrefixes[transport]}${host}` }));
}

/** Order of RFC 2782: by priority, and within one by chance in proportion to weight. */
export function orderSrv(records: readonly SrvRecord[], random: () => number): readonly SrvRecord[] {
  const ordered: SrvRecord[] = [];
  const rest = [...records].sort((a, b) => a.priority - b.priority || a.weight - b.weight);
  while (rest.length > 0) {
    const priority = rest[0]?.priority;
    const group = rest.filter((each) => each.priority === priority);
    const total = group.reduce((sum, each) => sum + each.weight, 0);
    let left = random() * total;
    const picked = group.find((each) => {
      left -= each.weight;
      return left < 0;
    });
    const next = picked ?? group[group.length - 1];
    if (next === undefined) break;
    ordered.push(next);
    rest.splice(rest.indexOf(next), 1);
  }
  return ordered;
}
