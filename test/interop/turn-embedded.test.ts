import { afterAll, afterEach, beforeAll, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.js';
import { EmbeddedTurn } from '../../src/turn/embedded-turn.js';
import { Child } from '../support/child.js';
import { eventuallyTrue } from '../support/eventually.js';
import { freePortRun } from '../support/free-ports.js';
import { describeWithPeers } from '../support/peers.js';
import { peerPath } from '../support/programs.js';
import { testTls } from '../support/tls-material.js';

const secret = 'shared by gateway and client';

/** The clients that come with coturn, which speak TURN as it has been for ten years. */
describeWithPeers("coturn's clients at the embedded server", ['turnutils_uclient', 'turnutils_stunclient', 'turnutils_peer'], () => {
  const clock = new SystemClock();
  let turn: EmbeddedTurn;
  let mediaPort: number;
  let echo: Child;
  const children: Child[] = [];

  beforeAll(async () => {
    const [media, relays] = [await freePortRun(2), await freePortRun(60)];
    mediaPort = media;
    // Sends back what it gets, as a media port of the gateway.
    echo = new Child({ command: peerPath('turnutils_peer'), args: ['-p', String(media), '-L', '127.0.0.1'] });
    turn = new EmbeddedTurn(
      {
        listen: (['udp', 'tcp', 'tls'] as const).map((transport) => ({ transport, host: '127.0.0.1', port: 0 })),
        tls: testTls,
        realm: 'gateway.test',
        secret,
        relayPorts: { min: relays, max: relays + 59 },
        peer: { address: '127.0.0.1', bindAddress: '127.0.0.1', ports: { min: media, max: media + 1 } },
        quotas: { allocations: 50, allocationsPerUser: 20, allocationsPerAddress: 50, bytesPerSecond: 100_000 },
      },
      { clock },
    );
    await turn.start();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) await child.stop('SIGKILL');
  });
  afterAll(async () => {
    await echo?.stop('SIGKILL');
    await turn?.stop();
  });

  const portOf = (transport: string): string => String(turn.bound().find((one) => one.transport === transport)?.port);

  function run(program: 'turnutils_uclient' | 'turnutils_stunclient', args: readonly string[]): Child {
    const child = new Child({ command: peerPath(program), args });
    children.push(child);
    return child;
  }

  const client = (transport: string, args: readonly string[]): Child =>
    run('turnutils_uclient', [
      ...['-p', portOf(transport), '-e', '127.0.0.1', '-r', String(mediaPort), '-u', 'page', '-W', secret, '-c', ...args],
      '127.0.0.1',
    ]);

  it('loses nothing on the way there and back, over every transport, by channels and by indications', async () => {
    const ways = [['udp'], ['tcp', '-t'], ['tls', '-t', '-S']] as const;
    const all = ways.flatMap(([transport, ...args]) =>
      [[], ['-s']].map((how) => client(transport, [...args, ...how, '-n', '10', '-l', '171'])),
    );
    await Promise.all(
      all.map(async (one) => {
        await one.waitForOutput(/tot_send_msgs=10, tot_recv_msgs=10\D/, 20_000);
        await one.waitForOutput(/Total lost packets 0 /, 5_000);
      }),
    );
  });

  it('learns its own address', async () => {
    const stun = run('turnutils_stunclient', ['-p', portOf('udp'), '127.0.0.1']);
    await stun.waitForOutput(/UDP reflexive addr: 127\.0\.0\.1:\d+/, 5_000);
  });

  it('gets nothing with another secret', async () => {
    const wrong = run('turnutils_uclient', [
      ...['-p', portOf('udp'), '-e', '127.0.0.1', '-r', String(mediaPort), '-u', 'page', '-W', 'another', '-c', '-n', '1'],
      '127.0.0.1',
    ]);
    await wrong.waitForOutput(/error 401|Cannot complete Allocation|Unauthorized/i, 10_000);
  });

  it.each([
    ['another machine', '127.0.0.2', () => String(mediaPort)],
    ['another port', '127.0.0.1', () => String(mediaPort + 2)],
  ])('reaches no %s', async (_what, address, port) => {
    const elsewhere = run('turnutils_uclient', [
      ...['-p', portOf('udp'), '-e', address, '-r', port(), '-u', 'page', '-W', secret, '-c', '-n', '1'],
      '127.0.0.1',
    ]);
    await elsewhere.waitForOutput(/error 403/i, 10_000);
  });

  it('leaves nothing behind when it goes', async () => {
    const one = client('tcp', ['-t', '-n', '5']);
    await one.waitForOutput(/tot_recv_msgs=5\D/, 15_000);
    await one.stop('SIGKILL');
    await eventuallyTrue(() => turn.liveObjects()['turn_connection'] === 0, {
      what: 'no connection is left',
      withinMs: 3_000,
      explain: () => JSON.stringify(turn.liveObjects()),
    });
  });
});
