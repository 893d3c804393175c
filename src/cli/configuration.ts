import { readFileSync } from 'node:fs';
import { messageOf } from '../base/errors.js';
import type { Environment } from '../config/environment.js';
import type { ConfigFault } from '../config/fault.js';
import { type LoadResult, loadConfig } from '../config/load.js';

/** Loads a configuration file; a file that cannot be read is a fault like any other. */
export function loadFile(file: string, environment: Environment): LoadResult {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    const fault: ConfigFault = {
      path: file,
      problem: `cannot be read (${messageOf(thrown)})`,
      remedy: 'correct the path or its permissions',
    };
    return { ok: false, faults: [fault] };
  }
  return loadConfig(text, environment);
}

/** The configuration of demo mode: loopback only, every number allowed, one user whom the demo carrier calls back. */
const demoYaml = `
sip: { listen: ["udp:127.0.0.1:0"] }
users: [{ name: demo }]
inbound: [{ number: "*", to: { user: demo } }]
policy: { destinations: { allow: ["*"] } }
`;

/** Demo mode's configuration under the environment's overrides. */
export function loadDemo(environment: Environment): LoadResult {
  return loadConfig(demoYaml, environment);
}
