/** When a cluster is at rest: everything is as its specification says, and nothing is left of what was deleted. */
import {
  CONTROLLER_REVISIONS,
  DAEMON_SETS,
  DEPLOYMENTS,
  REPLICA_SETS,
  STATEFUL_SETS,
} from '#machinery/api/apps/v1/resources.gen.ts'
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from '#machinery/api/apps/v1/types.gen.ts'
import { CRON_JOBS, JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import {
  NAMESPACES,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PODS,
  REPLICATION_CONTROLLERS,
  SERVICES,
} from '#machinery/api/core/v1/resources.gen.ts'
import type {
  Namespace,
  Node,
  PersistentVolumeClaim,
  Pod,
  ReplicationController,
  Service,
} from '#machinery/api/core/v1/types.gen.ts'
import { ENDPOINT_SLICES } from '#machinery/api/discovery/v1/resources.gen.ts'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import { POD_DISRUPTION_BUDGETS } from '#machinery/api/policy/v1/resources.gen.ts'
import type { PodDisruptionBudget } from '#machinery/api/policy/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { GroupResource } from '#machinery/meta/resource.ts'
import { TEMPORARY_NAMESPACES } from './activities/namespaces.ts'
import { isLarge, priorityUnrest } from './priority-unrest.ts'
import { isActive, isReady } from './invariants/pods.ts'
import { LOCAL_STORAGE_CLASS } from './manifests.ts'
import type { Observer } from './observer.ts'

const OWNED: readonly GroupResource[] = [
  PODS,
  REPLICA_SETS,
  CONTROLLER_REVISIONS,
  ENDPOINT_SLICES,
  JOBS,
  PERSISTENT_VOLUME_CLAIMS,
]
const OWNERS: readonly GroupResource[] = [
  DEPLOYMENTS,
  REPLICA_SETS,
  REPLICATION_CONTROLLERS,
  STATEFUL_SETS,
  DAEMON_SETS,
  CRON_JOBS,
  JOBS,
  SERVICES,
  NODES,
  PODS,
]

/** Why not: empty when it is. */
export function unrest(observer: Observer): string[] {
  return [
    ...observer.objects<Deployment>(DEPLOYMENTS).flatMap(deploymentUnrest),
    ...observer.objects<ReplicaSet>(REPLICA_SETS).flatMap(countsUnrest),
    ...observer.objects<ReplicationController>(REPLICATION_CONTROLLERS).flatMap(countsUnrest),
    ...observer.objects<StatefulSet>(STATEFUL_SETS).flatMap(statefulSetUnrest),
    ...observer.objects<DaemonSet>(DAEMON_SETS).flatMap((set) => daemonSetUnrest(set)),
    ...observer.objects<Job>(JOBS).flatMap(jobUnrest),
    ...podsUnrest(observer),
    ...observer.objects<PersistentVolumeClaim>(PERSISTENT_VOLUME_CLAIMS).flatMap(claimUnrest),
    ...observer
      .objects<PodDisruptionBudget>(POD_DISRUPTION_BUDGETS)
      .flatMap((budget) => budgetUnrest(budget, observer)),
    ...observer.objects<Node>(NODES).flatMap(nodeUnrest),
    ...serviceUnrest(observer),
    ...orphans(observer),
    ...namespaceUnrest(observer),
    ...priorityUnrest(observer),
  ]
}

const nameOf = ({ kind, metadata }: KubeObject): string => `${kind} ${metadata.name}`

function deploymentUnrest(deployment: Deployment): string[] {
  const { metadata, spec, status = {} } = deployment
  const wanted = spec.replicas ?? 1
  const { observedGeneration, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status
  const counts = `${replicas}/${updatedReplicas}/${availableReplicas} of ${wanted}`
  if (metadata.deletionTimestamp !== undefined) return [`${nameOf(deployment)} is being deleted`]
  if (observedGeneration !== metadata.generation) return [`${nameOf(deployment)} has not been observed`]
  // There may be no room for them.
  if (isLarge(spec.template)) return []
  // Paused in the middle of a rollout it keeps the Pods it has then, new and old.
  const isDone = spec.paused === true || (replicas === wanted && updatedReplicas === wanted)
  return isDone && availableReplicas === replicas ? [] : [`${nameOf(deployment)} has ${counts}`]
}

function countsUnrest(set: ReplicaSet | ReplicationController): string[] {
  const { metadata, spec, status } = set
  const wanted = spec?.replicas ?? 1
  if (metadata.deletionTimestamp !== undefined) return [`${nameOf(set)} is being deleted`]
  const { replicas = 0, readyReplicas = 0, observedGeneration } = status ?? {}
  if (observedGeneration !== metadata.generation) return [`${nameOf(set)} has not been observed`]
  const isReadyAsWanted = readyReplicas === wanted || isLarge(spec?.template)
  return replicas === wanted && isReadyAsWanted ? [] : [`${nameOf(set)} has ${replicas}/${readyReplicas} of ${wanted}`]
}

function statefulSetUnrest(set: StatefulSet): string[] {
  const { metadata, spec, status } = set
  const wanted = spec.replicas ?? 1
  if (metadata.deletionTimestamp !== undefined) return [`${nameOf(set)} is being deleted`]
  const { replicas = 0, readyReplicas = 0, observedGeneration, currentRevision, updateRevision } = status ?? {}
  if (observedGeneration !== metadata.generation) return [`${nameOf(set)} has not been observed`]
  if (currentRevision !== updateRevision) return [`${nameOf(set)} is still at ${currentRevision}`]
  return replicas === wanted && readyReplicas === wanted
    ? []
    : [`${nameOf(set)} has ${replicas}/${readyReplicas} of ${wanted}`]
}

function daemonSetUnrest(set: DaemonSet): string[] {
  const { metadata, status } = set
  if (metadata.deletionTimestamp !== undefined) return [`${nameOf(set)} is being deleted`]
  if (status === undefined || status.observedGeneration !== metadata.generation)
    return [`${nameOf(set)} has not been observed`]
  const { desiredNumberScheduled: wanted, numberReady, updatedNumberScheduled = 0, numberMisscheduled } = status
  const isDone = numberReady === wanted && updatedNumberScheduled === wanted && numberMisscheduled === 0
  return isDone
    ? []
    : [`${nameOf(set)} has ${numberReady}/${updatedNumberScheduled} of ${wanted}, ${numberMisscheduled} astray`]
}

function jobUnrest(job: Job): string[] {
  if (job.metadata.deletionTimestamp !== undefined) return [`${nameOf(job)} is being deleted`]
  const finished = job.status?.conditions?.find(({ type, status }) => isFinish(type) && status === 'True')
  const { succeeded = 0, active = 0 } = job.status ?? {}
  if (finished === undefined && job.spec.suspend === true) return suspendedUnrest(job)
  if (finished === undefined) return [`${nameOf(job)} has not finished`]
  const isRight = finished.type !== 'Complete' || (succeeded >= (job.spec.completions ?? 1) && active === 0)
  return isRight ? [] : [`${nameOf(job)} is complete with ${succeeded} succeeded and ${active} active`]
}

function suspendedUnrest(job: Job): string[] {
  const isSuspended = job.status?.conditions?.some(({ type, status }) => type === 'Suspended' && status === 'True')
  const { active = 0, terminating = 0 } = job.status ?? {}
  return isSuspended === true && active + terminating === 0 ? [] : [`${nameOf(job)} is suspended with ${active} active`]
}

const isFinish = (type: string): boolean => type === 'Complete' || type === 'Failed'

function podsUnrest(observer: Observer): string[] {
  const nodes = new Set(observer.objects<Node>(NODES).map(({ metadata }) => metadata.name))
  return observer.objects<Pod>(PODS).flatMap((pod) => podUnrest(pod, nodes))
}

function podUnrest(pod: Pod, nodes: ReadonlySet<string | undefined>): string[] {
  const { nodeName } = pod.spec
  if (nodeName !== undefined && !nodes.has(nodeName)) return [`${nameOf(pod)} is on ${nodeName}, which is gone`]
  if (pod.metadata.deletionTimestamp !== undefined) return [`${nameOf(pod)} is being deleted`]
  const isWaitingForRoom = isLarge(pod) && nodeName === undefined
  if (isActive(pod) && !isReady(pod) && !isWaitingForRoom)
    return [`${nameOf(pod)} is ${pod.status?.phase} on "${pod.spec.nodeName ?? ''}"`]
  return []
}

function claimUnrest(claim: PersistentVolumeClaim): string[] {
  if (claim.metadata.deletionTimestamp !== undefined) return [`${nameOf(claim)} is being deleted`]
  // Such a claim waits for a Pod, which may never come; one that has come and waits is told of itself.
  const mayWait = claim.spec.storageClassName === LOCAL_STORAGE_CLASS && claim.status?.phase === 'Pending'
  return mayWait || claim.status?.phase === 'Bound' ? [] : [`${nameOf(claim)} is ${claim.status?.phase}`]
}

function budgetUnrest(budget: PodDisruptionBudget, observer: Observer): string[] {
  const { metadata, spec, status } = budget
  if (status?.observedGeneration !== metadata.generation) return [`${nameOf(budget)} has not been observed`]
  const app = spec?.selector?.matchLabels?.['app']
  const healthy = observer
    .objects<Pod>(PODS)
    .filter((pod) => pod.metadata.labels?.['app'] === app && isReady(pod)).length
  return status?.currentHealthy === healthy
    ? []
    : [`${nameOf(budget)} counts ${status?.currentHealthy} healthy Pods, not ${healthy}`]
}

function nodeUnrest(node: Node): string[] {
  const ready = node.status?.conditions?.find(({ type }) => type === 'Ready')
  if (ready?.status !== 'True') return [`${nameOf(node)} is not ready`]
  return (node.spec.taints ?? []).map(({ key }) => `${nameOf(node)} has the taint ${key}`)
}

/** The slices of a Service hold exactly its ready Pods. */
function serviceUnrest(observer: Observer): string[] {
  const pods = observer.objects<Pod>(PODS)
  const slices = observer.objects<EndpointSlice>(ENDPOINT_SLICES)
  return observer.objects<Service>(SERVICES).flatMap((service) => {
    const { selector } = service.spec ?? {}
    if (selector === undefined) return []
    const selected = pods.filter(
      (pod) =>
        isActive(pod) &&
        isReady(pod) &&
        Object.entries(selector).every(([key, value]) => pod.metadata.labels?.[key] === value),
    )
    const wanted = selected.map(({ metadata }) => metadata.name ?? '').sort()
    const own = slices.filter(
      ({ metadata }) => metadata.labels?.['kubernetes.io/service-name'] === service.metadata.name,
    )
    const found = own
      .flatMap(({ endpoints }) => endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready === true)
      .map(({ targetRef }) => targetRef?.name ?? '')
      .sort()
    return found.join() === wanted.join()
      ? []
      : [`${nameOf(service)} has endpoints ${found.join()}, not ${wanted.join()}`]
  })
}

/** A namespace that is gone has left nothing, of whatever kind. */
function namespaceUnrest(observer: Observer): string[] {
  const namespaces = observer.objects<Namespace>(NAMESPACES)
  const going = namespaces.filter(({ metadata }) => metadata.deletionTimestamp !== undefined)
  const names = new Set(namespaces.map(({ metadata }) => metadata.name))
  const gone = TEMPORARY_NAMESPACES.filter((name) => !names.has(name))
  return [
    ...going.map((namespace) => `${nameOf(namespace)} is being deleted`),
    ...gone.flatMap((name) => observer.keysIn(name)).map((key) => `${key} is left in a namespace that is gone`),
  ]
}

/** Whatever names an owner that is gone. */
function orphans(observer: Observer): string[] {
  const uids = new Set(OWNERS.flatMap((resource) => observer.objects(resource)).map(({ metadata }) => metadata.uid))
  return OWNED.flatMap((resource) => observer.objects(resource)).flatMap((object) =>
    (object.metadata.ownerReferences ?? [])
      .filter(({ uid }) => !uids.has(uid))
      .map(({ kind, name }) => `${nameOf(object)} belongs to ${kind} ${name}, which is gone`),
  )
}
