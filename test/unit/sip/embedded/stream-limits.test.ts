import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { EmbeddedSip } from '../../../../src/sip/embedded/embedded-sip.js';
import { FakeClock } from '../../../support/fake-clock.js';
import { startStack, until } from '../../../support/sip-rigs.js';
import { testTls } from '../../../support/tls-material.js';

describe('a connection to the stack', () => {
  const stacks: EmbeddedSip[] = [];
  const sockets: Socket[] = [];
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const stack of stacks.splice(0)) await stack.stop();
  });

  async function rig(transport: 'tcp' | 'tls' = 'tcp') {
    const clock = new FakeClock();
    const tls = transport === 'tls' ? { tls: testTls } : {};
    const stack = await startStack({ listen: [{ transport, host: '127.0.0.1', port: 0 }], ...tls }, { clock });
    stacks.push(stack);
    const open = async (): Promise<Socket> => {
      const socket = connect(stack.bound()[0]?.port ?? 0, '127.0.0.1');
      sockets.push(socket);
      socket.on('error', () => {});
      socket.resume();
      await new Promise((resolve) => socket.once('connect', resolve));
      return socket;
    };
    return { clock, stack, open, flows: () => stack.liveObjects()['flow'] };
  }

  it('that sends nothing is closed after ten seconds', async () => {
    const { clock, open, flows } = await rig();
    await open();
    await until(() => flows() === 1);
    clock.advance(9_000);
    expect(flows()).toBe(1);
    clock.advance(1_000);
    await until(() => flows() === 0);
  });

  it('that dribbles half a header is closed, however often a byte comes', async () => {
    const { clock, open, flows } = await rig();
    const socket = await open();
    socket.write('\r\nOPTIONS sip:a@b SIP/2.0\r\nVia');
    await until(() => flows() === 1);
    for (let second = 0; second < 25 && flows() === 1; second += 1) {
      clock.advance(1_000);
      await new Promise<void>((resolve) => socket.write('x', () => setImmediate(resolve)));
    }
    await until(() => flows() === 0);
  });

  it.each(['tcp', 'tls'] as const)('over %s is refused to an address that holds 256', async (transport) => {
    const { open } = await rig(transport);
    const held = await Promise.all(Array.from({ length: 256 }, () => open()));
    const refused = await open();
    await until(() => refused.destroyed);
    expect(held.filter((socket) => socket.destroyed)).toEqual([]);
  });
});
