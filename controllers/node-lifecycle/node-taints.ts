/**
 * Taints that say what is wrong with a node: which ones it should have, and writing them.
 * Upstream: pkg/controller/nodelifecycle doNoScheduleTaintingPass; pkg/controller/controller_utils.go AddOrUpdateTaintOnNode.
 * Differs: what is added and what is removed is one write.
 */
import { NODES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node, Taint } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isConflict, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type FrozenNode = DeepReadonly<Node>
type FrozenTaint = DeepReadonly<Taint>

export const NOT_READY: FrozenTaint = { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }
export const UNREACHABLE: FrozenTaint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }

const UNSCHEDULABLE_KEY = 'node.kubernetes.io/unschedulable'
/** By condition type, then status. */
const CONDITION_KEYS: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  [
    'Ready',
    new Map([
      ['False', NOT_READY.key],
      ['Unknown', UNREACHABLE.key],
    ]),
  ],
  ['MemoryPressure', new Map([['True', 'node.kubernetes.io/memory-pressure']])],
  ['DiskPressure', new Map([['True', 'node.kubernetes.io/disk-pressure']])],
  ['NetworkUnavailable', new Map([['True', 'node.kubernetes.io/network-unavailable']])],
  ['PIDPressure', new Map([['True', 'node.kubernetes.io/pid-pressure']])],
])
const MANAGED_KEYS = new Set([UNSCHEDULABLE_KEY, ...[...CONDITION_KEYS.values()].flatMap((keys) => [...keys.values()])])
const ATTEMPTS_MAX = 5

export interface TaintChange {
  readonly add: readonly FrozenTaint[]
  readonly remove: readonly FrozenTaint[]
}

export function hasTaint({ spec }: FrozenNode, taint: FrozenTaint): boolean {
  return spec?.taints?.some((other) => isSame(other, taint)) ?? false
}

/** How the NoSchedule taints have to change so that they say what conditions and spec.unschedulable say. */
export function noScheduleChange({ spec, status }: FrozenNode): TaintChange {
  const wanted = new Set<string>()
  for (const { type, status: value } of status?.conditions ?? []) {
    const key = CONDITION_KEYS.get(type)?.get(value)
    if (key !== undefined) wanted.add(key)
  }
  if (spec?.unschedulable === true) wanted.add(UNSCHEDULABLE_KEY)
  const present = (spec?.taints ?? []).filter(({ key, effect }) => effect === 'NoSchedule' && MANAGED_KEYS.has(key))
  const presentKeys = new Set(present.map(({ key }) => key))
  return {
    add: [...wanted].filter((key) => !presentKeys.has(key)).map((key) => ({ key, effect: 'NoSchedule' })),
    remove: present.filter(({ key }) => !wanted.has(key)),
  }
}

/** The taints after the change, or undefined when it changes nothing. */
export function changedTaints(
  taints: readonly FrozenTaint[] = [],
  { add, remove }: TaintChange,
  timeAdded: string,
): Taint[] | undefined {
  const kept = taints.filter((taint) => !remove.some((other) => isSame(other, taint)))
  const added = add.filter((taint) => !kept.some((other) => isSame(other, taint)))
  if (added.length === 0 && kept.length === taints.length) return undefined
  return [...kept, ...added.map((taint) => ({ ...taint, timeAdded }))]
}

/** Taints are one per key and effect. */
function isSame(a: FrozenTaint, b: FrozenTaint): boolean {
  return a.key === b.key && a.effect === b.effect
}

/** Starts from the node as the cache has it; after a lost race from the live one. A node that is gone needs no taints. */
export async function changeTaints(
  client: Client,
  node: FrozenNode,
  change: TaintChange,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  let current: FrozenNode | undefined = node
  for (let attempt = 1; current !== undefined && current.metadata.uid === node.metadata.uid; attempt++) {
    const { name = '', uid, resourceVersion }: FrozenNode['metadata'] = current.metadata
    const taints = changedTaints(current.spec?.taints, change, formatTime(clock.now()))
    if (taints === undefined) return
    const body = { metadata: { uid, resourceVersion }, spec: { taints: taints.length === 0 ? null : taints } }
    try {
      await client.patch(NODES, { name }, { type: 'merge', body }, { signal }).catch(undefinedIfNotFound)
      return
    } catch (err: unknown) {
      if (!isConflict(err) || attempt >= ATTEMPTS_MAX) throw err
      current = await client.get(NODES, { name }, { signal }).catch(undefinedIfNotFound)
    }
  }
}
