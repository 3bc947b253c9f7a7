/** What a quota's status should say. Upstream: pkg/controller/resourcequota syncResourceQuota, apiserver pkg/quota/v1 CalculateUsage. */
import type { ResourceQuota, ResourceQuotaStatus } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { GroupResource } from '#machinery/meta/resource.ts'
import { groupResourceString } from '#machinery/meta/resource.ts'
import type { Quantity } from '#machinery/quantity/quantity.ts'
import { tryParseQuantity, ZERO_QUANTITY } from '#machinery/quantity/quantity.ts'
import { matchesScopes } from '#machinery/quota/scopes.ts'
import { countedBy, usageOf } from '#machinery/quota/usage.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type FrozenQuota = DeepReadonly<ResourceQuota>

/** The kinds a quota counts. */
export function kindsOf(quota: FrozenQuota): readonly GroupResource[] {
  const kinds = new Map<string, GroupResource>()
  for (const name of Object.keys(quota.spec.hard ?? {})) {
    const kind = countedBy(name)
    if (kind !== undefined) kinds.set(groupResourceString(kind), kind)
  }
  return [...kinds.values()]
}

/** `objectsOf` answers undefined for a kind that is not served: its names stay out of `used`, as upstream. */
export function quotaStatus(
  quota: FrozenQuota,
  objectsOf: (kind: GroupResource) => readonly DeepReadonly<KubeObject>[] | undefined,
  nowMs: number,
): ResourceQuotaStatus {
  const hard = quota.spec.hard ?? {}
  const used = new Map<string, Quantity>()
  for (const kind of kindsOf(quota)) {
    const objects = objectsOf(kind)
    if (objects === undefined) continue
    const id = groupResourceString(kind)
    const names = Object.keys(hard).filter((name) => {
      const counted = countedBy(name)
      return counted !== undefined && groupResourceString(counted) === id
    })
    for (const name of names) used.set(name, ZERO_QUANTITY)
    for (const object of objects) {
      if (!matchesScopes(quota.spec, kind, object)) continue
      const usage = usageOf(kind, object, nowMs)
      for (const name of names) used.set(name, (used.get(name) ?? ZERO_QUANTITY).add(usage.get(name) ?? ZERO_QUANTITY))
    }
  }
  return {
    hard: { ...hard },
    used: Object.fromEntries([...used].map(([name, amount]) => [name, amount.toString()])),
  }
}

export function isSameStatus(a: DeepReadonly<ResourceQuotaStatus> | undefined, b: ResourceQuotaStatus): boolean {
  return isSameList(a?.hard, b.hard) && isSameList(a?.used, b.used)
}

type List = Readonly<Record<string, string>> | undefined

function isSameList(a: List = {}, b: List = {}): boolean {
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && quantity(a[name]).equals(quantity(b[name])))
  )
}

const quantity = (text: string | undefined): Quantity => tryParseQuantity(String(text)) ?? ZERO_QUANTITY
