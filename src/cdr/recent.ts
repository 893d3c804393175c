import type { CallRecord } from './record.js';

/** The last records, newest first, for the API. */
export class RecentRecords {
  private readonly records: CallRecord[] = [];

  constructor(private readonly options: { readonly capacity: number }) {}

  add(record: CallRecord): void {
    this.records.unshift(record);
    if (this.records.length > this.options.capacity) this.records.pop();
  }

  list(limit: number): readonly CallRecord[] {
    return this.records.slice(0, limit);
  }
}
