import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { eventuallyTrue } from '../support/eventually.js';
import { peerPath } from '../support/programs.js';
import { scratch } from '../support/scratch.js';
import { ended, listensOn, loadCore, spawnPinned } from './sip-systems.js';

export interface CallLoad {
  readonly callsPerSecond: number;
  readonly calls: number;
  /** UDP port of the caller. */
  readonly calling: number;
  /** UDP port of the phone; a system in between knows it. */
  readonly called: number;
  /** Where the caller sends its calls. */
  readonly target: number;
}

export interface CallOutcome {
  readonly successful: number;
  readonly failed: number;
  /** Messages the caller and the phone sent again. */
  readonly repeated: number;
  /** From the INVITE to its 200, on average. */
  readonly setUpMs: number;
  /** Calls set up and torn down, by the seconds from the first to the end of the last. */
  readonly achievedPerSecond: number;
}

const scenario = (name: string): string => fileURLToPath(new URL(`../../test/bench/scenarios/${name}.xml`, import.meta.url));

/** The last line of SIPp's statistics, by the names of its first. */
function statistics(file: string): ReadonlyMap<string, string> {
  const [head = '', ...rows] = readFileSync(file, 'latin1').trim().split('\n');
  const values = (rows.at(-1) ?? '').split(';');
  return new Map(head.split(';').map((name, at) => [name, values[at] ?? '']));
}

/** `00:00:00:012000` is 12 ms. */
function milliseconds(text: string): number {
  const [hours = 0, minutes = 0, secs = 0, microseconds = 0] = text.split(':').map(Number);
  return ((hours * 60 + minutes) * 60 + secs) * 1000 + microseconds / 1000;
}

/** Calls at a rate from one SIPp to another, each hung up as soon as it is answered. */
export async function loadWithCalls({ callsPerSecond, calls, calling, called, target }: CallLoad): Promise<CallOutcome> {
  const files = scratch('bench-load');
  const common = (name: string, port: number): string[] => [
    ...['-sf', scenario(name), '-i', '127.0.0.1', '-p', String(port), '-t', 'u1', '-nostdin', '-buff_size', '4194304'],
    ...['-trace_stat', '-fd', '1', '-stf', files.file(`${name}.csv`)],
  ];
  const phone = spawnPinned(loadCore, peerPath('sipp'), common('uas', called), files.file('uas.log'));
  try {
    await eventuallyTrue(() => listensOn(called), { what: 'the phone listens', withinMs: 5_000, everyMs: 20 });
    const limits = ['-m', String(calls), '-r', String(callsPerSecond), '-l', String(callsPerSecond * 10), '-timeout', '120s'];
    const args = [`127.0.0.1:${target}`, ...common('uac', calling), ...limits];
    const caller = spawnPinned(loadCore, peerPath('sipp'), args, files.file('uac.log'));
    const beganMs = performance.now();
    await ended(caller);
    const tookMs = performance.now() - beganMs;
    phone.kill('SIGUSR1');
    await eventuallyTrue(() => phone.exitCode !== null, { what: 'the phone ends', withinMs: 10_000, everyMs: 50 });
    const [theirs, ours] = [statistics(files.file('uas.csv')), statistics(files.file('uac.csv'))];
    const successful = Number(ours.get('SuccessfulCall(C)'));
    return {
      successful,
      failed: calls - successful,
      repeated: Number(ours.get('Retransmissions(C)')) + Number(theirs.get('Retransmissions(C)')),
      setUpMs: milliseconds(ours.get('ResponseTime1(C)') ?? ''),
      achievedPerSecond: (successful * 1000) / tookMs,
    };
  } finally {
    if (phone.exitCode === null) phone.kill('SIGKILL');
    files.dispose();
  }
}
