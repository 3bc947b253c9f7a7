/**
 * The Pod a DaemonSet makes for one node, and the node a Pod was made for. Pure.
 * Upstream: pkg/controller/daemon/util/daemonset_util.go.
 */
import type { Pod, PodTemplateSpec } from '#machinery/api/core/v1/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { DaemonSetView } from './node-rules.ts'
import { daemonTolerations } from './node-rules.ts'

export type PodView = DeepReadonly<Pod>

export const HASH_LABEL = 'controller-revision-hash'
const GENERATION_LABEL = 'pod-template-generation'
const GENERATION_ANNOTATION = 'deprecated.daemonset.template.generation'
const NAME_FIELD = 'metadata.name'

function generationOf({ metadata }: DaemonSetView): string | undefined {
  const generation = metadata.annotations?.[GENERATION_ANNOTATION] ?? ''
  return /^-?\d+$/.test(generation) ? generation : undefined
}

/** What the Pods of all nodes have in common. */
export function sharedTemplate(daemonSet: DaemonSetView, hash: string): PodTemplateSpec {
  const template = deepCopy<PodTemplateSpec>(daemonSet.spec.template)
  const generation = generationOf(daemonSet)
  template.metadata = {
    ...template.metadata,
    labels: {
      ...template.metadata?.labels,
      ...(generation === undefined ? {} : { [GENERATION_LABEL]: generation }),
      [HASH_LABEL]: hash,
    },
  }
  if (template.spec !== undefined) template.spec.tolerations = daemonTolerations(template.spec)
  return template
}

/** The scheduler binds it, to this node alone: that takes the place of the template's own required terms, which it fulfils. */
export function templateForNode(shared: DeepReadonly<PodTemplateSpec>, nodeName: string): PodTemplateSpec {
  const template = deepCopy<PodTemplateSpec>(shared)
  if (template.spec === undefined) return template
  const matchFields = [{ key: NAME_FIELD, operator: 'In', values: [nodeName] }]
  const requiredDuringSchedulingIgnoredDuringExecution = { nodeSelectorTerms: [{ matchFields }] }
  const { affinity } = template.spec
  template.spec.affinity = {
    ...affinity,
    nodeAffinity: { ...affinity?.nodeAffinity, requiredDuringSchedulingIgnoredDuringExecution },
  }
  return template
}

/** Undefined: the Pod was made for no node in particular. */
export function targetNodeOf({ spec }: PodView): string | undefined {
  if (spec.nodeName !== undefined && spec.nodeName !== '') return spec.nodeName
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  for (const { matchFields = [] } of required?.nodeSelectorTerms ?? []) {
    const field = matchFields.find(({ key, operator }) => key === NAME_FIELD && operator === 'In')
    if (field?.values?.length === 1) return field.values[0]
  }
  return undefined
}

export const hasHash = ({ metadata }: PodView, hash: string): boolean => metadata.labels?.[HASH_LABEL] === hash

/** Of the current template, by its hash or by its generation: that is how upstream knew Pods before it had hashes. */
export function isUpdated(
  pod: PodView,
  { daemonSet, hash }: { readonly daemonSet: DaemonSetView; readonly hash: string },
) {
  const generation = generationOf(daemonSet)
  return hasHash(pod, hash) || (generation !== undefined && pod.metadata.labels?.[GENERATION_LABEL] === generation)
}
