import type { Clock } from '../base/clock.js';
import { eventsIn, traceOf } from './capture.js';
import { type Exercise, exercisesOf } from './exercise.js';
import type { Finding } from './finding.js';
import { judge } from './judge.js';
import { rules } from './rules.js';
import { type Pair, type PairEnd, type PairOutcome, SipPair, type SipPairOptions } from './sip-pair.js';
import { StallWatch } from './stall-watch.js';
import { timelineOf } from './timeline.js';
import { readVectors } from './vectors.js';
import { type Direction, type Verdict, verdictsOf } from './verdict.js';

export interface DtmfCheckOptions extends SipPairOptions {
  readonly directions: readonly Direction[];
  /** Only this rule; all when absent. */
  readonly rule?: string;
  /** Calls at one time. */
  readonly calls: number;
  /** What broke a rule is played once more, and counts as broken only when it breaks again: for systems that share a busy machine. */
  readonly confirm?: boolean;
}

export interface DtmfCheckDeps {
  readonly clock: Clock;
  /** How far the check is, for whoever waits. */
  readonly onProgress: (done: number, of: number) => void;
}

/** What became of one exercise. */
export interface ExerciseRecord {
  readonly direction: Direction;
  readonly rule: string;
  readonly name: string;
  readonly findings: readonly Finding[];
  /** Why it was not played. */
  readonly notPlayed?: string;
  /** It was not played because there was no call. */
  readonly noCall?: true;
  /** From the first event packet sent to the first one heard. */
  readonly latencyMs?: number;
  /** The event packets that came out, when a rule was broken. */
  readonly heard?: readonly string[];
}

export type DtmfCheckResult =
  | { readonly kind: 'checked'; readonly verdicts: readonly Verdict[]; readonly exercises: readonly ExerciseRecord[] }
  /** No call could be made through the gateway. */
  | { readonly kind: 'unreachable'; readonly why: string };

/** After the last packet sent, for what a gateway still has to say of it. */
const DRAIN_MS = 900;
/** Then the far side must have been without events for so long. */
const QUIET_MS = 200;
const LONGEST_DRAIN_MS = 20_000;
const LISTENER_MS = 60_000;
/** When we ourselves were late by more, what we played was not the exercise: a press may rightly be given up then. It is played again. */
const LONGEST_STALL_MS = 50;
const TRIES = 4;
/** Before a call that the gateway refused is tried again. */
const CALL_AGAIN_MS = 2_000;

interface Job {
  readonly direction: Direction;
  readonly exercise: Exercise;
}

/** Plays every vector through a gateway and judges what comes out, rule by rule. */
export class DtmfCheck {
  private readonly sip: SipPair;
  private readonly watch: StallWatch;
  private failure: string | undefined;
  private connected = false;

  constructor(
    private readonly options: DtmfCheckOptions,
    private readonly deps: DtmfCheckDeps,
  ) {
    this.sip = new SipPair(options, deps);
    this.watch = new StallWatch(deps);
  }

  async run(): Promise<DtmfCheckResult> {
    await this.sip.start();
    this.watch.start();
    try {
      return await this.check();
    } finally {
      this.watch.stop();
      await this.sip.stop();
    }
  }

  private async check(): Promise<DtmfCheckResult> {
    const { directions, rule, calls } = this.options;
    const exercises = exercisesOf(readVectors());
    const wanted =
      rule === undefined || !exercises.some((each) => each.rule === rule) ? exercises : exercises.filter((each) => each.rule === rule);
    const jobs = directions.flatMap((direction) => wanted.map((exercise): Job => ({ direction, exercise })));
    const records: (ExerciseRecord | undefined)[] = jobs.map(() => undefined);
    let next = 0;
    let done = 0;
    const worker = async (): Promise<void> => {
      for (let n = next++; n < jobs.length; n = next++) {
        const job = jobs[n];
        if (job === undefined || (this.failure !== undefined && !this.connected)) return;
        records[n] = await this.play(job);
        done += 1;
        this.deps.onProgress(done, jobs.length);
      }
    };
    await Promise.all(Array.from({ length: calls }, worker));
    if (!this.connected) return { kind: 'unreachable', why: this.failure ?? 'no call was made' };
    const played = records.filter((record) => record !== undefined);
    const judged = rules.filter(({ id }) => rule === undefined || id === rule);
    const verdicts = directions.flatMap((direction) => {
      const own = played.filter((record) => record.direction === direction);
      const notPlayed = own.flatMap(({ rule, notPlayed }) => (notPlayed === undefined ? [] : [{ rule, why: notPlayed }]));
      return verdictsOf(judged, { direction, findings: own.flatMap(({ findings }) => findings), notPlayed });
    });
    return { kind: 'checked', verdicts, exercises: played };
  }

