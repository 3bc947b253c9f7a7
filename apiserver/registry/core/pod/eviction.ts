/**
 * pods/eviction: deletes a pod unless a PodDisruptionBudget forbids it, which it then charges. The pod's condition
 * DisruptionTarget tells why it goes.
 * Upstream: pkg/registry/core/pod/storage/eviction.go.
 */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeleteOptions, KubeObject, Preconditions } from '#machinery/api/meta/v1.ts'
import type { Eviction, PodDisruptionBudget } from '#machinery/api/policy/v1/types.gen.ts'
import { disruptionVerdict, withDisruptionAllowed } from '#machinery/disruption/condition.ts'
import {
  isConflict,
  newBadRequest,
  newConflict,
  newForbidden,
  newInvalid,
  newNotFound,
  newTooManyRequests,
  StatusError,
} from '#machinery/meta/errors.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { StoredObjects } from '../../deps.ts'
import type { RequestContext, SubresourceDefinition } from '../../generic/interfaces.ts'
import { setPodCondition } from './condition.ts'

const PODS = { group: '', resource: 'pods' } as const
const BUDGET = { group: 'policy', resource: 'poddisruptionbudget' } as const
/** Lost races of one eviction. */
const TRIES_MAX = 20
const DISRUPTED_PODS_MAX = 2000
const POLICY = 'policy'
const BUDGETS = 'poddisruptionbudgets'

export function podEviction(objects: StoredObjects): SubresourceDefinition {
  return {
    name: 'eviction',
    type: 'create',
    kind: { group: POLICY, version: 'v1', kind: 'Eviction' },
    // kubectl up to 1.21 sends it so.
    alsoAs: ['policy/v1beta1'],
    create: (podName, object, context) => evictPod(objects, podName, object as Eviction, context),
  }
}

/** For what cannot be decoded, which an eviction would have to look into. */
interface UnsafeOptions extends DeleteOptions {
  readonly ignoreStoreReadErrorWithClusterBreakingPotential?: boolean
}

