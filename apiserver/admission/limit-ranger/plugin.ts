/**
 * Applies the namespace's LimitRanges: default requests and limits for containers, bounds for containers, pods, claims.
 * Of several LimitRanges the first one's defaults count, and the first one that is broken is told.
 * Upstream: plugin/pkg/admission/limitranger/admission.go.
 */
import type { Container, LimitRangeItem, PersistentVolumeClaim, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionDeps } from '../deps.ts'
import { admissionForbidden } from '../forbidden.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../interfaces.ts'
import { boundErrors, claimBoundErrors, podUsage } from './bounds.ts'

const ANNOTATION = 'kubernetes.io/limit-ranger'

type Items = readonly DeepReadonly<LimitRangeItem>[]
type ResourceList = Record<string, string>

export function createLimitRanger(deps: Pick<AdmissionDeps, 'limitRanges'>): AdmissionPlugin {
  const rangesOf = ({ namespace, oldObject }: AdmissionAttributes): readonly Items[] => {
    if (oldObject?.metadata.deletionTimestamp !== undefined) return []
    return deps.limitRanges(namespace).map(({ spec }) => spec?.limits ?? [])
  }
  return {
    name: 'LimitRanger',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    admit(attributes) {
      if (!setsResources(attributes) || attributes.object === undefined) return
      for (const items of rangesOf(attributes)) applyDefaults(attributes.object as Pod, items)
    },
    validate(attributes) {
      const isPod = setsResources(attributes)
      if ((!isPod && !isClaim(attributes)) || attributes.object === undefined) return
      for (const items of rangesOf(attributes)) {
        const found = isPod
          ? podErrors(attributes.object as Pod, items)
          : claimErrors(attributes.object as PersistentVolumeClaim, items)
        const errors = [...new Set(found)]
        if (errors.length === 0) continue
        throw admissionForbidden(attributes, errors.length === 1 ? (errors[0] ?? '') : `[${errors.join(', ')}]`)
      }
    },
  }
}

/** Only a new Pod's resources can be said, and those of one that is resized. */
function setsResources({ group, resource, subresource, operation }: AdmissionAttributes): boolean {
  if (group !== '' || resource !== 'pods') return false
  return subresource === '' ? operation === 'CREATE' : subresource === 'resize' && operation === 'UPDATE'
}

const isClaim = ({ group, resource, subresource }: AdmissionAttributes): boolean =>
  group === '' && resource === 'persistentvolumeclaims' && subresource === ''

function applyDefaults(pod: Pod, items: Items): void {
  const requests: ResourceList = {}
  const limits: ResourceList = {}
  for (const item of items) {
    if (item.type !== 'Container') continue
    Object.assign(requests, item.defaultRequest)
    Object.assign(limits, item.default)
  }
  const done: string[] = []
  for (const container of pod.spec.containers) done.push(...fill(container, requests, limits, 'container'))
  for (const container of pod.spec.initContainers ?? [])
    done.push(...fill(container, requests, limits, 'init container'))
  if (done.length === 0) return
  pod.metadata.annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${done.join('; ')}` }
}

function fill(container: Container, requests: ResourceList, limits: ResourceList, what: string): string[] {
  const resources = container.resources ?? {}
  container.resources = resources
  const done: string[] = []
  for (const [member, defaults] of [
    ['requests', requests],
    ['limits', limits],
  ] as const) {
    const current = resources[member] ?? {}
    const missing = Object.keys(defaults)
      .filter((name) => !Object.hasOwn(current, name))
      .sort()
    if (missing.length === 0) continue
    resources[member] = { ...current, ...Object.fromEntries(missing.map((name) => [name, defaults[name] ?? ''])) }
    done.push(`${missing.join(', ')} ${member.slice(0, -1)} for ${what} ${container.name}`)
  }
  return done
}

function podErrors(pod: Pod, items: Items): string[] {
  return items.flatMap((item) => {
    if (item.type === 'Pod') return boundErrors(item, podUsage(pod))
    if (item.type !== 'Container') return []
    const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
    return containers.flatMap((container) => boundErrors(item, container.resources ?? {}))
  })
}

function claimErrors({ spec }: PersistentVolumeClaim, items: Items): string[] {
  return items
    .filter(({ type }) => type === 'PersistentVolumeClaim')
    .flatMap((item) => claimBoundErrors(item, spec.resources?.requests))
}
