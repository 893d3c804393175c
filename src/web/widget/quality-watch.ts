import type { Cancellable, QueueClock } from './digit-queue.js';
import { type CallQuality, type MediaSample, type QualityHint, qualityOf, readStats } from './quality.js';

export interface QualityWatchDeps {
  readonly clock: QueueClock;
  readonly stats: () => Promise<RTCStatsReport | undefined>;
  /** Whether sound is meant to come in, and to go out, just now. */
  readonly expects: () => { readonly incoming: boolean; readonly outgoing: boolean };
  readonly onQuality: (quality: CallQuality) => void;
  /** Nothing at all has come for a while, not even an answer to a check: the path leads nowhere any more. */
  readonly onDead: () => void;
  /** For the gateway, less often, and when there is another hint. */
  readonly onReport: (quality: CallQuality) => void;
}

const everyMs = 2000;
const looksPerReport = 5;
/** That many looks in a row without a packet, or without a sound of a microphone that never gave one. */
const silentLooks = 3;
/** A browser that hears nothing asks many times in one look, and so knows long before it says so. */
const deadLooks = 2;
/** What a microphone that is switched off or broken adds in one look. */
const noEnergy = 1e-9;

/** Looks at a call every two seconds from `start` to `stop`. */
export class QualityWatch {
  private timer: Cancellable | undefined;
  private before: MediaSample | undefined;
  private looks = 0;
  private unheard = 0;
  private unspoken = 0;
  private dead = 0;
  private told: QualityHint | undefined;

  constructor(private readonly deps: QualityWatchDeps) {}

  start(): void {
    this.stop();
    this.timer = this.deps.clock.after(everyMs, () => void this.look());
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.before = undefined;
    this.looks = 0;
    this.unheard = 0;
    this.unspoken = 0;
    this.dead = 0;
    this.told = undefined;
  }

  private async look(): Promise<void> {
    const { timer } = this;
    const report = await this.deps.stats().catch(() => undefined);
    if (this.timer !== timer) return;
    this.timer = this.deps.clock.after(everyMs, () => void this.look());
    const now = report === undefined ? undefined : readStats(report as unknown as Map<string, unknown>);
    const { before } = this;
    this.before = now;
    if (before === undefined || now === undefined) return;
    this.dead = this.deps.expects().incoming && now.arrived === before.arrived ? this.dead + 1 : 0;
    if (this.dead === deadLooks) this.deps.onDead();
    const quality = qualityOf(before, now, this.silence(before, now));
    this.looks += 1;
    this.deps.onQuality(quality);
    if (this.looks % looksPerReport === 0 || quality.hint !== this.told) this.deps.onReport(quality);
    this.told = quality.hint;
  }

  private silence(before: MediaSample, now: MediaSample): QualityHint | undefined {
    const { incoming, outgoing } = this.deps.expects();
    // A call taken over another path counts anew.
    this.unheard = incoming && now.received <= before.received ? this.unheard + 1 : 0;
    // One sound is enough: people listen, and headsets cut off what is soft.
    if (now.spoken !== undefined && now.spoken - (before.spoken ?? 0) > noEnergy) this.unspoken = Number.NEGATIVE_INFINITY;
    else if (now.spoken === undefined || !outgoing) this.unspoken = Math.min(this.unspoken, 0);
    else this.unspoken += 1;
    if (this.unheard >= silentLooks) return 'no-incoming-sound';
    return this.unspoken >= silentLooks ? 'microphone-silent' : undefined;
  }
}
