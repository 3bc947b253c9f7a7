/** apiserver_crd_conversion_webhook_*, apiserver_conversion_webhook_* under upstream's names. Upstream: apiextensions-apiserver pkg/apiserver/conversion/metrics.go. */
import { Counter, Histogram, type Registry } from 'prom-client'

/** Why a call failed: nobody answered, or what was answered is no conversion. */
export type ConversionFailure =
  | 'conversion_webhook_call_failure'
  | 'conversion_webhook_malformed_response_failure'
  | 'conversion_webhook_partial_response_failure'
  | 'conversion_webhook_invalid_converted_object_failure'

export interface ConversionMetrics {
  /** One call; `failure` is absent when it succeeded. */
  called(seconds: number, failure: ConversionFailure | undefined): void
  converted(crdName: string, fromVersion: string, toVersion: string, succeeded: boolean, seconds: number): void
}

const FIRST_BUCKET_SECONDS = 0.001
const CALL_BUCKETS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 45, 60]
const BUCKETS = Array.from({ length: 15 }, (_, i) => FIRST_BUCKET_SECONDS * 2 ** i)

export function createConversionMetrics(registry: Registry): ConversionMetrics {
  const duration = new Histogram({
    name: 'apiserver_crd_conversion_webhook_duration_seconds',
    help: 'CRD webhook conversion duration in seconds.',
    labelNames: ['crd_name', 'from_version', 'to_version', 'succeeded'],
    buckets: BUCKETS,
    registers: [registry],
  })
  const calls = new Counter({
    name: 'apiserver_conversion_webhook_request_total',
    help: 'Calls of conversion webhooks, by result and kind of failure.',
    labelNames: ['result', 'failure_type'],
    registers: [registry],
  })
  const callDuration = new Histogram({
    name: 'apiserver_conversion_webhook_duration_seconds',
    help: 'Latency of conversion webhooks in seconds, by result and kind of failure.',
    labelNames: ['result', 'failure_type'],
    buckets: CALL_BUCKETS,
    registers: [registry],
  })
  return {
    called(seconds, failure) {
      const labels = { result: failure === undefined ? 'success' : 'failure', failure_type: failure ?? '' }
      calls.inc(labels)
      callDuration.observe(labels, seconds)
    },
    converted: (crdName, from, to, succeeded, seconds) =>
      duration.observe(
        { crd_name: crdName, from_version: from, to_version: to, succeeded: String(succeeded) },
        seconds,
      ),
  }
}
