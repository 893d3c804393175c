import type { CallRating, CallRecord } from './record.js';

/** The last records, newest first, for the API. */
export class RecentRecords {
  private readonly records: CallRecord[] = [];

  constructor(private readonly options: { readonly capacity: number }) {}

  add(record: CallRecord): void {
    this.records.unshift(record);
    if (this.records.length > this.options.capacity) this.records.pop();
  }

  /** A rating that came when the call was over. */
  rate(callId: string, rating: CallRating): void {
    const at = this.records.findIndex((record) => record.callId === callId);
    const record = this.records[at];
    if (record !== undefined) this.records[at] = { ...record, rating };
  }

  list(limit: number): readonly CallRecord[] {
    return this.records.slice(0, limit);
  }

  /** All of them. */
  get all(): readonly CallRecord[] {
    return this.records;
  }

  find(callId: string): CallRecord | undefined {
    return this.records.find((record) => record.callId === callId);
  }
}
