import { afterEach, describe, expect, it } from 'vitest';
import type { EmbeddedSip } from '../../../../src/sip/embedded/embedded-sip.js';
import { LoopLag } from '../../../../src/sip/embedded/overload.js';
import type { InboundCall } from '../../../../src/sip/port.js';
import { RawSipPeer } from '../../../support/raw-sip-peer.js';
import { startStack, until } from '../../../support/sip-rigs.js';

const bounds = { maxTransactions: 1000, maxInvites: 2, maxLagMs: 500, retryAfterSeconds: 7 };
const sdp = 'v=0\r\n';

describe('a SIP stack with more to do than it can', () => {
  const stacks: EmbeddedSip[] = [];
  const peers: RawSipPeer[] = [];

  afterEach(async () => {
    for (const stack of stacks.splice(0)) {
      await stack.stop();
      expect(stack.liveObjects()).toEqual({ transaction: 0, dialog: 0, invite: 0, flow: 0, socket: 0, sip_timer: 0 });
    }
    await Promise.all(peers.splice(0).map((peer) => peer.close()));
  });

  async function rig(lagMs = () => 0) {
    const stack = await startStack({ overload: bounds, timers: { t1Ms: 20, t2Ms: 80, t4Ms: 100 } }, { lagMs });
    const peer = await RawSipPeer.open();
    stacks.push(stack);
    peers.push(peer);
    const calls: InboundCall[] = [];
    stack.onCall((call) => calls.push(call));
    const port = stack.bound()[0]?.port ?? 0;
    const uri = `sip:bob@127.0.0.1:${port}`;
    const invite = () => peer.request({ method: 'INVITE', uri, body: sdp });
    return { stack, peer, calls, port, uri, invite, send: (message: Parameters<RawSipPeer['send']>[0]) => peer.send(message, port) };
  }

  it('turns a new call away with 503 and Retry-After, keeps nothing of it, and takes calls again when there is room', async () => {
    const { stack, peer, calls, invite, send } = await rig();
    for (const _ of [1, 2]) send(invite());
    await until(() => calls.length === 2);
    const before = stack.liveObjects();
    send(invite());
    expect((await peer.nextResponse(503)).headers.get('Retry-After')).toBe('7');
    expect(stack.liveObjects()).toEqual(before);
    calls[0]?.reject(486);
    send(invite());
    await until(() => calls.length === 3);
  });

  it('gives a repeated INVITE that it turned away the same To tag, and none that it works on a 503', async () => {
    const { peer, calls, invite, send } = await rig();
    const [first, second, third] = [invite(), invite(), invite()];
    for (const each of [first, second]) send(each);
    await until(() => calls.length === 2);
    send(third);
    send(third);
    const tags = [await peer.nextResponse(503), await peer.nextResponse(503)].map((each) => each.headers.get('To'));
    expect(tags[0]).toMatch(/;tag=\S+$/);
    expect(tags[1]).toBe(tags[0]);
    calls[0]?.progress(180);
    await peer.nextResponse(180);
    send(first);
    await peer.nextResponse(180);
    expect(peer.countOf(503)).toBe(2);
  });

  it('goes on serving the calls that are up while the event loop is late', async () => {
    let lagMs = 0;
    const { peer, calls, uri, port, invite, send } = await rig(() => lagMs);
    const first = invite();
    send(first);
    await until(() => calls.length === 1);
    calls[0]?.answer(sdp);
    const ok = await peer.nextResponse(200);
    const toTag = /;tag=(.+)$/.exec(ok.headers.get('To') ?? '')?.[1] ?? '';
    const within = { uri, toTag, callId: first.headers.get('Call-ID') ?? '' };
    peer.send(peer.request({ method: 'ACK', ...within }), port);
    lagMs = 501;
    send(invite());
    await peer.nextResponse(503);
    send(peer.request({ method: 'OPTIONS', cseq: 2, ...within }));
    send(peer.request({ method: 'BYE', cseq: 3, ...within }));
    await until(() => peer.countOf(200) >= 3);
    expect(calls).toHaveLength(1);
  });

  it('is told how late the event loop was over the last second', async () => {
    let nowMs = 0;
    const lag = new LoopLag({ nowMs: () => nowMs });
    lag.start();
    for (let round = 0; round < 3; round += 1) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      const untilMs = performance.now() + 200;
      while (performance.now() < untilMs);
    }
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(lag.read()).toBe(0);
    nowMs = 1001;
    expect(lag.read()).toBeGreaterThan(50);
    lag.stop();
  });
});
