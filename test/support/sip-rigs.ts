import { formatHostPort } from '../../src/base/address.js';
import { SystemClock } from '../../src/base/clock.js';
import { silentLog } from '../../src/base/log.js';
import { EmbeddedSip, type EmbeddedSipDeps, type EmbeddedSipOptions } from '../../src/sip/embedded/embedded-sip.js';

/** WebSocket options that let anyone in and send no pings. */
export const openWebSocket: EmbeddedSipOptions['webSocket'] = {
  allowedOrigins: ['*'],
  handshakeTimeoutMs: 1000,
  maxMessageBytes: 65_536,
  pingIntervalMs: 0,
  maxConnections: 100,
};

/** A started stack on loopback; `listen` defaults to one UDP port. */
export async function startStack(options: Partial<EmbeddedSipOptions> = {}, deps: Partial<EmbeddedSipDeps> = {}): Promise<EmbeddedSip> {
  const stack = new EmbeddedSip(
    {
      listen: [{ transport: 'udp', host: '127.0.0.1', port: 0 }],
      webSocket: openWebSocket,
      userAgent: 'test-stack',
      ...options,
    },
    { clock: new SystemClock(), log: silentLog, ...deps },
  );
  await stack.start();
  return stack;
}

/** URI of a stack's first listener, or of the one with the transport. */
export function uriOf(stack: EmbeddedSip, transport?: 'udp' | 'tcp' | 'tls', user = 'bob'): string {
  const bound = stack.bound();
  const found = transport === undefined ? bound[0] : bound.find((each) => each.transport === transport);
  if (found === undefined) throw new Error('no such listener');
  return `sip:${user}@${formatHostPort(found)};transport=${found.transport}`;
}

/** Waits, in real time, until the condition holds; fails after `limitMs`. */
export async function until(condition: () => boolean, limitMs = 5000): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`condition not met within ${limitMs} ms: ${condition.toString()}`);
    await new Promise<void>((resolve) => setTimeout(resolve, 2));
  }
}
