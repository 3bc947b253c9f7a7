/** API groups other servers serve, announced by APIServices. Upstream: kube-aggregator. */
import type { APIResource } from '#machinery/api/meta/v1.gen.ts'

/** One group version as discovery shows it. */
export interface AggregatedVersion {
  readonly group: string
  readonly version: string
  /** As the server listed them last. */
  readonly resources: readonly APIResource[]
  /** It does not answer now. */
  readonly isStale: boolean
}
