/** API groups other servers serve, announced by APIServices. Upstream: kube-aggregator. */
import type { APIResource } from '#machinery/api/meta/v1.gen.ts'

/** One group version as discovery shows it. */
export interface AggregatedVersion {
  readonly group: string
  readonly version: string
  /** As the server listed them last. */
  readonly resources: readonly APIResource[]
  /** Where it has its OpenAPI v3 document, as its own index says. */
  readonly openApiUrl: string | undefined
  /** It does not answer now. */
  readonly isStale: boolean
}

/** What APIServices say about the order of groups and versions, as far as it is not what this server does anyway. */
export interface DiscoveryPriorities {
  /** groupPriorityMinimum by group. */
  readonly groups: ReadonlyMap<string, number>
  /** versionPriority by `group/version`. */
  readonly versions: ReadonlyMap<string, number>
}
