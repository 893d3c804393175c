import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { catalogue, type MetricRow, type NameOf } from './catalogue.js';

/** One instrument for each row of the catalogue, in a registry of its own. */
export class Instruments {
  readonly registry = new Registry();
  private readonly counters = new Map<string, Counter>();
  private readonly gauges = new Map<string, Gauge>();
  private readonly histograms = new Map<string, Histogram>();

  constructor() {
    for (const [name, row] of Object.entries(catalogue)) this.make(name, row);
  }

  count(name: NameOf<'counter'>, labels: Readonly<Record<string, string>> = {}, by = 1): void {
    this.counters.get(name)?.inc(labels, by);
  }

  set(name: NameOf<'gauge'>, labels: Readonly<Record<string, string>>, value: number): void {
    this.gauges.get(name)?.set(labels, value);
  }

  reset(name: NameOf<'gauge'>): void {
    this.gauges.get(name)?.reset();
  }

  add(name: NameOf<'gauge'>, labels: Readonly<Record<string, string>>, by: number): void {
    this.gauges.get(name)?.inc(labels, by);
  }

  observe(name: NameOf<'histogram'>, labels: Readonly<Record<string, string>>, value: number): void {
    this.histograms.get(name)?.observe(labels, value);
  }

  private make(name: string, row: MetricRow): void {
    const common = { name, help: row.help, labelNames: [...row.labels], registers: [this.registry] };
    switch (row.type) {
      case 'counter':
        this.counters.set(name, new Counter(common));
        break;
      case 'gauge':
        this.gauges.set(name, new Gauge(common));
        break;
      case 'histogram':
        this.histograms.set(name, new Histogram({ ...common, buckets: [...(row.buckets ?? [])] }));
        break;
    }
  }
}
