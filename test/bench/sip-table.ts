import { freePort } from '../support/free-ports.js';
import { findProgram } from '../support/programs.js';
import { markdownTable } from './percentile.js';
import { type CallOutcome, loadWithCalls } from './sip-load.js';
import { type SipSystem, startGateway, startKamailio, startNothing } from './sip-systems.js';

export interface SipBenchOptions {
  readonly rates: readonly number[];
  readonly secondsEach: number;
  readonly warmUp: { readonly callsPerSecond: number; readonly seconds: number };
  /** One long run at the end, for memory and for what calls cost after their end. */
  readonly endurance: { readonly callsPerSecond: number; readonly seconds: number };
}

interface Measured extends CallOutcome {
  readonly callsPerSecond: number;
  readonly cpuMsPerCall: number;
  /** Share of one core that was used. */
  readonly core: number;
}

const header = [
  'system',
  'calls/s asked',
  'done/s',
  'failed',
  'sent again',
  'set-up',
  'CPU per call',
  'core used',
  'calls/s per core',
  'ratio',
];

function rowOf(name: string, result: Measured, baseline: Measured | undefined): string[] {
  const { callsPerSecond, achievedPerSecond, failed, repeated, setUpMs, cpuMsPerCall, core } = result;
  const figures = [String(callsPerSecond), achievedPerSecond.toFixed(0), String(failed), String(repeated), `${setUpMs.toFixed(1)} ms`];
  if (cpuMsPerCall === 0) return [name, ...figures, '', '', '', ''];
  const ratio = baseline === undefined ? '1' : `${(cpuMsPerCall / baseline.cpuMsPerCall).toFixed(2)}`;
  return [name, ...figures, `${cpuMsPerCall.toFixed(2)} ms`, `${(core * 100).toFixed(0)}%`, (1000 / cpuMsPerCall).toFixed(0), ratio];
}

interface Ports {
  readonly calling: number;
  readonly called: number;
}

async function load(system: SipSystem, ports: Ports, callsPerSecond: number, seconds: number): Promise<Measured> {
  const before = { cpuMs: system.cpuMs(), atMs: performance.now() };
  const outcome = await loadWithCalls({ callsPerSecond, calls: callsPerSecond * seconds, ...ports, target: system.port });
  const usedMs = system.cpuMs() - before.cpuMs;
  return {
    ...outcome,
    callsPerSecond,
    cpuMsPerCall: outcome.successful === 0 ? 0 : usedMs / outcome.successful,
    core: usedMs / (performance.now() - before.atMs),
  };
}

/** All rates through one system, once it is warm. */
async function measure(system: SipSystem, ports: Ports, { rates, secondsEach, warmUp }: SipBenchOptions): Promise<readonly Measured[]> {
  await load(system, ports, warmUp.callsPerSecond, warmUp.seconds);
  const results: Measured[] = [];
  for (const rate of rates) results.push(await load(system, ports, rate, secondsEach));
  return results;
}

async function enduranceLine(system: SipSystem, ports: Ports, { callsPerSecond, seconds }: SipBenchOptions['endurance']): Promise<string> {
  await system.settled();
  const [restingMiB, restingCpuMs] = [system.residentMiB(), system.cpuMs()];
  const { successful } = await load(system, ports, callsPerSecond, seconds);
  const fullMiB = system.residentMiB();
  await system.settled();
  const cpu = (system.cpuMs() - restingCpuMs) / successful;
  const memory = `${restingMiB.toFixed(0)} MiB before, ${fullMiB.toFixed(0)} MiB at the end, ${system.residentMiB().toFixed(0)} MiB when nothing was left`;
  return `${callsPerSecond} calls/s for ${seconds} s: RSS ${memory}; CPU ${cpu.toFixed(2)} ms a call, with all that is done until its last timer has ended.`;
}

/** Prints what a call costs the gateway's signalling beside Kamailio and nothing at all. */
export async function sipTable(options: SipBenchOptions): Promise<void> {
  const ports = { calling: await freePort(), called: await freePort() };
  const rows = [header];
  const run = async (system: SipSystem, baselines: readonly Measured[]): Promise<readonly Measured[]> => {
    const results = await measure(system, ports, options);
    results.forEach((result, at) => void rows.push(rowOf(system.name, result, baselines[at])));
    return results;
  };
  await run(await startNothing(ports.called), []);
  let baselines: readonly Measured[] = [];
  if (findProgram('kamailio') !== undefined) {
    const kamailio = await startKamailio(await freePort(), ports.called);
    baselines = await run(kamailio, []);
    await kamailio.stop();
  }
  const gateway = await startGateway(await freePort(), ports.called);
  await run(gateway, baselines);
  const endurance = await enduranceLine(gateway, ports, options.endurance);
  await gateway.stop();
  console.log(`\n### Signalling, SIPp to SIPp, a call set up and torn down at once, ${options.secondsEach} s each\n`);
  console.log(markdownTable(rows));
  console.log(`\n${endurance}`);
  console.log(`
The gateway is whole but for media (its plane answers SDP and moves nothing): two dialogs a call, log at info and call records to
files. Each system has core 0 for itself, both SIPps share core 1 and are the limit of "nothing between". A proxy passes messages
on, a B2BUA ends two dialogs: the ratio says what that difference costs.`);
}
