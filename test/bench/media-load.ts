import type { MediaEngine } from './media-engine.js';
import { type MediaLeg, UdpLeg, WebRtcLeg } from './media-leg.js';
import { percentile } from './percentile.js';
import { cpuMs } from './process-cpu.js';

export interface LoadOptions {
  readonly calls: number;
  readonly kind: 'webrtc' | 'udp';
  readonly warmUpMs: number;
  readonly measureMs: number;
}

export interface LoadResult {
  readonly p50Us: number;
  readonly p99Us: number;
  /** CPU of the engine per call, in ms a second. */
  readonly cpuMsPerCallSecond: number;
  readonly packets: number;
  /** Packets sent in the measured time that never came. */
  readonly lost: number;
}

interface Pair {
  readonly a: MediaLeg;
  readonly b: MediaLeg;
}

/** Sends from both ends of every call each 20 ms, calls spread over the interval, and times each packet's way. */
class Generator {
  readonly latenciesUs: number[] = [];
  sent = 0;
  received = 0;
  private measuring = false;
  private epoch = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly pairs: readonly Pair[]) {
    for (const { a, b } of pairs) {
      for (const leg of [a, b]) leg.onPayload((payload) => this.arrived(payload));
    }
  }

  start(): void {
    const startMs = performance.now();
    const due = this.pairs.map((_, index) => startMs + (index * 20) / this.pairs.length);
    this.timer = setInterval(() => {
      const nowMs = performance.now();
      for (const [index, pair] of this.pairs.entries()) {
        while ((due[index] ?? 0) <= nowMs) {
          due[index] = (due[index] ?? 0) + 20;
          pair.a.send(this.stamped());
          pair.b.send(this.stamped());
        }
      }
    }, 1);
  }

  measure(on: boolean): void {
    this.measuring = on;
    if (on) this.epoch += 1;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** 20 ms of PCMU: when it was sent, whether it counts, and silence. */
  private stamped(): Buffer {
    const payload = Buffer.alloc(160, 0xff);
    payload.writeUInt32BE(this.measuring ? this.epoch : 0, 8);
    if (this.measuring) this.sent += 1;
    payload.writeBigUInt64BE(process.hrtime.bigint(), 0);
    return payload;
  }

  private arrived(payload: Buffer): void {
    const now = process.hrtime.bigint();
    if (payload.length !== 160 || payload.readUInt32BE(8) !== this.epoch || this.epoch === 0) return;
    this.received += 1;
    this.latenciesUs.push(Number(now - payload.readBigUInt64BE(0)) / 1000);
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function within<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${ms} ms: ${what}`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function joinThrough(engine: MediaEngine, call: string, kind: 'webrtc' | 'udp'): Promise<Pair> {
  const a: MediaLeg = kind === 'webrtc' ? new WebRtcLeg() : new UdpLeg();
  const b = new UdpLeg();
  const offerToB = await engine.begin(call, kind, await a.offer());
  const answerToA = await engine.complete(call, await b.answer(offerToB));
  await a.takeAnswer(answerToA);
  await within(a.ready, 10_000, `${engine.name}: the calling side of ${call} is connected`);
  return { a, b };
}

const setUpAtOnce = 10;

/** Runs the load through an engine. */
export async function loadThrough(engine: MediaEngine, options: LoadOptions): Promise<LoadResult> {
  const pairs: Pair[] = [];
  const names = Array.from({ length: options.calls }, (_, index) => `bench-${options.kind}-${index}`);
  for (let at = 0; at < names.length; at += setUpAtOnce) {
    const some = names.slice(at, at + setUpAtOnce);
    pairs.push(...(await Promise.all(some.map((name) => joinThrough(engine, name, options.kind)))));
  }
  const result = await run(pairs, options, engine.pid);
  for (const name of names) await engine.end(name);
  return result;
}

/** The generator's own share: the two ends joined with nothing between. */
export async function loadDirect(options: LoadOptions): Promise<LoadResult> {
  const pairs: Pair[] = [];
  for (let index = 0; index < options.calls; index += 1) {
    const [a, b] = [new UdpLeg(), new UdpLeg()];
    await a.takeAnswer(await b.answer(await a.offer()));
    pairs.push({ a, b });
  }
  return run(pairs, options, undefined);
}

async function run(pairs: readonly Pair[], { calls, warmUpMs, measureMs }: LoadOptions, pid: number | undefined): Promise<LoadResult> {
  const generator = new Generator(pairs);
  generator.start();
  await pause(warmUpMs);
  const cpuBefore = pid === undefined ? 0 : cpuMs(pid);
  const startedAt = performance.now();
  generator.measure(true);
  await pause(measureMs);
  generator.measure(false);
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = pid === undefined ? 0 : cpuMs(pid) - cpuBefore;
  await pause(200);
  generator.stop();
  for (const { a, b } of pairs) await Promise.all([a.close(), b.close()]);
  return {
    p50Us: percentile(generator.latenciesUs, 50),
    p99Us: percentile(generator.latenciesUs, 99),
    cpuMsPerCallSecond: cpu / seconds / calls,
    packets: generator.received,
    lost: generator.sent - generator.received,
  };
}
