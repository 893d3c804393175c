import { createSocket, type Socket } from 'node:dgram';
import { createServer } from 'node:net';

/**
 * Ports for programs that cannot be told "any port". Each is bound first, so that it was free a
 * moment ago, and taken from below the kernel's ephemeral range, so that no unrelated socket of the
 * machine gets it in between.
 */
const lowest = 20_000;
const highest = 32_000;

function bindUdp(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      resolve(undefined);
    });
    socket.bind(port, '127.0.0.1', () => resolve(socket));
  });
}

function tcpIsFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

async function runIsFree(first: number, count: number): Promise<boolean> {
  const sockets: Socket[] = [];
  let free = true;
  for (let port = first; port < first + count && free; port += 1) {
    const socket = await bindUdp(port);
    if (socket === undefined) free = false;
    else sockets.push(socket);
    free = free && (await tcpIsFree(port));
  }
  for (const socket of sockets) await new Promise<void>((resolve) => socket.close(() => resolve()));
  return free;
}

const given = new Set<number>();

/** The first of `count` neighbouring ports, free for UDP and TCP on loopback; the first is even. */
export async function freePortRun(count: number): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const first = lowest + 2 * Math.floor(Math.random() * ((highest - lowest - count) / 2));
    const ports = Array.from({ length: count }, (_, index) => first + index);
    if (ports.some((port) => given.has(port)) || !(await runIsFree(first, count))) continue;
    for (const port of ports) given.add(port);
    return first;
  }
  throw new Error(`no run of ${count} free ports between ${lowest} and ${highest}`);
}

/** One free port on loopback. */
export const freePort = (): Promise<number> => freePortRun(1);
