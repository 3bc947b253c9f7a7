/**
 * Refuses what would exceed a ResourceQuota of the namespace.
 * Upstream: apiserver pkg/admission/plugin/resourcequota. Differs: usage is counted from the cache and from what has been
 * let through and is not there yet, instead of being reserved by a write of the quota's status; so limits hold from the
 * moment the quota exists (upstream refuses with "status unknown for quota" until its controller has counted).
 */
import type { Pod, ResourceQuota } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Quantity } from '#machinery/quantity/quantity.ts'
import { tryParseQuantity, ZERO_QUANTITY } from '#machinery/quantity/quantity.ts'
import type { Amounts } from '#machinery/quota/pod-resources.ts'
import { matchesScopes } from '#machinery/quota/scopes.ts'
import { countedBy, missingInPod, usageOf } from '#machinery/quota/usage.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionDeps } from '../deps.ts'
import { admissionForbidden } from '../forbidden.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../interfaces.ts'
import { Reservations } from './reservations.ts'

type Deps = Pick<AdmissionDeps, 'resourceQuotas' | 'objects' | 'clock'>
type FrozenQuota = DeepReadonly<ResourceQuota>
type Objects = readonly DeepReadonly<KubeObject>[]

/** A quota that the request may take something of. */
interface Charge {
  readonly quota: FrozenQuota
  readonly delta: Amounts
}

/** Reviews and the like are never stored; events come and go by themselves. */
const IGNORED: ReadonlySet<string> = new Set([
  '/bindings',
  '/events',
  '/namespaces',
  'authorization.k8s.io/localsubjectaccessreviews',
  'events.k8s.io/events',
])

export function createResourceQuota(deps: Deps): AdmissionPlugin {
  const reservations = new Reservations(deps)
  const usages = new WeakMap<object, Amounts>()
  /** Stored objects are frozen, so what one takes is worked out once; pods that are going change with the clock. */
  const usage = (attributes: AdmissionAttributes, object: DeepReadonly<KubeObject>): Amounts => {
    const known = usages.get(object)
    if (known !== undefined) return known
    const amounts = usageOf(attributes, object, deps.clock.now().getTime())
    if (object.metadata.deletionTimestamp === undefined && object !== attributes.object) usages.set(object, amounts)
    return amounts
  }
  return {
    name: 'ResourceQuota',
    handles: (operation) => operation !== 'CONNECT',
    validate(attributes) {
      const { namespace, group, resource, operation, object, isDryRun } = attributes
      if (namespace === '' || IGNORED.has(`${group}/${resource}`)) return
      if (operation === 'DELETE') return reservations.release(attributes)
      if (object === undefined || !isCharged(attributes)) return
      const charges = (deps.resourceQuotas?.(namespace) ?? []).flatMap((quota) =>
        chargeOf(quota, attributes, object, usage),
      )
      if (charges.every(({ delta }) => delta.size === 0)) return
      const objects = reservations.objects(attributes)
      if (attributes.subresource !== 'status') {
        for (const charge of charges) checkCharge(charge, objects, attributes, usage)
      }
      if (!isDryRun) reservations.add(attributes, object)
    },
  }
}

type UsageOf = (attributes: AdmissionAttributes, object: DeepReadonly<KubeObject>) => Amounts

/** Which requests can change what an object takes. Upstream: each evaluator's Handles. */
function isCharged(attributes: AdmissionAttributes): boolean {
  const { group, resource, subresource, operation } = attributes
  if (group === '' && resource === 'pods') {
    if (subresource !== '') return subresource === 'resize' && operation === 'UPDATE'
    return operation === 'CREATE' || changesScope(attributes)
  }
  const isUpdatable =
    (group === '' && (resource === 'services' || resource === 'persistentvolumeclaims')) ||
    (group === 'resource.k8s.io' && resource === 'resourceclaims')
  if (isUpdatable) return subresource === '' || subresource === 'status'
  return subresource === '' && operation === 'CREATE'
}

/** A Pod that gets a deadline comes under quotas for such Pods. */
function changesScope({ object, oldObject }: AdmissionAttributes): boolean {
  const deadline = (pod: unknown): boolean => ((pod as DeepReadonly<Pod>).spec.activeDeadlineSeconds ?? -1) >= 0
  return object !== undefined && oldObject !== undefined && deadline(object) !== deadline(oldObject)
}

function chargeOf(
  quota: FrozenQuota,
  attributes: AdmissionAttributes,
  object: KubeObject,
  usage: UsageOf,
): readonly Charge[] {
  const names = Object.keys(quota.spec?.hard ?? {}).filter((name) => {
    const counted = countedBy(name)
    return counted?.resource === attributes.resource && counted.group === attributes.group
  })
  if (names.length === 0 || !matchesScopes(quota.spec, attributes, object)) return []
  if (attributes.group === '' && attributes.resource === 'pods') {
    const missing = missingInPod(object as Pod, names)
    if (missing !== '') throw admissionForbidden(attributes, `failed quota: ${quota.metadata.name ?? ''}: ${missing}`)
  }
  const taken = usage(attributes, object)
  const negative = [...taken].filter(([, amount]) => amount.sign < 0).map(([name]) => name)
  if (negative.length > 0) {
    throw admissionForbidden(attributes, `quota usage is negative for resource(s): ${negative.sort().join(',')}`)
  }
  const { oldObject } = attributes
  const before = oldObject !== undefined && matchesScopes(quota.spec, attributes, oldObject)
  return [{ quota, delta: increase(taken, before ? usage(attributes, oldObject) : new Map(), names) }]
}

function increase(after: Amounts, before: Amounts, names: readonly string[]): Amounts {
  const delta = new Map<string, Quantity>()
  for (const name of names) {
    const more = (after.get(name) ?? ZERO_QUANTITY).sub(before.get(name) ?? ZERO_QUANTITY)
    if (more.sign > 0) delta.set(name, more)
  }
  return delta
}

function checkCharge(
  { quota, delta }: Charge,
  objects: Objects,
  attributes: AdmissionAttributes,
  usage: UsageOf,
): void {
  if (delta.size === 0) return
  const hard = quota.spec?.hard ?? {}
  const used = new Map<string, Quantity>()
  for (const object of objects) {
    if (!matchesScopes(quota.spec, attributes, object)) continue
    const amounts = usage(attributes, object)
    for (const name of delta.keys()) {
      const amount = amounts.get(name)
      if (amount !== undefined) used.set(name, (used.get(name) ?? ZERO_QUANTITY).add(amount))
    }
  }
  const exceeded = [...delta]
    .filter(([name, more]) => {
      const limit = tryParseQuantity(String(hard[name])) ?? ZERO_QUANTITY
      return (used.get(name) ?? ZERO_QUANTITY).add(more).compare(limit) > 0
    })
    .map(([name]) => name)
    .sort()
  if (exceeded.length === 0) return
  const text = (of: (name: string) => unknown): string =>
    exceeded.map((name) => `${name}=${String(of(name))}`).join(',')
  const requested = text((name) => delta.get(name))
  const current = text((name) => used.get(name) ?? ZERO_QUANTITY)
  const limited = text((name) => tryParseQuantity(String(hard[name])) ?? hard[name])
  const what = `requested: ${requested}, used: ${current}, limited: ${limited}`
  throw admissionForbidden(attributes, `exceeded quota: ${quota.metadata.name ?? ''}, ${what}`)
}
