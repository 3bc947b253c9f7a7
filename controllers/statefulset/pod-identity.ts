/**
 * What makes a Pod of a StatefulSet this one and no other: ordinal, name, labels, claims; and the new Pod of an ordinal. Pure.
 * Upstream: pkg/controller/statefulset/stateful_set_utils.go.
 */
import { STATEFUL_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { StatefulSet } from '#machinery/api/apps/v1/types.gen.ts'
import type { PersistentVolumeClaim, Pod, PodTemplateSpec } from '#machinery/api/core/v1/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { newControllerReference } from '#sdk'
import { generateNameFor, podFromTemplate } from '../manager/pod-control.ts'

export type SetView = DeepReadonly<StatefulSet>
export type PodView = DeepReadonly<Pod>

const REVISION_LABEL = 'controller-revision-hash'
const POD_NAME_LABEL = 'statefulset.kubernetes.io/pod-name'
const POD_INDEX_LABEL = 'apps.kubernetes.io/pod-index'

export const replicasOf = ({ spec }: SetView): number => spec.replicas ?? 1
export const startOf = ({ spec }: SetView): number => spec.ordinals?.start ?? 0
export const revisionOf = ({ metadata }: PodView): string => metadata.labels?.[REVISION_LABEL] ?? ''
export const isTerminating = ({ metadata }: PodView): boolean => metadata.deletionTimestamp !== undefined

/** The set a Pod's name speaks of, and its place in it. */
function parentAndOrdinal(name: string): { readonly parent: string; readonly ordinal: number } | undefined {
  const [, parent, digits] = /^(.*)-([0-9]+)$/.exec(name) ?? []
  if (parent === undefined || digits === undefined) return undefined
  const ordinal = Number(digits)
  return ordinal > MAX_INT32 ? undefined : { parent, ordinal }
}

const MAX_INT32 = 2_147_483_647

/** -1: the name has none. */
export const ordinalOf = ({ metadata }: PodView): number => parentAndOrdinal(metadata.name ?? '')?.ordinal ?? -1

export function isMemberOf(setName: string, podName: string): boolean {
  return parentAndOrdinal(podName)?.parent === setName
}

export function isInRange(set: SetView, ordinal: number): boolean {
  return ordinal >= startOf(set) && ordinal < startOf(set) + replicasOf(set)
}

const podName = ({ metadata }: SetView, ordinal: number): string => `${metadata.name ?? ''}-${ordinal}`

function claimName(set: SetView, template: DeepReadonly<PersistentVolumeClaim>, ordinal: number): string {
  return `${template.metadata.name ?? ''}-${podName(set, ordinal)}`
}

/** The claims of one Pod, in the order of their templates. */
export function claimsOf(set: SetView, ordinal: number): PersistentVolumeClaim[] {
  const { namespace } = set.metadata
  return (set.spec.volumeClaimTemplates ?? []).map((template) => {
    const claim = deepCopy<PersistentVolumeClaim>(template)
    const labels = { ...claim.metadata.labels, ...set.spec.selector?.matchLabels }
    claim.metadata = {
      ...claim.metadata,
      name: claimName(set, template, ordinal),
      labels,
      ...(namespace === undefined ? {} : { namespace }),
    }
    return claim
  })
}

export function hasIdentity(set: SetView, pod: PodView): boolean {
  const { name = '', labels } = pod.metadata
  return ordinalOf(pod) >= 0 && name === podName(set, ordinalOf(pod)) && labels?.[POD_NAME_LABEL] === name
}

export function hasStorage(set: SetView, pod: PodView): boolean {
  const mounted = new Map(
    (pod.spec.volumes ?? []).map(({ name, persistentVolumeClaim }) => [name, persistentVolumeClaim]),
  )
  return (set.spec.volumeClaimTemplates ?? []).every(
    (template) => mounted.get(template.metadata.name ?? '')?.claimName === claimName(set, template, ordinalOf(pod)),
  )
}

/** The Pod with the labels and volumes its ordinal asks for. */
export function repaired(set: SetView, pod: PodView): Pod {
  const draft = deepCopy<Pod>(pod)
  setIdentity(draft, ordinalOf(pod))
  if (!hasStorage(set, pod)) setStorage(set, draft, ordinalOf(pod))
  return draft
}

/** `template`: of `revision`. */
export function newPod(set: SetView, template: DeepReadonly<PodTemplateSpec>, revision: string, ordinal: number): Pod {
  const pod = podFromTemplate(set, template, newControllerReference(set, STATEFUL_SETS), generateNameFor(set))
  pod.metadata.name = podName(set, ordinal)
  setIdentity(pod, ordinal)
  pod.metadata.labels = { ...pod.metadata.labels, [REVISION_LABEL]: revision }
  pod.spec.hostname = pod.metadata.name
  if (set.spec.serviceName !== undefined && set.spec.serviceName !== '') pod.spec.subdomain = set.spec.serviceName
  else delete pod.spec.subdomain
  setStorage(set, pod, ordinal)
  return pod
}

function setIdentity({ metadata }: Pod, ordinal: number): void {
  metadata.labels = { ...metadata.labels, [POD_NAME_LABEL]: metadata.name ?? '', [POD_INDEX_LABEL]: String(ordinal) }
}

function setStorage(set: SetView, { spec }: Pod, ordinal: number): void {
  const templates = set.spec.volumeClaimTemplates ?? []
  if (templates.length === 0) return
  const claimed = templates.map((template) => ({
    name: template.metadata.name ?? '',
    persistentVolumeClaim: { claimName: claimName(set, template, ordinal) },
  }))
  const names = new Set(claimed.map(({ name }) => name))
  spec.volumes = [...claimed, ...(spec.volumes ?? []).filter(({ name }) => !names.has(name))]
}
