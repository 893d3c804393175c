import { afterEach, describe, expect, it } from 'vitest';
import { CachingDnsResolver } from '../../../../src/sip/embedded/dns-resolver.js';
import { locate } from '../../../../src/sip/embedded/locate.js';
import { type DnsName, DnsServer } from '../../../support/dns-server.js';
import { RawSipPeer } from '../../../support/raw-sip-peer.js';
import { startStack } from '../../../support/sip-rigs.js';

const options = { transports: ['udp', 'tcp', 'tls'], random: () => 0 } as const;

describe('names asked of a name server', () => {
  const servers: DnsServer[] = [];
  afterEach(async () => void (await Promise.all(servers.splice(0).map((server) => server.close()))));

  async function rig(zone: Readonly<Record<string, DnsName>>) {
    const server = await DnsServer.open(zone);
    servers.push(server);
    const clock = { now: 0, nowMs: () => clock.now };
    const resolver = new CachingDnsResolver([server.address], clock);
    const ways = async (uri: string) =>
      (await locate(uri, resolver, options)).map((each) => `${each.transport} ${each.address} ${each.port}`);
    return { server, clock, resolver, ways };
  }

  it('lead from NAPTR over SRV to the addresses, best first', async () => {
    const { ways } = await rig({
      'carrier.example': {
        naptr: [
          { order: 20, flags: 's', service: 'SIP+D2U', replacement: '_sip._udp.carrier.example' },
          { order: 10, flags: 's', service: 'SIP+D2T', replacement: '_sip._tcp.carrier.example' },
        ],
      },
      '_sip._tcp.carrier.example': {
        srv: [
          { priority: 2, weight: 0, port: 5070, name: 'two.carrier.example' },
          { priority: 1, weight: 0, port: 5060, name: 'one.carrier.example' },
        ],
      },
      'one.carrier.example': { a: ['192.0.2.1'] },
      'two.carrier.example': { a: ['192.0.2.2', '192.0.2.3'] },
    });
    expect(await ways('sip:carrier.example')).toEqual(['tcp 192.0.2.1 5060', 'tcp 192.0.2.2 5070', 'tcp 192.0.2.3 5070']);
  });

  it('are remembered as long as the server says, and asked again after that', async () => {
    const { server, clock, resolver } = await rig({ 'one.example': { a: ['192.0.2.1'], ttlSeconds: 30 } });
    const asked = () => server.asked.filter((each) => each === 'a one.example').length;
    expect(await Promise.all([resolver.addresses('one.example'), resolver.addresses('one.example')])).toEqual([
      ['192.0.2.1'],
      ['192.0.2.1'],
    ]);
    server.zone.set('one.example', { a: ['192.0.2.9'], ttlSeconds: 30 });
    clock.now = 29_999;
    expect(await resolver.addresses('one.example')).toEqual(['192.0.2.1']);
    expect(asked()).toBe(1);
    clock.now = 30_001;
    expect(await resolver.addresses('one.example')).toEqual(['192.0.2.9']);
    expect(asked()).toBe(2);
  });

  it('that do not exist are not asked for again at once, but soon', async () => {
    const { server, clock, resolver } = await rig({});
    expect([await resolver.srv('_sip._udp.new.example'), await resolver.srv('_sip._udp.new.example')]).toEqual([[], []]);
    expect(server.asked).toEqual(['srv _sip._udp.new.example']);
    server.zone.set('_sip._udp.new.example', { srv: [{ priority: 1, weight: 1, port: 5060, name: 'one.example' }] });
    clock.now = 5_001;
    expect(await resolver.srv('_sip._udp.new.example')).toEqual([{ priority: 1, weight: 1, port: 5060, name: 'one.example' }]);
  });

  it('lead a request to the peer behind them', async () => {
    const peer = await RawSipPeer.open();
    const server = await DnsServer.open({
      '_sip._udp.carrier.example': { srv: [{ priority: 1, weight: 1, port: peer.port, name: 'edge.carrier.example' }] },
      'carrier.example': {},
      'edge.carrier.example': { a: ['127.0.0.1'] },
    });
    servers.push(server);
    const stack = await startStack({ dnsServers: [server.address] });
    const answer = stack.request({ method: 'OPTIONS', requestUri: 'sip:carrier.example', from: { uri: 'sip:a@example.com' } });
    const request = await peer.nextRequest('OPTIONS');
    expect(request.requestUri).toBe('sip:carrier.example');
    peer.send(peer.response(request, 200, { tag: 'x' }), stack.bound()[0]?.port ?? 0);
    expect((await answer).status).toBe(200);
    await stack.stop();
    await peer.close();
  });
});
