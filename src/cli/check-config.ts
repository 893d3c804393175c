import { readFileSync } from 'node:fs';
import type { Environment } from '../config/environment.js';
import { formatFault } from '../config/fault.js';
import { printConfig } from '../config/print.js';
import { resolveSecrets } from '../config/secrets.js';
import { loadDemo, loadFile } from './configuration.js';

/**
 * `check-config FILE`: 0 when the gateway would take it; otherwise 1, and every fault with its
 * remedy. Secrets that cannot be had here are told but are no fault: the file may be meant for
 * another machine.
 */
export function checkConfig(file: string, environment: Environment): number {
  const loaded = loadFile(file, environment);
  if (!loaded.ok) {
    process.stdout.write(`${file}: ${loaded.faults.length === 1 ? 'one fault' : `${loaded.faults.length} faults`}\n`);
    for (const fault of loaded.faults) process.stdout.write(`  ${formatFault(fault)}\n`);
    return 1;
  }
  const { faults } = resolveSecrets(loaded.config, { environment, readFile: (path) => readFileSync(path, 'utf8') });
  process.stdout.write(`${file}: no faults\n`);
  for (const fault of faults) process.stdout.write(`  not here: ${formatFault(fault)}\n`);
  return 0;
}

/** `print-config`: what is in force, defaults and overrides included, with secrets as `***`. */
export function showConfig(file: string | undefined, environment: Environment): number {
  const loaded = file === undefined ? loadDemo(environment) : loadFile(file, environment);
  if (loaded.ok) {
    process.stdout.write(printConfig(loaded.config));
    return 0;
  }
  for (const fault of loaded.faults) process.stderr.write(`${formatFault(fault)}\n`);
  return 1;
}
