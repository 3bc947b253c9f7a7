/**
 * Applies the namespace's LimitRanges: default requests and limits for containers, bounds for containers, pods, claims.
 * Upstream: plugin/pkg/admission/limitranger/admission.go.
 */
import type { Container, LimitRangeItem, PersistentVolumeClaim, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionDeps } from '../deps.ts'
import { admissionForbidden, isResource } from '../forbidden.ts'
import type { AdmissionPlugin } from '../interfaces.ts'
import { boundErrors, podUsage } from './bounds.ts'

const ANNOTATION = 'kubernetes.io/limit-ranger'

type Item = DeepReadonly<LimitRangeItem>
type ResourceList = Record<string, string>

export function createLimitRanger(deps: Pick<AdmissionDeps, 'limitRanges'>): AdmissionPlugin {
  const itemsOf = (namespace: string): Item[] => deps.limitRanges(namespace).flatMap(({ spec }) => spec?.limits ?? [])
  return {
    name: 'LimitRanger',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    admit(attributes) {
      if (attributes.operation !== 'CREATE' || !isResource(attributes, '', 'pods')) return
      const items = itemsOf(attributes.namespace)
      if (items.length > 0 && attributes.object !== undefined) applyDefaults(attributes.object as Pod, items)
    },
    validate(attributes) {
      const isPod = isResource(attributes, '', 'pods') && attributes.operation === 'CREATE'
      const isClaim = isResource(attributes, '', 'persistentvolumeclaims')
      if ((!isPod && !isClaim) || attributes.object === undefined) return
      const items = itemsOf(attributes.namespace)
      if (items.length === 0) return
      const errors = isPod
        ? podErrors(attributes.object as Pod, items)
        : claimErrors(attributes.object as PersistentVolumeClaim, items)
      if (errors.length === 0) return
      throw admissionForbidden(attributes, errors.length === 1 ? (errors[0] ?? '') : `[${errors.join(', ')}]`)
    },
  }
}

function applyDefaults(pod: Pod, items: readonly Item[]): void {
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

function podErrors(pod: Pod, items: readonly Item[]): string[] {
  return items.flatMap((item) => {
    if (item.type === 'Pod') return boundErrors(item, podUsage(pod))
    if (item.type !== 'Container') return []
    const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
    return containers.flatMap((container) => boundErrors(item, container.resources ?? {}))
  })
}

function claimErrors(claim: PersistentVolumeClaim, items: readonly Item[]): string[] {
  const requests = claim.spec.resources?.requests ?? {}
  return items
    .filter(({ type }) => type === 'PersistentVolumeClaim')
    .flatMap((item) => boundErrors(item, { requests, limits: requests }))
}
