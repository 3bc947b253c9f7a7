/** When a cluster is at rest: everything is as its specification says, and nothing is left of what was deleted. */
import {
  CONTROLLER_REVISIONS,
  DAEMON_SETS,
  DEPLOYMENTS,
  REPLICA_SETS,
  STATEFUL_SETS,
} from '#machinery/api/apps/v1/resources.gen.ts'
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from '#machinery/api/apps/v1/types.gen.ts'
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import { NODES, PODS, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node, Pod, Service } from '#machinery/api/core/v1/types.gen.ts'
import { ENDPOINT_SLICES } from '#machinery/api/discovery/v1/resources.gen.ts'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { GroupResource } from '#machinery/meta/resource.ts'
import { isActive, isReady, type Observer } from './observer.ts'

const OWNED: readonly GroupResource[] = [PODS, REPLICA_SETS, CONTROLLER_REVISIONS, ENDPOINT_SLICES, JOBS]
const OWNERS: readonly GroupResource[] = [DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS, DAEMON_SETS, JOBS, SERVICES, NODES]

/** Why not: empty when it is. */
export function unrest(observer: Observer): string[] {
  return [
    ...observer.objects<Deployment>(DEPLOYMENTS).flatMap(deploymentUnrest),
    ...observer.objects<ReplicaSet>(REPLICA_SETS).flatMap((set) => countsUnrest('ReplicaSet', set)),
    ...observer.objects<StatefulSet>(STATEFUL_SETS).flatMap(statefulSetUnrest),
    ...observer.objects<DaemonSet>(DAEMON_SETS).flatMap((set) => daemonSetUnrest(set)),
    ...observer.objects<Job>(JOBS).flatMap(jobUnrest),
    ...observer.objects<Pod>(PODS).flatMap(podUnrest),
    ...observer.objects<Node>(NODES).flatMap(nodeUnrest),
    ...serviceUnrest(observer),
    ...orphans(observer),
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
  const isDone = replicas === wanted && updatedReplicas === wanted && availableReplicas === wanted
  return isDone ? [] : [`${nameOf(deployment)} has ${counts}`]
}

function countsUnrest(kind: string, set: ReplicaSet): string[] {
  const { metadata, spec, status } = set
  const wanted = spec.replicas ?? 1
  if (metadata.deletionTimestamp !== undefined) return [`${kind} ${metadata.name} is being deleted`]
  const { replicas = 0, readyReplicas = 0, observedGeneration } = status ?? {}
  if (observedGeneration !== metadata.generation) return [`${kind} ${metadata.name} has not been observed`]
  return replicas === wanted && readyReplicas === wanted
    ? []
    : [`${kind} ${metadata.name} has ${replicas}/${readyReplicas} of ${wanted}`]
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
  if (finished === undefined) return [`${nameOf(job)} has not finished`]
  const { succeeded = 0, active = 0 } = job.status ?? {}
  const isRight = finished.type !== 'Complete' || (succeeded >= (job.spec.completions ?? 1) && active === 0)
  return isRight ? [] : [`${nameOf(job)} is complete with ${succeeded} succeeded and ${active} active`]
}

const isFinish = (type: string): boolean => type === 'Complete' || type === 'Failed'

function podUnrest(pod: Pod): string[] {
  if (pod.metadata.deletionTimestamp !== undefined) return [`${nameOf(pod)} is being deleted`]
  if (isActive(pod) && !isReady(pod)) return [`${nameOf(pod)} is ${pod.status?.phase} on "${pod.spec.nodeName ?? ''}"`]
  return []
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

/** Whatever names an owner that is gone. */
function orphans(observer: Observer): string[] {
  const uids = new Set(OWNERS.flatMap((resource) => observer.objects(resource)).map(({ metadata }) => metadata.uid))
  return OWNED.flatMap((resource) => observer.objects(resource)).flatMap((object) =>
    (object.metadata.ownerReferences ?? [])
      .filter(({ uid, kind }) => KNOWN_OWNERS.has(kind) && !uids.has(uid))
      .map(({ kind, name }) => `${nameOf(object)} belongs to ${kind} ${name}, which is gone`),
  )
}

const KNOWN_OWNERS = new Set(['Deployment', 'ReplicaSet', 'StatefulSet', 'DaemonSet', 'Job', 'Service', 'Node'])
