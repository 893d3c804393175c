import { describe, expect, it } from 'vitest';
import { locate, type NaptrRecord, orderSrv, type Resolver, type SrvRecord } from '../../../../src/sip/embedded/locate.js';

interface Zone {
  readonly naptr?: Readonly<Record<string, readonly NaptrRecord[]>>;
  readonly srv?: Readonly<Record<string, readonly SrvRecord[]>>;
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
}

function resolverOf(zone: Zone): { readonly resolver: Resolver; readonly asked: string[] } {
  const asked: string[] = [];
  const ask = <T>(kind: string, table: Readonly<Record<string, readonly T[]>> | undefined) => {
    return (name: string): Promise<readonly T[]> => {
      asked.push(`${kind} ${name}`);
      return Promise.resolve(table?.[name] ?? []);
    };
  };
  return { resolver: { naptr: ask('naptr', zone.naptr), srv: ask('srv', zone.srv), addresses: ask('a', zone.addresses) }, asked };
}

const srv = (name: string, port: number, priority = 1, weight = 1): SrvRecord => ({ name, port, priority, weight });

async function found(uri: string, zone: Zone = {}): Promise<{ ways: string[]; asked: string[] }> {
  const { resolver, asked } = resolverOf(zone);
  const ways = await locate(uri, resolver, { transports: ['udp', 'tcp', 'tls'], random: () => 0 });
  return { ways: ways.map(({ transport, address, port }) => `${transport} ${address} ${port}`), asked };
}

describe('locating the next hop', () => {
  it.each([
    ['sip:192.0.2.1', 'udp 192.0.2.1 5060'],
    ['sip:192.0.2.1:5080', 'udp 192.0.2.1 5080'],
    ['sip:b@192.0.2.1;transport=tcp', 'tcp 192.0.2.1 5060'],
    ['sips:192.0.2.1', 'tls 192.0.2.1 5061'],
    ['sip:192.0.2.1;transport=tls', 'tls 192.0.2.1 5061'],
    ['sip:[2001:db8::1]:5070;transport=TCP', 'tcp 2001:db8::1 5070'],
    ['sip:carrier.example;maddr=192.0.2.9', 'udp 192.0.2.9 5060'],
  ])('asks nobody for a numeric host: %s', async (uri, way) => {
    expect(await found(uri)).toEqual({ ways: [way], asked: [] });
  });

  it('asks only for addresses when the port is given', async () => {
    const { ways, asked } = await found('sip:carrier.example:5062', { addresses: { 'carrier.example': ['192.0.2.1', '2001:db8::1'] } });
    expect(ways).toEqual(['udp 192.0.2.1 5062', 'udp 2001:db8::1 5062']);
    expect(asked).toEqual(['a carrier.example']);
  });

  it('asks SRV of the transport when it is given, and addresses after that', async () => {
    const zone = {
      srv: { '_sip._tcp.carrier.example': [srv('two.example', 5070, 2), srv('one.example', 5060, 1)] },
      addresses: { 'one.example': ['192.0.2.1'], 'two.example': ['192.0.2.2'] },
    };
    const { ways, asked } = await found('sip:carrier.example;transport=tcp', zone);
    expect(ways).toEqual(['tcp 192.0.2.1 5060', 'tcp 192.0.2.2 5070']);
    expect(asked[0]).toBe('srv _sip._tcp.carrier.example');
    const plain = await found('sips:carrier.example', { addresses: { 'carrier.example': ['192.0.2.3'] } });
    expect(plain.ways).toEqual(['tls 192.0.2.3 5061']);
    expect(plain.asked).toEqual(['srv _sips._tcp.carrier.example', 'a carrier.example']);
  });

  it('takes the transport that NAPTR prefers, and passes over what it cannot use', async () => {
    const naptr = (order: number, service: string, replacement: string): NaptrRecord => ({
      order,
      preference: 1,
      flags: 's',
      service,
      replacement,
    });
    const zone = {
      naptr: {
        'carrier.example': [
          naptr(3, 'SIP+D2U', '_sip._udp.carrier.example'),
          naptr(1, 'SIP+D2S', '_sip._sctp.carrier.example'),
          naptr(2, 'SIPS+D2T', '_sips._tcp.carrier.example'),
        ],
      },
      srv: { '_sips._tcp.carrier.example': [srv('tls.example', 5061)] },
      addresses: { 'tls.example': ['192.0.2.1'] },
    };
    expect((await found('sip:carrier.example', zone)).ways).toEqual(['tls 192.0.2.1 5061']);
  });

  it('tries SRV of UDP, then of TCP, then plain addresses', async () => {
    const { ways, asked } = await found('sip:carrier.example', { addresses: { 'carrier.example': ['192.0.2.1'] } });
    expect(ways).toEqual(['udp 192.0.2.1 5060']);
    expect(asked).toEqual(['naptr carrier.example', 'srv _sip._udp.carrier.example', 'srv _sip._tcp.carrier.example', 'a carrier.example']);
  });

  it('finds no way to .invalid, to WebSocket URIs, to other schemes and to names without address', async () => {
    for (const uri of [
      'sip:a@df7j.invalid',
      'sip:a@invalid',
      'sip:a@192.0.2.1;transport=ws',
      'tel:+15550100',
      'nonsense',
      'sip:nowhere.example',
    ]) {
      expect((await found(uri)).ways, uri).toEqual([]);
    }
    expect((await found('sip:a@df7j.invalid')).asked).toEqual([]);
  });

  it('offers no endless list', async () => {
    const many = Array.from({ length: 50 }, (_, i) => `192.0.2.${i}`);
    expect((await found('sip:carrier.example:5060', { addresses: { 'carrier.example': many } })).ways).toHaveLength(8);
  });
});

describe('the order of SRV records', () => {
  it('goes by priority, and within one by chance in proportion to weight', () => {
    const records = [srv('late', 1, 2, 100), srv('light', 1, 1, 1), srv('heavy', 1, 1, 3)];
    const firsts = [0, 0.24, 0.26, 0.99].map((value) => orderSrv(records, () => value).map(({ name }) => name));
    expect(firsts).toEqual([
      ['light', 'heavy', 'late'],
      ['light', 'heavy', 'late'],
      ['heavy', 'light', 'late'],
      ['heavy', 'light', 'late'],
    ]);
  });

  it('keeps every record, weights of zero too', () => {
    const records = [srv('a', 1, 1, 0), srv('b', 1, 1, 0), srv('c', 1, 1, 5)];
    const names = orderSrv(records, () => 0.999).map(({ name }) => name);
    expect([...names].sort()).toEqual(['a', 'b', 'c']);
  });
});
