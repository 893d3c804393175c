import { createSocket } from 'node:dgram';
import { afterEach, describe, expect, it } from 'vitest';
import type { EmbeddedSip, EmbeddedSipOptions } from '../../../../src/sip/embedded/embedded-sip.js';
import { RawSipPeer } from '../../../support/raw-sip-peer.js';
import { startStack, until } from '../../../support/sip-rigs.js';

const from = { uri: 'sip:a@example.com' };

describe('SIP over UDP', () => {
  let stack: EmbeddedSip;
  let peer: RawSipPeer;

  afterEach(async () => {
    await stack.stop();
    await peer.close();
    expect(stack.liveObjects()).toEqual({ transaction: 0, dialog: 0, invite: 0, flow: 0, socket: 0, sip_timer: 0 });
  });

  async function start(options: Partial<EmbeddedSipOptions> = {}): Promise<number> {
    stack = await startStack({ timers: { t1Ms: 20, t2Ms: 80, t4Ms: 100 }, ...options });
    peer = await RawSipPeer.open();
    return stack.bound()[0]?.port ?? 0;
  }

  it('names the address the peer sees when it listens on all of them', async () => {
    const port = await start({ listen: [{ transport: 'udp', host: '0.0.0.0', port: 0 }] });
    void stack.request({ method: 'OPTIONS', requestUri: peer.uri, from }).catch(() => {});
    const options = await peer.nextRequest('OPTIONS');
    expect(options.headers.get('Via')).toContain(`SIP/2.0/UDP 127.0.0.1:${port};`);
    expect(options.headers.get('Contact')).toBe(`<sip:a@127.0.0.1:${port}>`);
    stack.onCall((call) => call.progress(180));
    peer.send(peer.request({ method: 'INVITE', uri: `sip:b@127.0.0.1:${port}` }), port);
    expect((await peer.nextResponse(180)).headers.get('Contact')).toBe(`<sip:b@127.0.0.1:${port}>`);
  });

  it('keeps to the local address toward this machine when a public one is set', async () => {
    const port = await start({ publicAddress: '198.51.100.1' });
    void stack.request({ method: 'OPTIONS', requestUri: peer.uri, from }).catch(() => {});
    expect((await peer.nextRequest('OPTIONS')).headers.get('Contact')).toBe(`<sip:a@127.0.0.1:${port}>`);
  });

  it('answers where the request came from, not where its Via says', async () => {
    const port = await start();
    const request = peer.request({ method: 'OPTIONS', uri: 'sip:b@example.com' });
    request.headers.set('Via', 'SIP/2.0/UDP 127.0.0.1:1;branch=z9hG4bKwrong');
    peer.send(request, port);
    await peer.nextResponse(200);
  });

  it('says nothing to keep-alives, STUN and noise', async () => {
    const port = await start();
    const socket = createSocket('udp4');
    const heard: string[] = [];
    socket.on('message', (data) => heard.push(data.toString()));
    for (const noise of ['\r\n\r\n', '\r\n', '\0', 'hello', Buffer.from([0, 1, 0, 0, 33, 18, 164, 66]), Buffer.alloc(0)]) {
      await new Promise((resolve) => socket.send(noise, port, '127.0.0.1', resolve));
    }
    peer.send(peer.request({ method: 'OPTIONS', uri: 'sip:b@example.com' }), port);
    await peer.nextResponse(200);
    expect(heard).toEqual([]);
    await new Promise<void>((resolve) => socket.close(() => resolve()));
  });

  it('reaches a peer by the flow its request came on', async () => {
    const port = await start();
    let call: Promise<unknown> | undefined;
    stack.onRequest('REGISTER', (request) => {
      request.respond(200);
      call = stack.call({ requestUri: 'sip:a@10.255.255.1', from, offer: 'v=0\r\n', via: { flow: request.source.flow } }).outcome;
    });
    peer.send(peer.request({ method: 'REGISTER', uri: 'sip:example.com' }), port);
    const invite = await peer.nextRequest('INVITE');
    expect(invite.requestUri).toBe('sip:a@10.255.255.1');
    peer.send(peer.response(invite, 486), port);
    expect(await call).toMatchObject({ kind: 'rejected', status: 486 });
  });

  it('reports a host that refuses, and keeps no probe open', async () => {
    await start();
    const gone = await RawSipPeer.open();
    const { uri } = gone;
    await gone.close();
    const startedMs = performance.now();
    const failure = await stack.request({ method: 'OPTIONS', requestUri: uri, from }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ info: { code: 'sip-request-failed', why: 'refused' } });
    expect(performance.now() - startedMs).toBeLessThan(64 * 20);
    await until(() => stack.liveObjects()['socket'] === 1);
  });

  it('does not take the silence of a host that listens for a refusal', async () => {
    await start();
    const failure = await stack.request({ method: 'OPTIONS', requestUri: peer.uri, from }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ info: { why: 'timeout' } });
  });
});
