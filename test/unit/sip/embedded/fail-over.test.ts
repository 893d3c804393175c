import { afterEach, describe, expect, it } from 'vitest';
import { DeadAddresses } from '../../../../src/sip/embedded/dead-addresses.js';
import type { EmbeddedSip } from '../../../../src/sip/embedded/embedded-sip.js';
import type { Candidate } from '../../../../src/sip/embedded/locate.js';
import { DnsServer } from '../../../support/dns-server.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { RawSipPeer } from '../../../support/raw-sip-peer.js';
import { startStack, until } from '../../../support/sip-rigs.js';

const from = { uri: 'sip:a@example.com' };
const ping = { method: 'OPTIONS', requestUri: 'sip:carrier.example', from } as const;
const offer = 'v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n';
const call = { requestUri: 'sip:123@carrier.example', from, offer };

describe('a target with two addresses', () => {
  const closing: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  /** `first` and `second` as SRV has them; timers a fiftieth of the usual, so that 64*T1 is 640 ms. */
  async function rig() {
    const [first, second] = [await RawSipPeer.open(), await RawSipPeer.open()];
    const srv = [first, second].map(({ port }, index) => ({ priority: index + 1, weight: 0, port, name: `host${index}.carrier.example` }));
    const dns = await DnsServer.open({
      'carrier.example': {},
      '_sip._udp.carrier.example': { srv },
      'host0.carrier.example': { a: ['127.0.0.1'] },
      'host1.carrier.example': { a: ['127.0.0.1'] },
    });
    const stack = await startStack({ dnsServers: [dns.address], timers: { t1Ms: 10, t2Ms: 80, t4Ms: 100 } });
    closing.push(
      () => stack.stop(),
      () => dns.close(),
      () => second.close(),
    );
    const port = stack.bound()[0]?.port ?? 0;
    const answer = async (peer: RawSipPeer, method: string, ...statuses: readonly number[]): Promise<void> => {
      const request = await peer.nextRequest(method);
      for (const status of statuses) peer.send(peer.response(request, status, { tag: `t${peer.port}`, contact: `<${peer.uri}>` }), port);
    };
    const close = (peer: RawSipPeer): void => void closing.push(() => peer.close());
    return { first, second, stack, answer, close, port };
  }

  const outcomeOf = (stack: EmbeddedSip) => {
    const leg = stack.call(call);
    return { leg, outcome: leg.outcome };
  };

  it('gets a request at the second when the first is silent, and then at the second at once', async () => {
    const { first, second, stack, answer, close } = await rig();
    close(first);
    const sent = stack.request(ping);
    await answer(second, 'OPTIONS', 200);
    expect((await sent).status).toBe(200);
    const silent = first.countOf('OPTIONS');
    expect(silent).toBeGreaterThan(1);
    const again = stack.request(ping);
    await answer(second, 'OPTIONS', 200);
    expect((await again).status).toBe(200);
    expect(first.countOf('OPTIONS')).toBe(silent);
  });

  it('gets a request at the second when nobody listens at the first', async () => {
    const { first, second, stack, answer } = await rig();
    await first.close();
    const sent = stack.request(ping);
    await answer(second, 'OPTIONS', 200);
    expect((await sent).status).toBe(200);
  });

  it('gets a request at the second when the first says 503', async () => {
    const { first, second, stack, answer, close } = await rig();
    close(first);
    const sent = stack.request(ping);
    await answer(first, 'OPTIONS', 503);
    await answer(second, 'OPTIONS', 200);
    expect((await sent).status).toBe(200);
  });

  it('is unavailable when both say 503', async () => {
    const { first, second, stack, answer, close } = await rig();
    close(first);
    const sent = stack.request(ping);
    await answer(first, 'OPTIONS', 503);
    await answer(second, 'OPTIONS', 503);
    expect((await sent).status).toBe(503);
  });

  it('gets a call at the second, with the same Call-ID and CSeq on a new branch, when the first says 100 and 503', async () => {
    const { first, second, stack, answer, close, port } = await rig();
    close(first);
    const { outcome } = outcomeOf(stack);
    await answer(first, 'INVITE', 100, 503);
    const invite = await second.nextRequest('INVITE');
    const refused = first.history.find((each) => each.kind === 'request' && each.method === 'INVITE');
    for (const name of ['Call-ID', 'CSeq', 'From']) expect(invite.headers.get(name)).toBe(refused?.headers.get(name));
    expect(invite.headers.get('Via')).not.toBe(refused?.headers.get('Via'));
    await first.nextRequest('ACK');
    second.send(second.response(invite, 486, { tag: 'x' }), port);
    expect(await outcome).toMatchObject({ kind: 'rejected', status: 486 });
  });

  it('gets a call at the second when the first says nothing at all', async () => {
    const { first, second, stack, answer, close } = await rig();
    close(first);
    const { outcome } = outcomeOf(stack);
    await answer(second, 'INVITE', 486);
    expect(await outcome).toMatchObject({ kind: 'rejected', status: 486 });
  });

  it('has no second call once the first has rung', async () => {
    const { first, second, stack, answer, close } = await rig();
    close(first);
    const { outcome } = outcomeOf(stack);
    await answer(first, 'INVITE', 180, 503);
    expect(await outcome).toMatchObject({ kind: 'rejected', status: 503 });
    expect(second.countOf('INVITE')).toBe(0);
  });

  it('has no second call after the caller gave up, whatever the first says', async () => {
    const { first, second, stack, answer, close } = await rig();
    close(first);
    const { leg, outcome } = outcomeOf(stack);
    await until(() => first.countOf('INVITE') > 0);
    leg.cancel();
    await answer(first, 'INVITE', 503);
    expect((await outcome).kind).not.toBe('answered');
    expect(second.countOf('INVITE')).toBe(0);
  });

  it('is cancelled at the second only after the second has said something', async () => {
    const { first, second, stack, answer, close, port } = await rig();
    close(first);
    const { leg, outcome } = outcomeOf(stack);
    await answer(first, 'INVITE', 100, 503);
    const invite = await second.nextRequest('INVITE');
    leg.cancel();
    await until(() => second.countOf('INVITE') > 1);
    expect(second.countOf('CANCEL')).toBe(0);
    second.send(second.response(invite, 100), port);
    await answer(second, 'CANCEL', 200);
    second.send(second.response(invite, 487, { tag: 'x' }), port);
    expect(await outcome).toMatchObject({ kind: 'failed', why: 'cancelled' });
    expect(first.countOf('CANCEL')).toBe(0);
  });
});

describe('addresses that failed', () => {
  const at = (address: string): Candidate => ({ transport: 'udp', address, port: 5060, serverName: 'x', transportGiven: false });
  const [one, two, three] = [at('192.0.2.1'), at('192.0.2.2'), at('192.0.2.3')] as const;

  it('are tried last for half a minute, and again in their place after that or after an answer', () => {
    const clock = new FakeClock();
    const dead = new DeadAddresses(clock);
    dead.failed(one);
    expect(dead.last([one, two, three])).toEqual([two, three, one]);
    dead.failed(two);
    dead.answered(one);
    expect(dead.last([one, two, three])).toEqual([one, three, two]);
    clock.advance(30_000);
    expect(dead.last([one, two, three])).toEqual([one, two, three]);
  });
});
