/** A process outside that has a say. Upstream: scheduler extender.go; staging kube-scheduler/extender/v1. */
import type { NodeInfo, PodInfo, PreemptionExtender } from '../framework/interfaces.ts'

export interface ExtenderFilterResult {
  readonly nodes: readonly NodeInfo[]
  /** Node -> why not. */
  readonly failed: ReadonlyMap<string, string>
  readonly unresolvable: ReadonlyMap<string, string>
}

/** Every call may reject: then the cycle fails, unless the extender is ignorable. */
export interface Extender extends PreemptionExtender {
  readonly filters: boolean
  readonly prioritizes: boolean
  readonly binds: boolean
  filter(pod: PodInfo, nodes: readonly NodeInfo[], signal: AbortSignal): Promise<ExtenderFilterResult>
  /** Node -> what to add to its score. */
  prioritize(pod: PodInfo, nodes: readonly NodeInfo[], signal: AbortSignal): Promise<ReadonlyMap<string, number>>
  bind(pod: PodInfo, node: string, signal: AbortSignal): Promise<void>
}
