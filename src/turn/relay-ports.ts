import { randomInt } from 'node:crypto';
import { type DatagramHandler, DatagramSocket } from '../media/embedded/transport/datagram-socket.js';

/** Tries before the range is called full: other relays hold ports of it. */
const bindTries = 48;

export interface RelayPortsOptions {
  readonly address: string;
  readonly min: number;
  readonly max: number;
}

/** Sockets at ports picked at random, so that nobody can tell the next one (RFC 8656 §7.2). */
export class RelayPorts {
  constructor(private readonly options: RelayPortsOptions) {}

  /** Undefined when no port is to be had. */
  async bind(evenOnly: boolean, handler: DatagramHandler): Promise<DatagramSocket | undefined> {
    const { address, min, max } = this.options;
    for (let tries = 0; tries < bindTries; tries += 1) {
      const port = randomInt(min, max + 1);
      if (evenOnly && port % 2 === 1) continue;
      const socket = await DatagramSocket.bind(address, port, handler);
      if (socket !== undefined) return socket;
    }
    return undefined;
  }
}
