import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Programs other people wrote, which the interop suites and benchmarks talk to. */
export type Peer =
  | 'chromium'
  | 'firefox-esr'
  | 'sipp'
  | 'baresip'
  | 'tshark'
  | 'dumpcap'
  | 'rtpengine'
  | 'kamailio'
  | 'iptables'
  | 'turnserver'
  | 'turnutils_uclient'
  | 'turnutils_stunclient'
  | 'turnutils_peer';

/** Full path of a program on PATH. */
export function findProgram(name: Peer): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {}
  }
  return undefined;
}

/** Full path of a peer that is known to be there. */
export function peerPath(peer: Peer): string {
  const path = findProgram(peer);
  if (path === undefined) throw new Error(`${peer} is not installed`);
  return path;
}
