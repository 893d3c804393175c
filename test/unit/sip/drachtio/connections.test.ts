import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Clock, SystemClock, type Timer } from '../../../../src/base/clock.js';
import type { DrachtioSip } from '../../../../src/sip/drachtio/drachtio-sip.js';
import { defaultDrachtioTiming } from '../../../../src/sip/drachtio/options.js';
import type { DialogEnd, SipPort } from '../../../../src/sip/port.js';
import { drachtioOn, drachtioSecret, quickTiming } from '../../../support/drachtio-rig.js';
import { DrachtioServer } from '../../../support/drachtio-server.js';
import { startStack, until, uriOf } from '../../../support/sip-rigs.js';
import { testTls } from '../../../support/tls-material.js';

const sdp = 'v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';
const from = { uri: 'sip:alice@example.com' };
const timers = { t1Ms: 50, t2Ms: 400, t4Ms: 500 };

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  vi.restoreAllMocks();
});

async function server(options: Partial<Parameters<typeof DrachtioServer.start>[0]> = {}): Promise<DrachtioServer> {
  const started = await DrachtioServer.start({ secret: drachtioSecret, timers, ...options });
  closing.push(() => started.stop());
  return started;
}

/** Timers of a machine that is busy. */
class LateClock extends SystemClock {
  readonly asked: number[] = [];

  override after(delayMs: number, run: () => void): Timer {
    this.asked.push(delayMs);
    return super.after(delayMs + 50, run);
  }
}

function adapter(ports: readonly number[], options: Parameters<typeof drachtioOn>[1] = {}, clock?: Clock): DrachtioSip {
  const sip = drachtioOn(ports, options, clock);
  closing.push(() => sip.stop());
  return sip;
}

async function phone() {
  const stack = await startStack({ timers });
  closing.push(() => stack.stop());
  return stack;
}

