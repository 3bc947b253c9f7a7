/**
 * Evictions, all at once, of a cluster in which nothing else happens: no more succeed than the budget allowed, and no write
 * brings the ready Pods below what it asks for.
 */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { POD_DISRUPTION_BUDGETS } from '#machinery/api/policy/v1/resources.gen.ts'
import type { PodDisruptionBudget } from '#machinery/api/policy/v1/types.gen.ts'
import { isNotFound, isStatusError } from '#machinery/meta/errors.ts'
import { isAvailable } from './invariants/pods.ts'
import type { Observer } from './observer.ts'
import type { World } from './world.ts'

const ROUNDS = 3
const PAUSE_MAX_MS = 3_000

export async function evictEverywhere(world: World, observer: Observer): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    for (const budget of observer.objects<PodDisruptionBudget>(POD_DISRUPTION_BUDGETS)) {
      await evictAll(world, observer, budget)
    }
    await world.time.run(world.below(PAUSE_MAX_MS))
  }
}

async function evictAll(world: World, observer: Observer, budget: PodDisruptionBudget): Promise<void> {
  const { disruptionsAllowed = 0, desiredHealthy = 0 } = budget.status ?? {}
  const name = `PodDisruptionBudget ${budget.metadata.name}`
  // Others that choose the same Pods would make every eviction an error.
  const pods = podsOf(observer, budget)
  const answers = await Promise.all(pods.map((pod) => evict(world, pod)))
  const evicted = answers.filter(Boolean).length
  if (evicted > disruptionsAllowed) observer.violated(`${name} let ${evicted} go, ${disruptionsAllowed} were allowed`)
  const healthy = podsOf(observer, budget).length
  if (evicted > 0 && healthy < desiredHealthy)
    observer.violated(`${name} has ${healthy} ready Pods after evictions, ${desiredHealthy} were promised`)
}

function podsOf(observer: Observer, { spec }: PodDisruptionBudget): Pod[] {
  const app = spec?.selector?.matchLabels?.['app']
  return observer.objects<Pod>(PODS).filter((pod) => isAvailable(pod) && pod.metadata.labels?.['app'] === app)
}

async function evict({ client }: World, { metadata }: Pod): Promise<boolean> {
  const { name = '', namespace = '' } = metadata
  const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } }
  try {
    await client.createSubresource(PODS, { name, namespace }, 'eviction', eviction)
    return true
  } catch (err: unknown) {
    if (isNotFound(err) || (isStatusError(err) && err.status.code === 429)) return false
    throw err
  }
}
