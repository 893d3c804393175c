/** Samples of one leg, packed: a long call has many of them, and a busy gateway many such calls. */

/** How a leg stood at one moment. */
export interface KeptSample {
  /** Since the beginning of the call. */
  readonly atMs: number;
  /** Packets a second since the sample before. */
  readonly received: number;
  readonly sent: number;
  readonly lostPercent: number;
  readonly jitterMs: number;
  readonly roundTripMs?: number;
  readonly score?: number;
}

const fields = 6;
const firstRows = 16;
/** Stands for what is not known. */
const unknown = Number.NaN;

const rounded = (value: number): number => Math.round(value * 10) / 10;

/** A list of samples that grows by doubling, 28 bytes for each. */
export class SampleRows {
  private times = new Uint32Array(firstRows);
  private values = new Float32Array(firstRows * fields);
  private count = 0;

  get length(): number {
    return this.count;
  }

  push({ atMs, received, sent, lostPercent, jitterMs, roundTripMs = unknown, score = unknown }: KeptSample): void {
    if (this.count === this.times.length) this.grow();
    this.times[this.count] = atMs;
    this.values.set([received, sent, lostPercent, jitterMs, roundTripMs, score], this.count * fields);
    this.count += 1;
  }

  /** Milliseconds from the first sample to the last. */
  get spanMs(): number {
    return this.count === 0 ? 0 : (this.times[this.count - 1] ?? 0) - (this.times[0] ?? 0);
  }

  /** Leaves every second sample, the last one among them. */
  thin(): void {
    const odd = (this.count + 1) % 2;
    let kept = 0;
    for (let at = odd; at < this.count; at += 2) {
      this.times[kept] = this.times[at] ?? 0;
      this.values.copyWithin(kept * fields, at * fields, (at + 1) * fields);
      kept += 1;
    }
    this.count = kept;
  }

  all(): readonly KeptSample[] {
    return Array.from({ length: this.count }, (_, row) => this.read(row));
  }

  /** As of a list: from the end when below zero. */
  at(position: number): KeptSample | undefined {
    const row = position < 0 ? this.count + position : position;
    return row >= 0 && row < this.count ? this.read(row) : undefined;
  }

  private read(row: number): KeptSample {
    const values = this.values.subarray(row * fields, (row + 1) * fields);
    const [received = 0, sent = 0, lostPercent = 0, jitterMs = 0, roundTripMs = unknown, score = unknown] = values;
    return {
      atMs: this.times[row] ?? 0,
      received: rounded(received),
      sent: rounded(sent),
      lostPercent: rounded(lostPercent),
      jitterMs: rounded(jitterMs),
      ...(Number.isNaN(roundTripMs) ? {} : { roundTripMs: rounded(roundTripMs) }),
      ...(Number.isNaN(score) ? {} : { score: Math.round(score * 100) / 100 }),
    };
  }

  private grow(): void {
    const { times, values } = this;
    this.times = new Uint32Array(times.length * 2);
    this.times.set(times);
    this.values = new Float32Array(values.length * 2);
    this.values.set(values);
  }
}