  private async play(job: Job): Promise<ExerciseRecord> {
    const record = await this.playInTime(job);
    const broken = brokenRules(record);
    if (this.options.confirm !== true || broken.size === 0) return record;
    const again = await this.playInTime(job);
    return { ...again, findings: again.findings.filter(({ kept, rule }) => kept || broken.has(rule)) };
  }

  private async playInTime(job: Job): Promise<ExerciseRecord> {
    for (let tries = 1; ; tries += 1) {
      const fromMs = this.deps.clock.nowMs();
      const record = await this.playOnce(job);
      const lateMs = Math.round(this.watch.longestMs(fromMs, this.deps.clock.nowMs()));
      if (lateMs <= LONGEST_STALL_MS || record.findings.every(({ kept }) => kept)) return record;
      if (tries === TRIES) {
        return { ...record, findings: [], notPlayed: `this machine was too busy to play it in time (${lateMs} ms late)` };
      }
    }
  }

  private async playOnce({ direction, exercise }: Job): Promise<ExerciseRecord> {
    const { rule, name } = exercise;
    const outcome = await this.connect(exercise.clockRateHz);
    if (outcome.kind === 'failed') {
      this.failure ??= outcome.why;
      return { direction, rule, name, findings: [], notPlayed: outcome.why, noCall: true };
    }
    this.connected = true;
    const { pair } = outcome;
    try {
      return { direction, rule, name, ...(await this.exercise(pair, direction, exercise)) };
    } finally {
      await pair.end();
    }
  }

  /** A gateway that takes calls may be short of ports for a while. */
  private async connect(clockRateHz: number): Promise<PairOutcome> {
    for (let tries = 1; ; tries += 1) {
      const outcome = await this.sip.connect(clockRateHz);
      if (outcome.kind === 'up' || !this.connected || tries === TRIES) return outcome;
      await this.pause(CALL_AGAIN_MS);
    }
  }

  private async exercise(
    { near, far }: Pair,
    direction: Direction,
    exercise: Exercise,
  ): Promise<Pick<ExerciseRecord, 'findings' | 'notPlayed' | 'latencyMs' | 'heard'>> {
    const [sender, listener] = direction === 'in' ? [near, far] : [far, near];
    const events = sender.agreed.events;
    if (events?.clockRateHz !== exercise.clockRateHz) {
      const clock = `${exercise.clockRateHz} Hz`;
      return { findings: [], notPlayed: `the gateway did not agree to telephone-events of ${clock}` };
    }
    const timeline = timelineOf(exercise);
    const listenerClockHz = listener.agreed.events?.audioClockRateHz ?? 8000;
    listener.rtp.idle(timeline.lastMs + LISTENER_MS, listenerClockHz);
    const startMs = await new Promise<number>((resolve) => {
      const began = sender.rtp.play(timeline, () => resolve(began));
    });
    await this.drain(listener);
    const packets = listener.rtp.heard
      .filter(({ atMs }) => atMs >= startMs)
      .map((packet) => ({ ...packet, waited: this.watch.mayHaveWaited(packet.atMs) }));
    const firstHeard = eventsIn(packets)[0];
    const findings = judge(exercise, { packets, info: listener.info, agreed: listener.agreed });
    return {
      findings,
      ...(findings.every(({ kept }) => kept) ? {} : { heard: traceOf(packets, startMs + timeline.firstMs) }),
      ...(firstHeard === undefined ? {} : { latencyMs: firstHeard.atMs - (startMs + timeline.firstMs) }),
    };
  }

  /** Waits until the gateway has said all: digits may wait in it for their turn. */
  private async drain({ rtp }: PairEnd): Promise<void> {
    const { clock } = this.deps;
    const from = clock.nowMs();
    await this.pause(DRAIN_MS);
    for (;;) {
      const last = rtp.heard.findLast(({ kind }) => kind === 'event');
      const now = clock.nowMs();
      if (last === undefined || now - last.atMs >= QUIET_MS || now - from >= LONGEST_DRAIN_MS) return;
      await this.pause(QUIET_MS);
    }
  }

  private pause(durationMs: number): Promise<void> {
    return new Promise((resolve) => void this.deps.clock.after(durationMs, resolve));
  }
}

function brokenRules({ findings }: ExerciseRecord): ReadonlySet<string> {
  return new Set(findings.flatMap(({ kept, rule }) => (kept ? [] : [rule])));
}
