/**
 * Finds out whether anybody listens at an address: an empty datagram from a connected socket, to which
 * a host without a listener answers ICMP port unreachable (RFC 1122 §4.1.3.1). Unconnected sockets,
 * as media uses, are never told. Only a silent trunk leg is probed, once.
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { HostPort } from '../../../base/address.js';

const nothing = Buffer.alloc(0);

export class ReachabilityProbe {
  private socket: Socket | undefined;

  /** Calls `onRefused` if the address refuses while the probe is open. */
  constructor(target: HostPort, onRefused: () => void) {
    const socket = createSocket(isIPv6(target.host) ? 'udp6' : 'udp4');
    this.socket = socket;
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') onRefused();
      this.close();
    });
    socket.connect(target.port, target.host, () => {
      if (this.socket === undefined) return;
      socket.send(nothing, (error) => {
        if (error !== null && this.socket !== undefined) this.close();
      });
    });
  }

  get sockets(): number {
    return this.socket === undefined ? 0 : 1;
  }

  close(): void {
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
  }
}
