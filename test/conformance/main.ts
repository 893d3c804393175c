/**
 * Holds our own gateway and those that Debian has to the rules of telephone-events, and writes the
 * table of what came out to test/conformance/results.md.
 */
import { writeFileSync } from 'node:fs';
import { SystemClock } from '../../src/base/clock.js';
import { DtmfCheck } from '../../src/conformance/dtmf-check.js';
import { findProgram } from '../support/programs.js';
import { resultTable, type SystemResult } from './results.js';
import { ownGateway, rtpengine, type SystemUnderTest } from './systems.js';

async function check({ name, target, farEndPort, stop }: SystemUnderTest): Promise<SystemResult> {
  const options = { target, farEndPort, listen: '127.0.0.1', from: '+15550100', patienceMs: 10_000, calls: 4 };
  const onProgress = (done: number, of: number): void =>
    void process.stderr.write(`\r${name}: ${done} of ${of} calls${done === of ? '\n' : ''}`);
  try {
    const result = await new DtmfCheck({ ...options, directions: ['in', 'out'] }, { clock: new SystemClock(), onProgress }).run();
    if (result.kind === 'unreachable') throw new Error(`${name}: ${result.why}`);
    return { name, ...result };
  } finally {
    await stop();
  }
}

const starts = [ownGateway, ...(findProgram('rtpengine') === undefined ? [] : [() => rtpengine('relay'), () => rtpengine('transcoding')])];
const results: SystemResult[] = [];
for (const start of starts) results.push(await check(await start()));
const table = resultTable(results);
const text = `# Telephone-events by rule

Made by \`node test/conformance/run.mjs\` with \`webrtc-pstn-gateway dtmf-check\`, both directions; see src/conformance/README.md.

${table}`;
writeFileSync('test/conformance/results.md', `${text.trimEnd()}\n`);
process.stdout.write(`${table}\n`);
process.exit(0);
