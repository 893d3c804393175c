/**
 * Holds our own gateway and those that Debian has to the rules of telephone-events, and writes the
 * table of what came out to test/conformance/results.md.
 */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { SystemClock } from '../../src/base/clock.js';
import { DtmfCheck } from '../../src/conformance/dtmf-check.js';
import { findProgram } from '../support/programs.js';
import { resultTable, type SystemResult } from './results.js';
import { ownGateway, rtpengine, type SystemUnderTest } from './systems.js';

async function check({ name, target, farEndPort, stop }: SystemUnderTest): Promise<SystemResult> {
  const options = { target, farEndPort, listen: '127.0.0.1', from: '+15550100', patienceMs: 10_000, calls: 4, confirm: true };
  const onProgress = (done: number, of: number): void => {
    if (done === of) process.stderr.write(`${name}: ${of} calls\n`);
  };
  try {
    const result = await new DtmfCheck({ ...options, directions: ['in', 'out'] }, { clock: new SystemClock(), onProgress }).run();
    if (result.kind === 'unreachable') throw new Error(`${name}: ${result.why}`);
    return { name, ...result };
  } finally {
    await stop();
  }
}

function versionOf(program: string): string {
  const { stdout, stderr } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return /\d+\.\d+[.\d]*/.exec(stdout + stderr)?.[0] ?? 'of unknown version';
}

const starts = [ownGateway, ...(findProgram('rtpengine') === undefined ? [] : [() => rtpengine('relay'), () => rtpengine('transcoding')])];
const results: SystemResult[] = [];
for (const start of starts) results.push(await check(await start()));
const table = resultTable(results);
const version = findProgram('rtpengine') === undefined ? '' : ` rtpengine is ${versionOf('rtpengine')}, in user space.`;
const text = `# Telephone-events by rule

Made by \`node test/conformance/run.mjs\` with \`webrtc-pstn-gateway dtmf-check\`, both directions; broken is
what was broken twice. See src/conformance/README.md.${version}

${table}`;
writeFileSync('test/conformance/results.md', `${text.trimEnd()}\n`);
process.stdout.write(`${table}\n`);
process.exit(0);
