import { writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { pathToFileURL } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SystemClock } from '../../../src/base/clock.js';
import type { Log } from '../../../src/base/log.js';
import { silentLog } from '../../../src/base/log.js';
import { makeCredentials } from '../../../src/turn/credentials.js';
import type { TurnListenAddress } from '../../../src/turn/listener.js';
import { TurnThread } from '../../../src/turn/turn-thread.js';
import { eventuallyTrue } from '../../support/eventually.js';
import { type BuiltWorker, buildWorker } from '../../support/fake-media-worker.js';
import { freePort, freePortRun } from '../../support/free-ports.js';
import { scratch } from '../../support/scratch.js';
import { renewedTls, testTls } from '../../support/tls-material.js';
import { TurnClient } from '../../support/turn-client.js';

const secret = 'the secret of the turn server';

describe('the embedded TURN server in its thread', () => {
  let worker: BuiltWorker;
  let thread: TurnThread;
  const clock = new SystemClock();
  const said: string[] = [];
  const log: Log = { ...silentLog, error: (fields, message) => said.push(`${message}: ${String(fields['error'])}`) };
  beforeAll(async () => {
    worker = await buildWorker('src/turn/turn-worker.ts');
  });
  afterAll(() => worker.remove());
  afterEach(async () => {
    await thread.stop();
    expect(await thread.liveObjects()).toEqual({ turn_allocation: 0, turn_connection: 0 });
    said.length = 0;
  });

  async function begin(listen: readonly TurnListenAddress[], workerUrl = worker.url): Promise<void> {
    const relays = await freePortRun(4);
    thread = new TurnThread(
      {
        ...{ listen, tls: testTls, realm: 'gateway.test', secret, relayPorts: { min: relays, max: relays + 3 } },
        peer: { address: '127.0.0.1', bindAddress: '127.0.0.1', ports: { min: 40_000, max: 40_001 } },
        quotas: { allocations: 4, allocationsPerUser: 4, allocationsPerAddress: 4, bytesPerSecond: 10_000 },
        publicAddress: 'turn.example.com',
      },
      { clock, log, workerUrl },
    );
    await thread.start();
  }

  const at = (transport: TurnListenAddress['transport'], port: number): TurnListenAddress => ({ transport, host: '127.0.0.1', port });
  const portOf = (url: string | undefined): number => Number(/:(\d+)\?/.exec(url ?? '')?.[1]);
  const login = () => makeCredentials(secret, 'page', Date.now() + 60_000);

  it('listens, relays, counts, and has URLs once it has begun', async () => {
    await begin([at('udp', 0), at('tls', 0)]);
    const [udp, tls] = thread.urls();
    expect([udp, tls]).toEqual([
      `turn:turn.example.com:${portOf(udp)}?transport=udp`,
      `turns:turn.example.com:${portOf(tls)}?transport=tcp`,
    ]);
    const client = await TurnClient.connect(at('tls', portOf(tls)), login());
    expect((await client.allocate()).code).toBeUndefined();
    expect(await thread.liveObjects()).toEqual({ turn_allocation: 1, turn_connection: 1 });
    await client.dispose();
    await eventuallyTrue(async () => (await thread.liveObjects())['turn_connection'] === 0, { what: 'nothing is left', withinMs: 2_000 });
  });

  it('shows a certificate that was read anew, and keeps to the old one when that is none', async () => {
    await begin([at('tls', 0)]);
    const port = portOf(thread.urls()[0]);
    expect(thread.renewTls({ cert: 'no certificate', key: 'no key' })).toMatch(/./);
    await (await TurnClient.connect(at('tls', port))).dispose();
    expect(thread.renewTls(renewedTls)).toBeUndefined();
    await thread.liveObjects();
    await expect(TurnClient.connect(at('tls', port))).rejects.toThrow(/certificate/i);
  });

  it('does not start where a port is taken, and says which', async () => {
    const taken: Server = createServer();
    const port = await freePort();
    await new Promise<void>((resolve) => taken.listen(port, '127.0.0.1', resolve));
    await expect(begin([at('udp', 0), at('tcp', port)])).rejects.toThrow(`cannot listen on tcp:127.0.0.1:${port}`);
    expect(said).toEqual([]);
    await new Promise<void>((resolve) => taken.close(() => resolve()));
  });

  it('is begun anew on the same ports when its thread dies', async () => {
    // The first of these threads ends by itself, as if a library had ended it.
    const files = scratch('turn-thread');
    writeFileSync(
      files.file('dying.mjs'),
      `import { existsSync, writeFileSync } from 'node:fs';
       import '${worker.url.href}';
       const mark = ${JSON.stringify(files.file('began'))};
       if (!existsSync(mark)) setTimeout(() => process.exit(3), 200);
       writeFileSync(mark, '');`,
    );
    await begin([at('udp', 0)], pathToFileURL(files.file('dying.mjs')));
    const before = thread.urls();
    await eventuallyTrue(() => said.some((line) => line.startsWith('the TURN server has ended and is begun anew')), {
      what: 'it says that it ended',
      withinMs: 2_000,
    });
    const client = await TurnClient.connect(at('udp', portOf(before[0])), login());
    await eventuallyTrue(async () => (await client.once('binding', [], { withinMs: 200 })).code === undefined, {
      what: 'it answers again',
      withinMs: 5_000,
    });
    expect((await client.allocate()).code).toBeUndefined();
    expect(thread.urls()).toEqual(before);
    await client.dispose();
    files.dispose();
  });
});
