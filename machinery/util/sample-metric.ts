/**
 * A prom-client metric whose samples are produced at scrape time from numbers kept elsewhere: prom-client's own
 * counters hash their labels on every increment, which the request path cannot afford.
 */
import type { Metric, Registry } from 'prom-client'

export interface Sample {
  readonly labels: Readonly<Record<string, string | number>>
  readonly value: number
  /** Histograms: name with _bucket, _sum, _count. */
  readonly metricName?: string
}

export interface SampleMetricOptions {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  samples(): Iterable<Sample>
}

export function createSampleMetric(registry: Registry, options: SampleMetricOptions): void {
  const { name, help, type } = options
  const metric = {
    name,
    help,
    type,
    aggregator: 'sum',
    get: () => Promise.resolve({ name, help, type, aggregator: 'sum', values: [...options.samples()] }),
    reset() {},
  }
  // The registry calls nothing but these members; the type asks for prom-client's own classes.
  registry.registerMetric(metric as unknown as Metric)
}

/** Bucket counts of one histogram. */
export class HistogramData {
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0
  #count = 0

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Array<number>(bounds.length).fill(0)
  }

  observe(value: number): void {
    this.#sum += value
    this.#count++
    for (let i = 0; i < this.#bounds.length; i++) {
      if (value <= (this.#bounds[i] ?? 0)) {
        this.#counts[i] = (this.#counts[i] ?? 0) + 1
        return
      }
    }
  }

  *samples(name: string, labels: Readonly<Record<string, string>>): Iterable<Sample> {
    if (this.#count === 0) return
    let cumulative = 0
    for (let i = 0; i < this.#bounds.length; i++) {
      cumulative += this.#counts[i] ?? 0
      yield { labels: { ...labels, le: String(this.#bounds[i]) }, value: cumulative, metricName: `${name}_bucket` }
    }
    yield { labels: { ...labels, le: '+Inf' }, value: this.#count, metricName: `${name}_bucket` }
    yield { labels, value: this.#sum, metricName: `${name}_sum` }
    yield { labels, value: this.#count, metricName: `${name}_count` }
  }
}
