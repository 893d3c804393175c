import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, it } from 'vitest';

/** Programs other people wrote, which the interop suites talk to. */
export type Peer = 'chromium' | 'sipp' | 'baresip' | 'tshark' | 'dumpcap' | 'rtpengine';

/** Full path of a program on PATH. */
export function findProgram(name: string): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}

/** Full path of a peer; for use inside `describeWithPeers`. */
export function peerPath(peer: Peer): string {
  const path = findProgram(peer);
  if (path === undefined) throw new Error(`${peer} is not installed`);
  return path;
}

/**
 * A suite that needs other programs. Without them it is skipped with its reason in its name;
 * where CI is set a missing peer is a failure, since a skip there would go unread.
 */
export function describeWithPeers(title: string, peers: readonly Peer[], suite: () => void): void {
  const missing = peers.filter((peer) => findProgram(peer) === undefined);
  const needsRoot = peers.includes('dumpcap') && process.getuid?.() !== 0;
  const reasons = [...missing.map((peer) => `${peer} is not installed`), ...(needsRoot ? ['capturing on loopback needs root'] : [])];
  if (reasons.length === 0) {
    describe(title, suite);
  } else if (process.env['CI'] === 'true') {
    describe(title, () => {
      it('finds the programs it is tested against', () => {
        throw new Error(reasons.join('; '));
      });
    });
  } else {
    describe.skip(`${title} [skipped: ${reasons.join('; ')}]`, suite);
  }
}
