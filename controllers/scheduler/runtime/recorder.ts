/**
 * What the plugins of one profile did, in plain numbers that become samples when somebody asks for the metrics: a cycle is
 * some hundred microseconds, and a label that is hashed costs one of them. Upstream: scheduler metrics, framework.go.
 */
import type { Clock } from '#machinery/util/clock.ts'
import type { Sample } from '#machinery/util/sample-metric.ts'
import { HistogramData } from '#machinery/util/sample-metric.ts'
import { RejectedError } from './rejected-error.ts'

/** By upstream's label values. */
export type Point =
  | 'PreFilter'
  | 'Filter'
  | 'PostFilter'
  | 'PreScore'
  | 'Score'
  | 'ScoreExtensionNormalize'
  | 'Reserve'
  | 'Unreserve'
  | 'Permit'
  | 'PreBindPreFlight'
  | 'PreBind'
  | 'Bind'
  | 'PostBind'

const exponential = (start: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => start * factor ** i)

const POINT_BUCKETS = exponential(0.0001, 2, 12)
const PLUGIN_BUCKETS = exponential(0.00001, 1.5, 20)
/** In one cycle of so many each plugin is timed once per point: on one node, where it runs on many. */
const SAMPLED = 10

/** How often a plugin was asked: per Pod, or per Pod and node. Counted by those that ask. */
export interface Evaluations {
  preFilter: number
  filter: number
  preScore: number
  score: number
}

const COUNTED = { preFilter: 'PreFilter', filter: 'Filter', preScore: 'PreScore', score: 'Score' } as const

type Moment = Pick<Clock, 'monotonicMs'>

/** Times plugins one by one, in the cycles that are sampled. */
export interface PluginTimer {
  /** The moment, for `ran`. */
  now(): number
  ran(plugin: string, point: Point, status: string, startedMs: number): void
}

/** Of all profiles: how long plugins took. */
export class PluginDurations implements PluginTimer {
  readonly #clock: Moment
  readonly #plugins = new Map<string, Map<string, Map<string, HistogramData>>>()

  constructor(clock: Moment) {
    this.#clock = clock
  }

  now(): number {
    return this.#clock.monotonicMs()
  }

  ran(plugin: string, point: Point, status: string, startedMs: number): void {
    let points = this.#plugins.get(plugin)
    if (points === undefined) {
      points = new Map()
      this.#plugins.set(plugin, points)
    }
    histogramAt(points, point, status, PLUGIN_BUCKETS).observe((this.now() - startedMs) / 1000)
  }

  *samples(name: string): Iterable<Sample> {
    for (const [plugin, points] of this.#plugins)
      for (const [point, byStatus] of points)
        for (const [status, data] of byStatus) yield* data.samples(name, { plugin, extension_point: point, status })
  }
}

export class Recorder {
  readonly #clock: Moment
  readonly #durations: PluginTimer
  readonly #points = new Map<string, Map<string, HistogramData>>()
  readonly #evaluations = new Map<string, Evaluations>()
  #cycles = 0

  constructor(clock: Moment, durations: PluginTimer) {
    this.#clock = clock
    this.#durations = durations
  }

  now(): number {
    return this.#clock.monotonicMs()
  }

  /** For one cycle; undefined in most. */
  sample(): PluginTimer | undefined {
    this.#cycles++
    return this.#cycles % SAMPLED === 1 ? this.#durations : undefined
  }

  /** All plugins of the point have run. */
  reached(point: Point, status: string, startedMs: number): void {
    histogramAt(this.#points, point, status, POINT_BUCKETS).observe((this.now() - startedMs) / 1000)
  }

  /** `reached` around a step that fails by throwing. */
  timed<T>(point: Point, step: () => T, codeOf: (result: T) => string = () => 'Success'): T {
    const startedMs = this.now()
    try {
      const result = step()
      this.reached(point, codeOf(result), startedMs)
      return result
    } catch (err: unknown) {
      this.reached(point, statusOf(err), startedMs)
      throw err
    }
  }

  async timedAsync<T>(point: Point, step: () => Promise<T>): Promise<T> {
    const startedMs = this.now()
    try {
      const result = await step()
      this.reached(point, 'Success', startedMs)
      return result
    } catch (err: unknown) {
      this.reached(point, statusOf(err), startedMs)
      throw err
    }
  }

  evaluationsOf(plugin: string): Evaluations {
    const known = this.#evaluations.get(plugin) ?? { preFilter: 0, filter: 0, preScore: 0, score: 0 }
    this.#evaluations.set(plugin, known)
    return known
  }

  *pointSamples(name: string, profile: string): Iterable<Sample> {
    for (const [point, byStatus] of this.#points)
      for (const [status, data] of byStatus) yield* data.samples(name, { extension_point: point, status, profile })
  }

  *evaluationSamples(profile: string): Iterable<Sample> {
    for (const [plugin, evaluations] of this.#evaluations)
      for (const [member, point] of Object.entries(COUNTED)) {
        const value = evaluations[member as keyof Evaluations]
        if (value > 0) yield { labels: { plugin, extension_point: point, profile }, value }
      }
  }
}

const statusOf = (err: unknown): string => (err instanceof RejectedError ? err.verdict.code : 'Error')

function histogramAt(
  table: Map<string, Map<string, HistogramData>>,
  point: string,
  status: string,
  buckets: readonly number[],
): HistogramData {
  let byStatus = table.get(point)
  if (byStatus === undefined) {
    byStatus = new Map()
    table.set(point, byStatus)
  }
  let data = byStatus.get(status)
  if (data === undefined) {
    data = new HistogramData(buckets)
    byStatus.set(status, data)
  }
  return data
}
