import type { Log, LogFields } from '../base/log.js';

function write(fields: LogFields, message: string): void {
  const facts = Object.entries(fields).map(([name, value]) => `${name}=${String(value)}`);
  process.stderr.write(`demo carrier: ${[message, ...facts].join(' ')}\n`);
}

const nothing = (): void => {};

/** Warnings and faults as short lines on standard error; the rest is of no interest to a person. */
export const terminalLog: Log = { debug: nothing, info: nothing, warn: write, error: write, child: () => terminalLog };
