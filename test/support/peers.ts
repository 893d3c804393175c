import { describe, it } from 'vitest';
import { findProgram, type Peer } from './programs.js';

/**
 * A suite that needs other programs. Without them it is skipped with its reason in its name;
 * where CI is set a missing peer is a failure, since a skip there would go unread. `lacking` names what the
 * machine itself has not, and skips it anywhere.
 */
export function describeWithPeers(title: string, peers: readonly Peer[], suite: () => void, lacking?: string): void {
  if (lacking !== undefined) {
    describe.skip(`${title} [skipped: ${lacking}]`, suite);
    return;
  }
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
