import { Socket } from 'node:dgram';
import { vi } from 'vitest';
import type { Clock } from '../../src/base/clock.js';

export interface MemoryNetworkOptions {
  /** Share of datagrams that are lost, 0 to 1. */
  readonly loss: number;
  /** Longest way of a datagram; each takes its own time, so they overtake each other. */
  readonly maxDelayMs: number;
}

/**
 * The UDP of this process by fake clock: what one of the given sockets sends to another arrives when
 * the clock says so, or never. Everything else goes its real way.
 */
export class MemoryNetwork {
  private readonly sockets = new Map<number, Socket>();

  /** Sockets bound from now on are on it, until the mocks of the test are restored. */
  constructor(options: MemoryNetworkOptions, deps: { readonly clock: Clock; readonly random: () => number }) {
    const { sockets } = this;
    const bind = Socket.prototype.bind as (...parameters: unknown[]) => Socket;
    vi.spyOn(Socket.prototype, 'bind').mockImplementation(function joined(this: Socket, ...parameters: unknown[]) {
      this.once('listening', () => sockets.set(this.address().port, this));
      return bind.apply(this, parameters);
    } as typeof bind);
    const send = Socket.prototype.send as (...parameters: unknown[]) => void;
    vi.spyOn(Socket.prototype, 'send').mockImplementation(function carried(this: Socket, ...parameters: unknown[]) {
      const [data, port] = parameters;
      const target = typeof port === 'number' ? sockets.get(port) : undefined;
      if (target === undefined || !Buffer.isBuffer(data)) {
        send.apply(this, parameters);
        return;
      }
      const [sent] = parameters.slice(2).filter((each) => typeof each === 'function');
      if (sent !== undefined) queueMicrotask(() => sent(null));
      if (deps.random() < options.loss) return;
      const from = { address: '127.0.0.1', family: 'IPv4', port: this.address().port, size: data.length };
      deps.clock.after(Math.floor(deps.random() * options.maxDelayMs), () => target.emit('message', data, from));
    } as typeof send);
  }
}
