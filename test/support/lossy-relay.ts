import { createSocket, type Socket } from 'node:dgram';

export interface LossyRelayOptions {
  /** Where datagrams from clients go. */
  readonly target: { readonly host: string; readonly port: number };
  /** Share of datagrams lost in each direction, 0 to 1. */
  readonly loss: number;
  readonly seed: number;
  /** Own port; any when absent. */
  readonly port?: number;
}

/** Small seeded generator (mulberry32), so that a failing run can be had again. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const bound = (socket: Socket, port: number): Promise<number> =>
  new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, '127.0.0.1', () => resolve(socket.address().port));
  });

/** How often in a row the same datagram may be lost: what is sent again for 32 s must get through, or a run of bad luck looks like a fault. */
const mostLostInARow = 4;

/** A UDP path that loses datagrams both ways. Each client gets a socket of its own toward the target. */
export class LossyRelay {
  readonly counts = { forward: 0, back: 0, lostForward: 0, lostBack: 0 };
  private readonly front = createSocket('udp4');
  private readonly backs = new Map<string, Promise<Socket>>();
  private readonly random: () => number;
  private broken = false;
  private readonly lostInARow = new Map<string, number>();

  private constructor(private readonly options: LossyRelayOptions) {
    this.random = seededRandom(options.seed);
  }

  static async start(options: LossyRelayOptions): Promise<LossyRelay & { readonly port: number }> {
    const relay = new LossyRelay(options);
    const port = await bound(relay.front, options.port ?? 0);
    relay.front.on('message', (datagram, from) => {
      relay.forward(datagram, from.address, from.port);
    });
    return Object.assign(relay, { port });
  }

  /** Nothing goes through any more. */
  cut(): void {
    this.broken = true;
  }

  private loses(datagram: Buffer): boolean {
    if (this.broken) return true;
    const key = datagram.toString('latin1');
    const before = this.lostInARow.get(key) ?? 0;
    if (this.random() >= this.options.loss || before >= mostLostInARow) {
      this.lostInARow.delete(key);
      return false;
    }
    this.lostInARow.set(key, before + 1);
    return true;
  }

  private forward(datagram: Buffer, address: string, port: number): void {
    if (this.loses(datagram)) {
      this.counts.lostForward += 1;
      return;
    }
    this.counts.forward += 1;
    const key = `${address}:${port}`;
    let back = this.backs.get(key);
    if (back === undefined) {
      back = this.openBack(address, port);
      this.backs.set(key, back);
    }
    void back.then((socket) => socket.send(datagram, this.options.target.port, this.options.target.host));
  }

  private async openBack(address: string, port: number): Promise<Socket> {
    const socket = createSocket('udp4');
    await bound(socket, 0);
    socket.on('message', (datagram) => {
      if (this.loses(datagram)) {
        this.counts.lostBack += 1;
        return;
      }
      this.counts.back += 1;
      this.front.send(datagram, port, address);
    });
    return socket;
  }

  async dispose(): Promise<void> {
    const backs = await Promise.all(this.backs.values());
    for (const socket of [this.front, ...backs]) await new Promise<void>((resolve) => socket.close(() => resolve()));
  }
}
