import { availableParallelism, cpus, loadavg } from 'node:os';
import { findProgram } from '../support/programs.js';
import { measureCallSetup } from './call-setup.js';
import type { MediaEngine } from './media-engine.js';
import { type LoadResult, loadDirect, loadThrough } from './media-load.js';
import { markdownTable } from './percentile.js';
import { PlaneEngine } from './plane-engine.js';
import { RtpengineEngine } from './rtpengine-engine.js';
import { sipTable } from './sip-table.js';

const setupCalls = 20;
const signalling = {
  rates: [200, 400, 800, 1000, 1200],
  secondsEach: 10,
  warmUp: { callsPerSecond: 200, seconds: 10 },
  endurance: { callsPerSecond: 1000, seconds: 20 },
};
const load = { calls: 50, warmUpMs: 4_000, measureMs: 12_000 };
const chosen = new Set(process.argv.slice(2));
const wanted = (part: string): boolean => chosen.size === 0 || chosen.has(part);

const us = (value: number): string => `${value.toFixed(0)} µs`;
const ms = (value: number): string => `${value.toFixed(0)} ms`;

/** A system that drops packets has less work to do, so its CPU is compared only when both carried (nearly) all. */
function ratioOf(ours: LoadResult, theirs: LoadResult): string {
  const carriedAll = [ours, theirs].every(({ lost, packets }) => lost <= packets / 100);
  return carriedAll ? `${(ours.cpuMsPerCallSecond / theirs.cpuMsPerCallSecond).toFixed(2)}×` : 'not comparable: packets lost';
}

function rowOf(legs: string, name: string, result: LoadResult, baseline: LoadResult | undefined): string[] {
  const ratio = baseline === undefined ? '' : ratioOf(result, baseline);
  return [legs, name, us(result.p50Us), us(result.p99Us), `${result.cpuMsPerCallSecond.toFixed(2)} ms/s`, ratio, String(result.lost)];
}

async function measure(start: () => Promise<MediaEngine>, kind: 'webrtc' | 'udp'): Promise<LoadResult> {
  const engine = await start();
  try {
    return await loadThrough(engine, { ...load, kind });
  } finally {
    await engine.stop();
  }
}

async function mediaTable(): Promise<void> {
  const withRtpengine = findProgram('rtpengine') !== undefined;
  const floor = await loadDirect({ ...load, kind: 'udp' });
  const rows = [
    ['legs', 'system', 'latency p50', 'p99', 'CPU per call', 'CPU ratio to rtpengine', 'packets lost'],
    ['RTP ↔ RTP', 'nothing between', us(floor.p50Us), us(floor.p99Us), '', '', String(floor.lost)],
  ];
  for (const kind of ['udp', 'webrtc'] as const) {
    const legs = kind === 'udp' ? 'RTP ↔ RTP' : 'WebRTC ↔ RTP';
    const theirs = withRtpengine ? await measure(() => RtpengineEngine.start(), kind) : undefined;
    const ours = await measure(() => PlaneEngine.start(), kind);
    if (theirs !== undefined) rows.push(rowOf(legs, 'rtpengine (user space)', theirs, undefined));
    rows.push(rowOf(legs, 'this gateway', ours, theirs));
  }
  console.log(`\n### Media, ${load.calls} calls, PCMU, 20 ms packets both ways, ${load.measureMs / 1000} s\n`);
  console.log(markdownTable(rows));
  console.log(`
Latency is from just before one end sends to just after the other end has received. The generator shares the machine: the row
with nothing between is its own share, to be taken off. In the WebRTC rows its own DTLS-SRTP stack (werift) is part of the
latency, alike for both systems. CPU is that of the measured process, all threads, in ms per second of one call.`);
  if (!withRtpengine) console.log('rtpengine is not installed (Debian: rtpengine-daemon), so there is no ratio.');
}

async function setupTable(): Promise<void> {
  const { calls, ringing, sound } = await measureCallSetup(setupCalls);
  console.log(`\n### Call set-up, ${calls} calls of Chromium to the demo carrier on loopback\n`);
  console.log(
    markdownTable([
      ['from the press of the button to', 'p50', 'p95'],
      ['ringing', ms(ringing.p50Ms), ms(ringing.p95Ms)],
      ['first sound from the far end', ms(sound.p50Ms), ms(sound.p95Ms)],
    ]),
  );
}

const [load1 = 0] = loadavg();
console.log(
  `Machine: ${availableParallelism()} × ${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.versions.node}, load average ${load1.toFixed(1)}`,
);
if (load1 > 0.5) console.log('Other work is going on: do not quote these figures.');
if (wanted('setup')) {
  if (findProgram('chromium') === undefined) console.log('Call set-up is not measured: chromium is not installed.');
  else await setupTable();
}
if (wanted('media')) await mediaTable();
if (wanted('sip')) {
  if (findProgram('sipp') === undefined) console.log('Signalling is not measured: sipp is not installed.');
  else await sipTable(signalling);
}
process.exit(0);
