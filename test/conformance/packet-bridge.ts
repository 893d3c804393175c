import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { BridgedMedia } from './sip-b2bua.js';

/** What becomes of a packet that comes in: those that go out, and when. */
export type Bending = (packet: Buffer) => readonly { readonly packet: Buffer; readonly afterMs?: number }[];

interface Side {
  readonly socket: Socket;
  readonly port: number;
  peer: number | undefined;
}

interface Bridge {
  readonly near: Side;
  readonly far: Side;
  readonly timers: Set<NodeJS.Timeout>;
}

/** Passes RTP on between two ends on this machine, bent as one may wish: a relay, or a gateway with a fault. */
export class PacketBridge implements BridgedMedia {
  private readonly bridges = new Map<string, Bridge>();

  /** `bendingOf` is asked once for each direction of each call, so that a fault may remember. */
  constructor(private readonly bendingOf: () => Bending) {}

  async begin(call: string, offer: string): Promise<string> {
    const [near, far] = [await openSide(), await openSide()];
    const bridge = { near, far, timers: new Set<NodeJS.Timeout>() };
    this.bridges.set(call, bridge);
    this.join(bridge, near, far);
    this.join(bridge, far, near);
    near.peer = portOf(offer);
    return withPort(offer, far.port);
  }

  async complete(call: string, answer: string): Promise<string> {
    const bridge = this.bridges.get(call);
    if (bridge === undefined) throw new Error('there is no such call');
    bridge.far.peer = portOf(answer);
    return withPort(answer, bridge.near.port);
  }

  async end(call: string): Promise<void> {
    const bridge = this.bridges.get(call);
    if (bridge === undefined) return;
    this.bridges.delete(call);
    for (const timer of bridge.timers) clearTimeout(timer);
    bridge.near.socket.close();
    bridge.far.socket.close();
  }

  private join({ timers }: Bridge, from: Side, to: Side): void {
    const bend = this.bendingOf();
    const send = (packet: Buffer): void => {
      if (to.peer !== undefined) to.socket.send(packet, to.peer, '127.0.0.1');
    };
    from.socket.on('message', (datagram) => {
      for (const { packet, afterMs = 0 } of bend(datagram)) {
        if (afterMs === 0) {
          send(packet);
          continue;
        }
        const timer = setTimeout(() => {
          timers.delete(timer);
          send(packet);
        }, afterMs);
        timers.add(timer);
      }
    });
  }
}

async function openSide(): Promise<Side> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { socket, port: socket.address().port, peer: undefined };
}

function portOf(sdp: string): number {
  return Number(/m=audio (\d+)/.exec(sdp)?.[1]);
}

function withPort(sdp: string, port: number): string {
  return sdp.replace(/m=audio \d+/, `m=audio ${port}`);
}
