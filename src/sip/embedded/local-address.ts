import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

const maxCached = 2048;
/** Addresses being asked for at once; beyond, a flood of strange sources gets the loopback address. */
const maxWaiting = 512;

/** Addresses that name no interface: a socket bound to one does not tell which address a peer sees. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

function loopbackFor(remoteAddress: string): string {
  return isIPv6(remoteAddress) ? '::1' : '127.0.0.1';
}

/**
 * Which of our addresses the kernel would use toward a peer. It is asked by connecting a UDP
 * socket, which sends nothing, and remembered; the oldest entries make room for new ones.
 */
export class LocalAddresses {
  private readonly known = new Map<string, string>();
  private readonly waiting = new Map<string, ((local: string) => void)[]>();

  /** Calls back with the address, in the same turn when it is known. Falls back to the loopback address. */
  toward(remoteAddress: string, done: (local: string) => void): void {
    const known = this.known.get(remoteAddress);
    if (known !== undefined) {
      done(known);
      return;
    }
    const queue = this.waiting.get(remoteAddress);
    if (queue !== undefined) {
      queue.push(done);
      return;
    }
    if (this.waiting.size >= maxWaiting) {
      done(loopbackFor(remoteAddress));
      return;
    }
    this.waiting.set(remoteAddress, [done]);
    this.ask(remoteAddress, (local) => {
      if (this.known.size >= maxCached) this.known.delete(this.known.keys().next().value ?? '');
      this.known.set(remoteAddress, local);
      const ready = this.waiting.get(remoteAddress) ?? [];
      this.waiting.delete(remoteAddress);
      for (const each of ready) each(local);
    });
  }

  /** Forgets everything: interfaces may have changed. */
  clear(): void {
    this.known.clear();
  }

  private ask(remoteAddress: string, done: (local: string) => void): void {
    const v6 = isIPv6(remoteAddress);
    const socket = createSocket(v6 ? 'udp6' : 'udp4');
    let finished = false;
    const finish = (local: string): void => {
      if (finished) return;
      finished = true;
      socket.close();
      done(local);
    };
    const fallback = loopbackFor(remoteAddress);
    socket.on('error', () => finish(fallback));
    socket.connect(9, remoteAddress, () => {
      finish(finished ? fallback : socket.address().address);
    });
  }
}
