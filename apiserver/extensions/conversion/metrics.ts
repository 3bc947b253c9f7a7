/** apiserver_crd_conversion_webhook_* under upstream's names. Upstream: apiextensions-apiserver pkg/apiserver/conversion/metrics.go. */
import { Histogram, type Registry } from 'prom-client'

export interface ConversionMetrics {
  converted(crdName: string, fromVersion: string, toVersion: string, succeeded: boolean, seconds: number): void
}

const FIRST_BUCKET_SECONDS = 0.001
const BUCKETS = Array.from({ length: 15 }, (_, i) => FIRST_BUCKET_SECONDS * 2 ** i)

export function createConversionMetrics(registry: Registry): ConversionMetrics {
  const duration = new Histogram({
    name: 'apiserver_crd_conversion_webhook_duration_seconds',
    help: 'CRD webhook conversion duration in seconds.',
    labelNames: ['crd_name', 'from_version', 'to_version', 'succeeded'],
    buckets: BUCKETS,
    registers: [registry],
  })
  return {
    converted: (crdName, from, to, succeeded, seconds) =>
      duration.observe(
        { crd_name: crdName, from_version: from, to_version: to, succeeded: String(succeeded) },
        seconds,
      ),
  }
}