async function plainServer(onSocket: (socket: Socket) => void): Promise<number> {
  const plain: Server = createServer((socket) => {
    socket.on('error', () => {});
    socket.resume();
    onSocket(socket);
  });
  await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
  closing.push(() => new Promise((resolve) => plain.close(resolve)));
  const address = plain.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A call from `caller` that the phone has answered. */
async function established(caller: SipPort, callee: Awaited<ReturnType<typeof phone>>) {
  const ends: DialogEnd[] = [];
  callee.onCall((call) => call.answer(sdp));
  const outcome = await caller.call({ requestUri: uriOf(callee), from, offer: sdp }).outcome;
  if (outcome.kind !== 'answered') throw new Error(JSON.stringify(outcome));
  outcome.dialog.onEnd((end) => ends.push(end));
  return { dialog: outcome.dialog, ends };
}

const counts = (sip: SipPort) => {
  const { dialog, invite, transaction } = sip.liveObjects();
  return { dialog, invite, transaction };
};
const nothing = { dialog: 0, invite: 0, transaction: 0 };

describe('the connection with a drachtio server', () => {
  it('is refused with a typed error when the secret is wrong', async () => {
    const { appPort } = await server({ secret: 'another' });
    await expect(adapter([appPort]).start()).rejects.toMatchObject({ info: { code: 'drachtio-secret-refused', port: appPort } });
  });

  it('is reported as unreachable when nobody listens within the time', async () => {
    const gone = await server();
    const port = gone.appPort;
    await gone.stop();
    const sip = adapter([port], { timing: { ...quickTiming, startMs: 100 } });
    await expect(sip.start()).rejects.toMatchObject({ info: { code: 'drachtio-unreachable', servers: 1 } });
    expect(sip.liveObjects()['socket']).toBe(0);
  });

  it('survives a peer that speaks something else', async () => {
    const complaint = vi.spyOn(console, 'error').mockImplementation(() => {});
    const port = await plainServer((socket) => socket.write('HTTP/1.1 400 Bad Request\r\nX: #\r\n\r\n'));
    const sip = adapter([port], { timing: { ...quickTiming, startMs: 150 } });
    await expect(sip.start()).rejects.toMatchObject({ info: { code: 'drachtio-unreachable' } });
    expect(complaint).toHaveBeenCalled();
  });

  it('is given up when a peer accepts it and then says nothing', async () => {
    let accepted = 0;
    const port = await plainServer(() => {
      accepted += 1;
    });
    const sip = adapter([port], { timing: { ...quickTiming, connectMs: 40, startMs: 400 } });
    await expect(sip.start()).rejects.toMatchObject({ info: { code: 'drachtio-unreachable' } });
    expect(accepted).toBeGreaterThan(1);
  });

  it('is given up when the server falls silent, and made anew', async () => {
    let sockets = 0;
    const port = await plainServer((socket) => {
      sockets += 1;
      answerAuthentication(socket);
    });
    await adapter([port], { timing: { ...quickTiming, pingMs: 5000, silenceMs: 60 } }).start();
    await until(() => sockets >= 2);
  });

  it('is kept when it is up and nothing is said, however late the look at it comes', async () => {
    let sockets = 0;
    const port = await plainServer((socket) => {
      sockets += 1;
      answerAuthentication(socket);
    });
    const clock = new LateClock();
    await adapter([port], { timing: { ...quickTiming, connectMs: 60 } }, clock).start();
    // Looked at once, it is looked at again when the next ping is due.
    await until(() => clock.asked.includes(defaultDrachtioTiming.pingMs) || sockets > 1);
    expect(sockets).toBe(1);
  });

  it('is made anew with new waits after it was lost, and carries calls again', async () => {
    const drachtio = await server();
    const sip = adapter([drachtio.appPort]);
    const callee = await phone();
    await sip.start();
    drachtio.dropApps();
    await until(() => sip.liveObjects()['socket'] === 0 || drachtio.apps.all.size === 0);
    await until(() => [...drachtio.apps.all].some((app) => app.open && app.verbs.has('invite')));
    const { dialog } = await established(sip, callee);
    await dialog.bye();
    await until(() => JSON.stringify(counts(sip)) === JSON.stringify(nothing));
  });

  it('asks the server for each method once', async () => {
    const drachtio = await server();
    await adapter([drachtio.appPort]).start();
    await until(() => [...drachtio.apps.all].some(({ verbs }) => verbs.size >= 10));
    const [app] = [...drachtio.apps.all];
    expect([...(app?.verbs ?? [])].sort()).toEqual(
      ['info', 'invite', 'message', 'notify', 'options', 'publish', 'refer', 'register', 'subscribe', 'update'].sort(),
    );
    expect(app?.routeRequests).toBe(10);
  });

  it('can be TLS, again after it was lost', async () => {
    const drachtio = await server();
    const front = createTlsServer({ cert: testTls.cert, key: testTls.key }, (socket) => {
      socket.on('error', () => {});
      drachtio.apps.accept(socket);
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    closing.push(() => new Promise((resolve) => front.close(resolve)));
    const address = front.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const sip = adapter([], {
      servers: [
        {
          host: '127.0.0.1',
          port,
          secret: drachtioSecret,
          tls: { verifyPeer: testTls.ca !== undefined, ...(testTls.ca === undefined ? {} : { ca: testTls.ca }) },
        },
      ],
    });
    await sip.start();
    drachtio.dropApps();
    await until(() => drachtio.apps.all.size === 0);
    await until(() => [...drachtio.apps.all].some((app) => app.verbs.has('invite')));
    const { dialog } = await established(sip, await phone());
    await dialog.bye();
  });
});

describe('a lost drachtio server', () => {
  it('ends its dialogs and INVITEs, and leaves nothing half-dead behind', async () => {
    const drachtio = await server();
    const sip = adapter([drachtio.appPort]);
    const callee = await phone();
    await sip.start();
    const { dialog, ends } = await established(sip, callee);
    callee.onCall((call) => call.progress(180));
    const ringing = sip.call({ requestUri: uriOf(callee), from, offer: sdp });
    await new Promise<void>((resolve) => ringing.onProgress(() => resolve()));
    const inbound: { readonly aborted: boolean }[] = [];
    sip.onCall((call) => inbound.push(call.cancelled));
    callee.call({ requestUri: drachtio.uri(), from, offer: sdp });
    await until(() => inbound.length === 1);
    drachtio.dropApps();
    expect(await ringing.outcome).toMatchObject({ kind: 'failed', why: 'transport' });
    await until(() => ends.length === 1);
    expect(ends).toEqual([{ by: 'transport' }]);
    expect(inbound[0]?.aborted).toBe(true);
    expect(counts(sip)).toEqual(nothing);
    expect(await dialog.offer(sdp)).toEqual({ status: 481 });
    await dialog.bye();
  });

  it('takes only its own calls with it when there is another', async () => {
    const [one, two] = [await server(), await server()];
    const sip = adapter([one.appPort, two.appPort]);
    const callee = await phone();
    await sip.start();
    await until(() => [one, two].every(({ apps }) => [...apps.all].some((app) => app.verbs.has('invite'))));
    const calls = await Promise.all(Array.from({ length: 4 }, () => established(sip, callee)));
    expect([one.liveObjects().dialogs, two.liveObjects().dialogs]).toEqual([2, 2]);
    one.dropApps();
    await until(() => calls.filter(({ ends }) => ends.length === 1).length === 2);
    for (const { dialog, ends } of calls.filter(({ ends }) => ends.length === 0)) {
      expect((await dialog.request('INFO')).status).toBe(501);
      await dialog.bye();
      expect(ends).toEqual([{ by: 'local' }]);
    }
    await until(() => JSON.stringify(counts(sip)) === JSON.stringify(nothing));
  });

  it('makes new calls fail at once when it was the only one', async () => {
    const drachtio = await server();
    const sip = adapter([drachtio.appPort]);
    await sip.start();
    await drachtio.stop();
    await until(() => sip.liveObjects()['socket'] === 0);
    expect(await sip.call({ requestUri: 'sip:bob@127.0.0.1:9', from, offer: sdp }).outcome).toMatchObject({
      kind: 'failed',
      why: 'transport',
    });
    await expect(sip.request({ method: 'OPTIONS', requestUri: 'sip:127.0.0.1:9', from })).rejects.toMatchObject({
      info: { code: 'sip-request-failed', why: 'transport' },
    });
    expect(counts(sip)).toEqual(nothing);
  });
});

describe('a server that connects to the gateway', () => {
  it('brings each call on a connection of its own, which ends with the call', async () => {
    let listening: DrachtioSip | undefined;
    const inward = await server({ outboundTo: () => listening?.listeningOn ?? { host: '127.0.0.1', port: 9 } });
    listening = adapter([], { listen: { host: '127.0.0.1', port: 0, secret: drachtioSecret } });
    await listening.start();
    const caller = await phone();
    const ends: DialogEnd[] = [];
    listening.onCall((call) => call.answer(sdp).onEnd((end) => ends.push(end)));
    const outcomes = await Promise.all([1, 2].map(() => caller.call({ requestUri: inward.uri(), from, offer: sdp }).outcome));
    expect(listening.liveObjects()['socket']).toBe(2);
    for (const outcome of outcomes) {
      if (outcome.kind !== 'answered') throw new Error(outcome.kind);
      await outcome.dialog.bye();
    }
    await until(() => ends.length === 2);
    await until(() => listening?.liveObjects()['socket'] === 0);
    expect(counts(listening)).toEqual(nothing);
  });

  it('closes the connection of a call that was refused or cancelled', async () => {
    let listening: DrachtioSip | undefined;
    const inward = await server({ outboundTo: () => listening?.listeningOn ?? { host: '127.0.0.1', port: 9 } });
    listening = adapter([], { listen: { host: '127.0.0.1', port: 0, secret: drachtioSecret } });
    await listening.start();
    const caller = await phone();
    listening.onCall((call) => call.reject(486));
    expect(await caller.call({ requestUri: inward.uri(), from, offer: sdp }).outcome).toMatchObject({ status: 486 });
    await until(() => listening?.liveObjects()['socket'] === 0);
    listening.onCall((call) => call.progress(180));
    const given = caller.call({ requestUri: inward.uri(), from, offer: sdp });
    await new Promise<void>((resolve) => given.onProgress(() => resolve()));
    given.cancel();
    expect(await given.outcome).toMatchObject({ why: 'cancelled' });
    await until(() => listening?.liveObjects()['socket'] === 0);
  });

  it('is refused with another secret', async () => {
    let listening: DrachtioSip | undefined;
    const inward = await server({ outboundTo: () => listening?.listeningOn ?? { host: '127.0.0.1', port: 9 } });
    listening = adapter([], { listen: { host: '127.0.0.1', port: 0, secret: 'another' } });
    await listening.start();
    const caller = await phone();
    expect(await caller.call({ requestUri: inward.uri(), from, offer: sdp }).outcome).toMatchObject({ status: 503 });
    await until(() => listening?.liveObjects()['socket'] === 0);
  });
});

/** Answers `authenticate` as a server does, and nothing after it. */
function answerAuthentication(socket: Socket): void {
  socket.once('data', (data) => {
    const id = /#([^|]+)\|authenticate/.exec(data.toString())?.[1] ?? '';
    const payload = `x|response|${id}|OK|udp/127.0.0.1:5060|v0.9.4|`;
    socket.write(`${payload.length}#${payload}`);
  });
}