async function evictPod(
  objects: StoredObjects,
  podName: string,
  eviction: Eviction,
  request: RequestContext,
): Promise<KubeObject> {
  if (eviction.metadata.name !== podName) throw newBadRequest('name in URL does not match name in Eviction object')
  const options = eviction.deleteOptions ?? {}
  if ((options as UnsafeOptions).ignoreStoreReadErrorWithClusterBreakingPotential === true) {
    const why = 'can not be set for pod eviction, try after removing the option'
    const error = fieldInvalid('deleteOptions.ignoreStoreReadErrorWithClusterBreakingPotential', true, why)
    throw newInvalid({ group: POLICY, kind: 'Eviction' }, podName, [error])
  }
  // kubectl drain --dry-run=server says so here only.
  const isDryRun = request.isDryRun || (options.dryRun ?? []).length > 0
  const context = isDryRun ? dryContext(request) : request
  for (let tries = 1; ; tries++) {
    const pod = objects.peek('', 'pods', context.namespace, podName) as DeepReadonly<Pod> | undefined
    if (pod === undefined) throw newNotFound(PODS, podName)
    const grant: Grant = canIgnoreBudget(pod)
      ? { isBound: pod.status?.phase === 'Pending' }
      : await askBudget(objects, pod, context)
    try {
      await markAndDelete(objects, pod, grant.isBound, options, context)
      return { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Success', code: 201 } as KubeObject
    } catch (err: unknown) {
      if (!isConflict(err) || !grant.isBound || options.preconditions?.resourceVersion !== undefined) throw err
      if (grant.budget !== undefined) throw stillProcessed(grant.budget)
      if (tries >= TRIES_MAX) throw err
    }
  }
}

function dryContext(request: RequestContext): RequestContext {
  const { user, namespace, clock, random, signal, annotate } = request
  return { user, namespace, isDryRun: true, clock, random, signal, annotate, warn: (message) => request.warn(message) }
}

/** Why a Pod may go. */
interface Grant {
  /** Only as it was seen: it was let go for not being ready, and may have become so. */
  readonly isBound: boolean
  readonly budget?: string
}

function canIgnoreBudget(pod: DeepReadonly<Pod>): boolean {
  const phase = pod.status?.phase
  return (
    phase === 'Succeeded' || phase === 'Failed' || phase === 'Pending' || pod.metadata.deletionTimestamp !== undefined
  )
}

async function askBudget(objects: StoredObjects, pod: DeepReadonly<Pod>, context: RequestContext): Promise<Grant> {
  const budgets = budgetsOf(objects, pod, context.namespace)
  if (budgets.length > 1) {
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.'
    throw new StatusError({ apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Failure', message, code: 500 })
  }
  const [budget] = budgets
  if (budget === undefined) return { isBound: false }
  const { name = '' } = budget.metadata
  if (isUnhealthyAndFree(pod, budget)) return { isBound: true, budget: name }
  const change = (draft: KubeObject): void =>
    takeDisruption(draft as PodDisruptionBudget, pod.metadata.name ?? '', context)
  await objects.update(POLICY, BUDGETS, context.namespace, name, change, context)
  return { isBound: false }
}

/** Tells on the Pod why it goes, then deletes it. The caller's preconditions are of the Pod before it was told. */
async function markAndDelete(
  objects: StoredObjects,
  seen: DeepReadonly<Pod>,
  isBound: boolean,
  options: DeleteOptions,
  context: RequestContext,
): Promise<void> {
  const { name = '' } = seen.metadata
  const wanted: Preconditions = {
    ...options.preconditions,
    ...(isBound && { resourceVersion: options.preconditions?.resourceVersion ?? seen.metadata.resourceVersion }),
  }
  const change = (draft: KubeObject, resourceVersion: string): void => {
    checkPreconditions(wanted, draft, resourceVersion)
    setPodCondition(draft as Pod, DISRUPTION_TARGET, context.clock.now())
  }
  if (context.isDryRun) {
    const preconditions = Object.keys(wanted).length > 0 ? { preconditions: wanted } : {}
    await objects.delete('', 'pods', name, { ...options, ...preconditions }, context)
    return
  }
  const marked = await objects.update('', 'pods', context.namespace, name, change, context)
  const preconditions = {
    ...options.preconditions,
    ...(wanted.resourceVersion !== undefined && { resourceVersion: marked.metadata.resourceVersion }),
  }
  const isConditional = Object.keys(preconditions).length > 0
  const how = isConditional ? ({ ...options, preconditions } as DeleteOptions) : options
  await objects.delete('', 'pods', name, how, context)
}

const DISRUPTION_TARGET = {
  type: 'DisruptionTarget',
  status: 'True',
  reason: 'EvictionByEvictionAPI',
  message: 'Eviction API: evicting',
}

/** The one resource name upstream has here is a kind's. */
function checkPreconditions(wanted: Preconditions, pod: KubeObject, resourceVersion: string): void {
  const refuse = (what: string, expected: string, actual: string, why: string): never => {
    const text = `the ${what} in the precondition (${expected}) does not match the ${what} in record (${actual}). ${why}`
    throw newConflict({ group: '', resource: 'Pod' }, pod.metadata.name ?? '', text)
  }
  const { uid = '', resourceVersion: version = '' } = wanted
  if (uid !== '' && uid !== pod.metadata.uid) {
    refuse('UID', uid, pod.metadata.uid ?? '', 'The object might have been deleted and then recreated')
  }
  if (version !== '' && version !== resourceVersion) {
    refuse('ResourceVersion', version, resourceVersion, 'The object might have been modified')
  }
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
  const { observedGeneration = 0, disruptedPods = {}, disruptionsAllowed = 0 } = budget.status ?? {}
  if (observedGeneration < (budget.metadata.generation ?? 0)) throw stillProcessed(name)
  if (disruptionsAllowed < 0) throw newForbidden(BUDGET, name, 'pdb disruptions allowed is negative')
  if (Object.keys(disruptedPods).length > DISRUPTED_PODS_MAX) {
    const why = 'DisruptedPods map too big - too many evictions not confirmed by PDB controller'
    throw newForbidden(BUDGET, name, why)
  }
  if (disruptionsAllowed === 0) throw disruptionRefused(name, whyNoneIsAllowed(budget), undefined)
  const now = context.clock.now()
  const status = {
    ...budget.status,
    disruptionsAllowed: disruptionsAllowed - 1,
    disruptedPods: { ...disruptedPods, [podName]: formatTime(now) },
  }
  budget.status =
    status.disruptionsAllowed > 0
      ? status
      : { ...status, conditions: withDisruptionAllowed(status, disruptionVerdict(status), now) }
}

/** Of a budget without a disruption left. Numbers of a budget whose sync failed say nothing. */
export function whyNoneIsAllowed({ metadata, status = {} }: DeepReadonly<PodDisruptionBudget>): string {
  const { conditions = [], currentHealthy = 0, desiredHealthy = 0 } = status
  const who = `The disruption budget ${metadata.name ?? ''}`
  const { reason = '', message = '' } =
    conditions.find((condition) => condition.type === 'DisruptionAllowed' && condition.status === 'False') ?? {}
  if (message !== '' && reason === 'SyncFailed')
    return `${who} does not allow evicting pods currently because it failed sync: ${message}`
  if (currentHealthy <= desiredHealthy)
    return `${who} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`
  const told = message === '' ? '' : ` (${reason}): ${message}`
  return `${who} does not allow evicting pods currently${told}`
}

function stillProcessed(budget: string): StatusError {
  return disruptionRefused(budget, `The disruption budget ${budget} is still being processed by the server.`, 10)
}

function disruptionRefused(budget: string, why: string, retryAfterSeconds: number | undefined): StatusError {
  const { status } = newTooManyRequests("Cannot evict pod as it would violate the pod's disruption budget.", 0)
  const details = { ...status.details, name: budget, causes: [{ reason: 'DisruptionBudget', message: why }] }
  if (retryAfterSeconds === undefined) delete details.retryAfterSeconds
  else details.retryAfterSeconds = retryAfterSeconds
  return new StatusError({ ...status, details })
}
