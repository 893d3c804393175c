import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { findProgram, type Peer } from './programs.js';
import { type Scratch, scratch } from './scratch.js';

/** Runs `ip` and gives back what it says. */
const ip = (...words: readonly string[]): string => execFileSync('ip', [...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** Why this machine has no network namespaces for us; undefined when it has. */
export function networksLacking(): string | undefined {
  const name = `probe-${process.pid}`;
  try {
    ip('netns', 'add', name);
    ip('netns', 'del', name);
    return undefined;
  } catch {
    return 'network namespaces cannot be made here';
  }
}

/** One of the two ways from the namespace to us. */
export type NetworkName = 'first' | 'second';
const both: readonly NetworkName[] = ['first', 'second'];

interface Link {
  readonly inside: string;
  readonly outside: string;
  readonly address: string;
}

/**
 * A network namespace that reaches this machine by either of two links, each with an address of its own, as a
 * telephone has Wi-Fi and mobile data. Which of them is up is the test's to say; what went over the other
 * one before is then lost without a word.
 */
export class TwoNetworks {
  private readonly forwarders: Server[] = [];
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly name: string,
    private readonly files: Scratch,
    /** Where this machine is, seen from the namespace. */
    readonly address: string,
    private readonly links: Readonly<Record<NetworkName, Link>>,
  ) {}

  /** Begins with both links down. */
  static make(): TwoNetworks {
    const name = `two-${process.pid}`;
    const subnet = `10.203.${process.pid % 250}`;
    const link = (which: number): Link => ({
      inside: `in${which}-${process.pid}`,
      outside: `out${which}-${process.pid}`,
      address: `${subnet}.${which + 1}`,
    });
    const networks = new TwoNetworks(name, scratch('networks'), `${subnet}.1`, { first: link(1), second: link(2) });
    networks.lay();
    return networks;
  }

  private lay(): void {
    ip('netns', 'add', this.name);
    ip('address', 'add', `${this.address}/32`, 'dev', 'lo');
    ip('-n', this.name, 'link', 'set', 'lo', 'up');
    for (const { inside, outside } of both.map((network) => this.links[network])) {
      ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', this.name);
      ip('link', 'set', outside, 'up');
    }
  }

  up(network: NetworkName): void {
    const { inside, address } = this.links[network];
    ip('-n', this.name, 'link', 'set', inside, 'up');
    ip('-n', this.name, 'address', 'add', `${address}/32`, 'dev', inside);
    // The later one is preferred, as long as the other is there too.
    ip('-n', this.name, 'route', 'prepend', 'default', 'dev', inside, 'src', address);
  }

  down(network: NetworkName): void {
    const { inside } = this.links[network];
    ip('-n', this.name, 'address', 'flush', 'dev', inside);
    ip('-n', this.name, 'link', 'set', inside, 'down');
  }

  /** It still looks whole from inside, but nothing comes through. */
  swallow(network: NetworkName): void {
    const { address, outside } = this.links[network];
    ip('route', 'delete', `${address}/32`, 'dev', outside);
    ip('route', 'add', 'blackhole', `${address}/32`);
  }

  /** Lets no UDP out of the namespace, on either network, and says nothing of it. */
  dropUdp(): void {
    this.within('iptables', '-A', 'OUTPUT', '!', '-o', 'lo', '-p', 'udp', '-j', 'DROP');
  }

  /** Datagrams that `dropUdp` has swallowed. */
  get droppedUdp(): number {
    const rule = this.within('iptables', '-nvxL', 'OUTPUT')
      .split('\n')
      .find((line) => line.includes('DROP'));
    return Number(rule?.trim().split(/\s+/)[0] ?? 0);
  }

  /** This one is up and whole, the other one down. */
  only(network: NetworkName): void {
    for (const one of both) {
      const { address, outside } = this.links[one];
      ip('route', 'flush', `${address}/32`);
      // What answers must come from where it was asked.
      ip('route', 'add', `${address}/32`, 'dev', outside, 'src', this.address);
      this.down(one);
    }
    this.up(network);
  }

  /** Ends connections, those too whose other end can hear nothing of it. */
  breakConnections(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  addressOn(network: NetworkName): string {
    return this.links[network].address;
  }

  /** Lets the namespace reach a TCP port that we have on loopback. */
  async open(port: number): Promise<void> {
    const server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.sockets.add(from);
        from.on('error', () => {});
        from.on('close', () => {
          this.sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, this.address, resolve);
    });
    this.forwarders.push(server);
  }

  private within(command: string, ...words: readonly string[]): string {
    return execFileSync('ip', ['netns', 'exec', this.name, command, ...words], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  /** A program that runs the peer inside the namespace. */
  program(peer: Peer): string {
    const file = this.files.file(peer);
    writeFileSync(file, `#!/bin/sh\nexec ip netns exec ${this.name} ${findProgram(peer)} "$@"\n`);
    chmodSync(file, 0o755);
    return file;
  }

  async dispose(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    for (const server of this.forwarders) await new Promise<void>((resolve) => server.close(() => resolve()));
    for (const network of both) ip('route', 'flush', `${this.links[network].address}/32`);
    // The links go with the namespace.
    ip('netns', 'del', this.name);
    ip('address', 'del', `${this.address}/32`, 'dev', 'lo');
    this.files.dispose();
  }
}
