/**
 * How long admission takes, under upstream's names: each plugin, and each of the two steps as a whole.
 * Upstream: apiserver pkg/admission/metrics/metrics.go. Differs: no summary beside the step's histogram.
 */
import type { Registry } from 'prom-client'
import { createSampleMetric, HistogramData } from '#machinery/util/sample-metric.ts'

import type { AdmissionOperation } from './interfaces.ts'

export type AdmissionStep = 'admit' | 'validate'

/** Seconds of what was let through, and of what was rejected. */
export interface AdmissionDurations {
  readonly accepted: HistogramData
  readonly rejected: HistogramData
}

/** Asked once for each plugin: the hot path only adds to what it got. */
export interface AdmissionMetrics {
  ofPlugin(name: string, step: AdmissionStep, operation: AdmissionOperation): AdmissionDurations
  ofStep(step: AdmissionStep, operation: AdmissionOperation): AdmissionDurations
}

interface DurationRecord extends AdmissionDurations {
  readonly labels: Readonly<Record<string, string>>
}

const BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 2.5]

export function createAdmissionMetrics(registry: Registry): AdmissionMetrics {
  const plugins: DurationRecord[] = []
  const steps: DurationRecord[] = []
  register(registry, plugins, 'controller', 'an admission plugin, by its name, step, operation and outcome')
  register(registry, steps, 'step', 'a step of admission, by step (admit or validate), operation and outcome')
  const add = (records: DurationRecord[], labels: Readonly<Record<string, string>>): AdmissionDurations => {
    const record = { labels, accepted: new HistogramData(BUCKETS), rejected: new HistogramData(BUCKETS) }
    records.push(record)
    return record
  }
  return {
    ofPlugin: (name, type, operation) => add(plugins, { name, type, operation }),
    ofStep: (type, operation) => add(steps, { type, operation }),
  }
}

function register(registry: Registry, records: readonly DurationRecord[], what: string, help: string): void {
  const name = `apiserver_admission_${what}_admission_duration_seconds`
  createSampleMetric(registry, {
    name,
    help: `Seconds of ${help}.`,
    type: 'histogram',
    samples: function* () {
      for (const { labels, accepted, rejected } of records) {
        yield* accepted.samples(name, { ...labels, rejected: 'false' })
        yield* rejected.samples(name, { ...labels, rejected: 'true' })
      }
    },
  })
}
