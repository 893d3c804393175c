import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openStream, type StreamFlow } from '../../../../src/sip/embedded/transport-stream.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { until } from '../../../support/sip-rigs.js';

describe('a connection that we opened', () => {
  const servers: Server[] = [];
  const flows: StreamFlow[] = [];
  afterEach(async () => {
    for (const flow of flows.splice(0)) flow.close('the test is over');
    await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
  });

  async function rig(pingAfterMs?: number) {
    const clock = new FakeClock();
    let peer: Socket | undefined;
    let heard = '';
    const server = createServer((socket) => {
      peer = socket;
      socket.on('data', (chunk) => {
        heard += chunk.toString();
      });
      socket.on('error', () => {});
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const remote = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
    let messages = 0;
    const onMessage = (): void => {
      messages += 1;
    };
    const user = { onMessage, onSent: () => {}, onBroken: () => {}, onFlowOpen: () => {}, onFlowClosed: () => {} };
    const flow = openStream({ transport: 'tcp', remote, ...(pingAfterMs === undefined ? {} : { pingAfterMs }) }, undefined, {
      clock,
      user,
      onError: () => {},
    });
    flows.push(flow);
    const closed: string[] = [];
    flow.onClose(({ why }) => closed.push(why));
    await until(() => peer !== undefined && flow.local.port !== 0);
    await new Promise<void>((resolve) => flow.onReady(resolve));
    const message = 'OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n';
    /** Written bytes are known to have been read once the message behind them has. */
    const write = async (bytes: string): Promise<void> => {
      const before = messages;
      peer?.write(bytes + message);
      await until(() => messages > before);
    };
    return { clock, flow, closed, write, heard: () => heard };
  }

  it('is pinged after two minutes of silence at most', async () => {
    const { clock, heard } = await rig();
    clock.advance(94_000);
    expect(heard()).toBe('');
    clock.advance(26_000);
    await until(() => heard() === '\r\n\r\n');
  });

  it('lives on when the peer never answers pings', async () => {
    const { clock, heard, flow } = await rig();
    clock.advance(240_000);
    await until(() => heard().length >= 8);
    expect(flow.open).toBe(true);
  });

  it('is closed when a peer that answered pings does so no more', async () => {
    const { clock, write, heard, closed } = await rig(100_000);
    await write('\r\n');
    clock.advance(100_000);
    await until(() => heard() === '\r\n\r\n');
    expect(closed).toEqual([]);
    clock.advance(10_000);
    await until(() => closed.length > 0);
    expect(closed).toEqual(['timeout']);
  });

  it('lives on when the pong comes in time', async () => {
    const { clock, write, heard, flow } = await rig(100_000);
    await write('\r\n');
    clock.advance(100_000);
    await until(() => heard() === '\r\n\r\n');
    await write('\r\n');
    clock.advance(30_000);
    expect(flow.open).toBe(true);
  });
});
