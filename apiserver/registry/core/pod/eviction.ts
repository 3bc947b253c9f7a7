/**
 * pods/eviction: deletes a pod unless a PodDisruptionBudget forbids it, which it then charges.
 * Upstream: pkg/registry/core/pod/storage/eviction.go.
 */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Eviction, PodDisruptionBudget } from '#machinery/api/policy/v1/types.gen.ts'
import { newInternalError, newNotFound, newTooManyRequests, StatusError } from '#machinery/meta/errors.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { StoredObjects } from '../../deps.ts'
import type { RequestContext, SubresourceDefinition } from '../../generic/interfaces.ts'

const PODS = { group: '', resource: 'pods' } as const
const DISRUPTED_PODS_MAX = 2000
const POLICY = 'policy'
const BUDGETS = 'poddisruptionbudgets'

export function podEviction(objects: StoredObjects): SubresourceDefinition {
  return {
    name: 'eviction',
    type: 'create',
    kind: { group: POLICY, version: 'v1', kind: 'Eviction' },
    create: (podName, object, context) => evictPod(objects, podName, object as Eviction, context),
  }
}

async function evictPod(
  objects: StoredObjects,
  podName: string,
  eviction: Eviction,
  context: RequestContext,
): Promise<KubeObject> {
  const pod = objects.peek('', 'pods', context.namespace, podName) as DeepReadonly<Pod> | undefined
  if (pod === undefined) throw newNotFound(PODS, podName)
  if (!canIgnoreBudget(pod)) await chargeBudget(objects, pod, podName, context)
  await objects.delete('', 'pods', context.namespace, podName, eviction.deleteOptions ?? {}, context)
  return { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Success', code: 201 } as KubeObject
}

function canIgnoreBudget(pod: DeepReadonly<Pod>): boolean {
  const phase = pod.status?.phase
  return (
    phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending' || pod.metadata.deletionTimestamp !== undefined
  )
}

async function chargeBudget(
  objects: StoredObjects,
  pod: DeepReadonly<Pod>,
  podName: string,
  context: RequestContext,
): Promise<void> {
  const budgets = budgetsOf(objects, pod, context.namespace)
  if (budgets.length > 1) {
    throw newInternalError(
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    )
  }
  const [budget] = budgets
  if (budget === undefined || isUnhealthyAndFree(pod, budget)) return
  const change = (draft: KubeObject): void => takeDisruption(draft as PodDisruptionBudget, podName, context)
  await objects.update(POLICY, BUDGETS, context.namespace, budget.metadata.name ?? '', change, context)
}

function budgetsOf(
  objects: StoredObjects,
  pod: DeepReadonly<Pod>,
  namespace: string,
): readonly DeepReadonly<PodDisruptionBudget>[] {
  const budgets = objects.list(POLICY, BUDGETS, namespace) as readonly DeepReadonly<PodDisruptionBudget>[]
  return budgets.filter((budget) => labelSelectorAsMatcher(budget.spec?.selector).matches(pod.metadata.labels))
}

/** Pods that are not ready may go when the policy says so or enough healthy ones are left. */
function isUnhealthyAndFree(pod: DeepReadonly<Pod>, budget: DeepReadonly<PodDisruptionBudget>): boolean {
  const ready = pod.status?.conditions?.find((condition) => condition.type === 'Ready')
  if (ready?.status === 'True') return false
  if (budget.spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  const { currentHealthy = 0, desiredHealthy = 0 } = budget.status ?? {}
  return currentHealthy >= desiredHealthy && desiredHealthy > 0
}

function takeDisruption(budget: PodDisruptionBudget, podName: string, context: RequestContext): void {
  const name = budget.metadata.name ?? ''
  const status = budget.status
  if ((status?.observedGeneration ?? 0) < (budget.metadata.generation ?? 0)) {
    throw disruptionRefused(name, `The disruption budget ${name} is still being processed by the server.`, 10)
  }
  const disrupted = status?.disruptedPods ?? {}
  const allowed = status?.disruptionsAllowed ?? 0
  if (allowed <= 0 || Object.keys(disrupted).length > DISRUPTED_PODS_MAX) {
    const healthy = `The disruption budget ${name} needs ${status?.desiredHealthy ?? 0} healthy pods and has ${status?.currentHealthy ?? 0} currently`
    throw disruptionRefused(name, healthy, undefined)
  }
  budget.status = {
    ...status,
    disruptionsAllowed: allowed - 1,
    disruptedPods: { ...disrupted, [podName]: formatTime(context.clock.now()) },
  }
}

function disruptionRefused(budget: string, why: string, retryAfterSeconds: number | undefined): StatusError {
  const { status } = newTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
  const details = { ...status.details, name: budget, causes: [{ reason: 'DisruptionBudget', message: why }] }
  if (retryAfterSeconds === undefined) delete details.retryAfterSeconds
  else details.retryAfterSeconds = retryAfterSeconds
  return new StatusError({ ...status, details })
}
