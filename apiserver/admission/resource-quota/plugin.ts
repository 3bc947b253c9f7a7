/**
 * Refuses what would exceed a ResourceQuota of the namespace: object counts and pods' requests and limits.
 * Upstream: apiserver pkg/admission/plugin/resourcequota. Differs: usage is counted from the cache, and from
 * what has been let through and is not there yet, instead of being reserved in the quota's status; quotas with a
 * scopeSelector are not enforced yet.
 */
import type { Pod, ResourceQuota } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Quantity } from '#machinery/quantity/quantity.ts'
import { parseQuantity, tryParseQuantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionDeps } from '../deps.ts'
import { admissionForbidden } from '../forbidden.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../interfaces.ts'
import { matchesScopes, usageOf } from './usage.ts'

type Deps = Pick<AdmissionDeps, 'resourceQuotas' | 'objects' | 'clock'>
type FrozenQuota = DeepReadonly<ResourceQuota>

const ZERO = parseQuantity('0')

export function createResourceQuota(deps: Deps): AdmissionPlugin {
  const admitted = new AdmittedObjects(deps)
  return {
    name: 'ResourceQuota',
    handles: (operation) => operation === 'CREATE',
    validate(attributes) {
      if (attributes.namespace === '' || attributes.subresource !== '' || attributes.object === undefined) return
      const quotas = deps.resourceQuotas?.(attributes.namespace) ?? []
      if (quotas.length === 0) return
      const objects = admitted.withStored(attributes)
      for (const quota of quotas) {
        if (quota.spec?.scopeSelector === undefined) checkQuota(objects, attributes, attributes.object, quota)
      }
      if (!attributes.isDryRun) admitted.add(attributes, attributes.object)
    },
  }
}

type Objects = readonly DeepReadonly<KubeObject>[]

/** How long a write may take to show in the cache; one that failed after admission counts for as long. */
const IN_FLIGHT_MS = 2000

/** What was let through and is not stored yet: creates in flight at the same moment must not all take the last place. */
class AdmittedObjects {
  readonly #deps: Deps
  readonly #byKind = new Map<string, { readonly object: KubeObject; readonly atMs: number }[]>()

  constructor(deps: Deps) {
    this.#deps = deps
  }

  withStored(attributes: AdmissionAttributes): Objects {
    const stored = this.#deps.objects?.(attributes.group, attributes.resource, attributes.namespace) ?? []
    const key = keyOf(attributes)
    const admitted = this.#byKind.get(key)
    if (admitted === undefined) return stored
    const names = new Set(stored.map(({ metadata }) => metadata.name))
    const sinceMs = this.#deps.clock.monotonicMs() - IN_FLIGHT_MS
    const waiting = admitted.filter(({ object, atMs }) => atMs > sinceMs && !names.has(object.metadata.name))
    if (waiting.length === 0) this.#byKind.delete(key)
    else this.#byKind.set(key, waiting)
    return [...stored, ...waiting.map(({ object }) => object)]
  }

  add(attributes: AdmissionAttributes, object: KubeObject): void {
    const key = keyOf(attributes)
    const entry = { object, atMs: this.#deps.clock.monotonicMs() }
    const known = this.#byKind.get(key)
    if (known === undefined) this.#byKind.set(key, [entry])
    else known.push(entry)
  }
}

const keyOf = ({ group, resource, namespace }: AdmissionAttributes): string => `${group}/${resource}/${namespace}`

function checkQuota(objects: Objects, attributes: AdmissionAttributes, object: KubeObject, quota: FrozenQuota): void {
  const hard = quota.spec?.hard ?? {}
  if (!matchesScopes(quota, attributes, object)) return
  const requested = usageOf(attributes, object)
  const names = Object.keys(hard)
    .filter((name) => requested.has(name))
    .sort()
  checkSpecified(attributes, object, quota, hard)
  if (names.length === 0) return
  const used = usedNow(objects, attributes, quota)
  const exceeded = names.filter((name) => {
    const limit = tryParseQuantity(String(hard[name])) ?? ZERO
    return (used.get(name) ?? ZERO).add(requested.get(name) ?? ZERO).compare(limit) > 0
  })
  if (exceeded.length === 0) return
  const text = (of: (name: string) => string): string => exceeded.map((name) => `${name}=${of(name)}`).join(',')
  const why = `exceeded quota: ${quota.metadata.name ?? ''}, requested: ${text((name) => String(requested.get(name)))}, used: ${text((name) => String(used.get(name) ?? ZERO))}, limited: ${text((name) => String(hard[name]))}`
  throw admissionForbidden(attributes, why)
}

/** A quota on cpu or memory obliges every container to say what it takes. */
function checkSpecified(
  attributes: AdmissionAttributes,
  object: KubeObject,
  quota: FrozenQuota,
  hard: Readonly<Record<string, string>>,
): void {
  if (attributes.resource !== 'pods' || attributes.group !== '') return
  const missing = Object.keys(hard)
    .sort()
    .flatMap((name) => {
      const match = /^(?:(requests|limits)\.)?(cpu|memory)$/.exec(name)
      if (match === null) return []
      const member = match[1] === 'limits' ? 'limits' : 'requests'
      const lacking = (object as Pod).spec.containers.filter(
        ({ resources }) => resources?.[member]?.[match[2] ?? ''] === undefined,
      )
      return lacking.length === 0 ? [] : [`${name} for: ${lacking.map((container) => container.name).join(',')}`]
    })
  if (missing.length === 0) return
  throw admissionForbidden(attributes, `failed quota: ${quota.metadata.name ?? ''}: must specify ${missing.join('; ')}`)
}

function usedNow(objects: Objects, attributes: AdmissionAttributes, quota: FrozenQuota): ReadonlyMap<string, Quantity> {
  const total = new Map<string, Quantity>()
  for (const object of objects) {
    if (!matchesScopes(quota, attributes, object)) continue
    for (const [name, amount] of usageOf(attributes, object)) total.set(name, (total.get(name) ?? ZERO).add(amount))
  }
  return total
}
