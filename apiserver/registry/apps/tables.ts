/** Tables of the workload kinds. Upstream: pkg/printers/internalversion/printers.go. */
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
} from '#machinery/api/apps/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Cell } from '../table.ts'
import { AGE, CONTAINERS, defineTable, formatLabels, IMAGES, NAME, SELECTOR } from '../table.ts'

type Frozen<T> = DeepReadonly<T>

function count<T>(
  name: string,
  value: (object: Frozen<T>) => number | undefined,
  type: Cell['type'] & string = 'integer',
): Cell {
  return { name, type, value: (object: Frozen<T>) => value(object) ?? 0 }
}

export const deploymentTable = defineTable([
  NAME,
  {
    name: 'Ready',
    value: ({ spec, status }: Frozen<Deployment>) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
  },
  count<Deployment>('Up-to-date', ({ status }) => status?.updatedReplicas, 'string'),
  count<Deployment>('Available', ({ status }) => status?.availableReplicas, 'string'),
  AGE,
  CONTAINERS,
  IMAGES,
  SELECTOR,
])

export const replicaSetTable = defineTable([
  NAME,
  count<ReplicaSet>('Desired', ({ spec }) => spec.replicas),
  count<ReplicaSet>('Current', ({ status }) => status?.replicas),
  count<ReplicaSet>('Ready', ({ status }) => status?.readyReplicas),
  AGE,
  CONTAINERS,
  IMAGES,
  SELECTOR,
])

export const statefulSetTable = defineTable([
  NAME,
  {
    name: 'Ready',
    value: ({ spec, status }: Frozen<StatefulSet>) => `${status?.readyReplicas ?? 0}/${spec.replicas ?? 0}`,
  },
  AGE,
  CONTAINERS,
  IMAGES,
])

export const daemonSetTable = defineTable([
  NAME,
  count<DaemonSet>('Desired', ({ status }) => status?.desiredNumberScheduled),
  count<DaemonSet>('Current', ({ status }) => status?.currentNumberScheduled),
  count<DaemonSet>('Ready', ({ status }) => status?.numberReady),
  count<DaemonSet>('Up-to-date', ({ status }) => status?.updatedNumberScheduled),
  count<DaemonSet>('Available', ({ status }) => status?.numberAvailable),
  { name: 'Node Selector', value: ({ spec }: Frozen<DaemonSet>) => formatLabels(spec.template.spec?.nodeSelector) },
  AGE,
  CONTAINERS,
  IMAGES,
  SELECTOR,
])

export const controllerRevisionTable = defineTable([
  NAME,
  { name: 'Controller', value: (revision: Frozen<ControllerRevision>) => controllerOf(revision) },
  { name: 'Revision', value: ({ revision }: Frozen<ControllerRevision>) => revision ?? 0 },
  AGE,
])

function controllerOf({ metadata }: Frozen<ControllerRevision>): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true)
  if (owner === undefined) return '<none>'
  const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0]}` : ''
  return `${owner.kind.toLowerCase()}${group}/${owner.name}`
}
