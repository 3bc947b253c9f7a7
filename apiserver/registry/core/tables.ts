/** Tables of the core kinds besides pods and services. Upstream: pkg/printers/internalversion/printers.go. */
import type {
  ComponentStatus,
  ConfigMap,
  Endpoints,
  Event,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  PodTemplate,
  ReplicationController,
  ResourceQuota,
  Secret,
} from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { claimClass, volumeClass } from '#machinery/volume/binding.ts'
import type { Cell } from '../table.ts'
import { AGE, ageOf, CONTAINERS, defineTable, formatLabels, IMAGES, NAME, orNone, orUnset, sizeOf } from '../table.ts'

type Frozen<T> = DeepReadonly<T>

export const configMapTable = defineTable([
  NAME,
  {
    name: 'Data',
    value: ({ data, binaryData }: Frozen<ConfigMap>) => sizeOf(data) + sizeOf(binaryData),
  },
  AGE,
])

export const secretTable = defineTable([
  NAME,
  { name: 'Type', value: ({ type }: Frozen<Secret>) => type ?? '' },
  { name: 'Data', value: ({ data }: Frozen<Secret>) => sizeOf(data) },
  AGE,
])

export const serviceAccountTable = defineTable([NAME, AGE])

export const namespaceTable = defineTable([NAME, { name: 'Status', value: ({ status }) => status?.phase ?? '' }, AGE])

export const podTemplateTable = defineTable([
  NAME,
  {
    ...CONTAINERS,
    wide: false,
    value: ({ template }: Frozen<PodTemplate>) => (template?.spec?.containers ?? []).map(({ name }) => name).join(','),
  },
  {
    ...IMAGES,
    wide: false,
    value: ({ template }: Frozen<PodTemplate>) =>
      (template?.spec?.containers ?? []).map(({ image }) => image).join(','),
  },
  { name: 'Pod Labels', value: ({ template }: Frozen<PodTemplate>) => formatLabels(template?.metadata?.labels) },
])

export const componentStatusTable = defineTable([
  NAME,
  {
    name: 'Status',
    value: (component: Frozen<ComponentStatus>) => {
      const status = healthy(component)?.status
      return status === undefined ? 'Unknown' : status === 'True' ? 'Healthy' : 'Unhealthy'
    },
  },
  { name: 'Message', value: (component: Frozen<ComponentStatus>) => healthy(component)?.message ?? '' },
  { name: 'Error', value: (component: Frozen<ComponentStatus>) => healthy(component)?.error ?? '' },
])

const healthy = ({ conditions }: Frozen<ComponentStatus>) => conditions?.find(({ type }) => type === 'Healthy')

const ENDPOINTS_SHOWN = 3

export const endpointsTable = defineTable([
  NAME,
  { name: 'Endpoints', value: (endpoints: Frozen<Endpoints>) => endpointsText(endpoints) },
  AGE,
])

function endpointsText({ subsets }: Frozen<Endpoints>): string {
  const all = (subsets ?? []).flatMap(({ addresses = [], ports = [] }) =>
    ports.length === 0
      ? addresses.map(({ ip }) => ip)
      : ports.flatMap(({ port }) =>
          addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)),
        ),
  )
  if ((subsets ?? []).length === 0) return '<none>'
  const shown = all.slice(0, ENDPOINTS_SHOWN).join(',')
  return all.length > ENDPOINTS_SHOWN ? `${shown} + ${all.length - ENDPOINTS_SHOWN} more...` : shown
}

export const nodeTable = defineTable([
  NAME,
  { name: 'Status', value: (node: Frozen<Node>) => nodeStatus(node) },
  { name: 'Roles', value: (node: Frozen<Node>) => nodeRoles(node) },
  AGE,
  { name: 'Version', value: ({ status }: Frozen<Node>) => status?.nodeInfo?.kubeletVersion ?? '' },
  { name: 'Internal-IP', wide: true, value: (node: Frozen<Node>) => nodeAddress(node, 'InternalIP') },
  { name: 'External-IP', wide: true, value: (node: Frozen<Node>) => nodeAddress(node, 'ExternalIP') },
  { name: 'OS-Image', wide: true, value: ({ status }: Frozen<Node>) => status?.nodeInfo?.osImage || '<unknown>' },
  {
    name: 'Kernel-Version',
    wide: true,
    value: ({ status }: Frozen<Node>) => {
      const { kernelVersion = '', architecture = '' } = status?.nodeInfo ?? {}
      return `${kernelVersion || '<unknown>'}${architecture === '' ? '' : ` (${architecture})`}`
    },
  },
  {
    name: 'Container-Runtime',
    wide: true,
    value: ({ status }: Frozen<Node>) => status?.nodeInfo?.containerRuntimeVersion || '<unknown>',
  },
])

function nodeStatus({ spec, status }: Frozen<Node>): string {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  const text = ready === undefined ? 'Unknown' : ready.status === 'True' ? 'Ready' : 'NotReady'
  return spec?.unschedulable === true ? `${text},SchedulingDisabled` : text
}

const ROLE_PREFIX = 'node-role.kubernetes.io/'

function nodeRoles({ metadata }: Frozen<Node>): string {
  const roles = new Set<string>()
  for (const [label, value] of Object.entries(metadata.labels ?? {})) {
    if (label.startsWith(ROLE_PREFIX) && label.length > ROLE_PREFIX.length) roles.add(label.slice(ROLE_PREFIX.length))
    else if (label === 'kubernetes.io/role' && value !== '') roles.add(value)
  }
  return orNone([...roles].sort().join(','))
}

function nodeAddress({ status }: Frozen<Node>, wanted: string): string {
  return orNone(status?.addresses?.find(({ type }) => type === wanted)?.address)
}

const ACCESS_MODES: ReadonlyMap<string, string> = new Map([
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
])

const accessModes = (modes: readonly string[] | undefined): string =>
  [...ACCESS_MODES]
    .filter(([mode]) => modes?.includes(mode) === true)
    .map(([, short]) => short)
    .join(',')

export const persistentVolumeTable = defineTable([
  NAME,
  { name: 'Capacity', value: ({ spec }: Frozen<PersistentVolume>) => spec?.capacity?.['storage'] ?? '0' },
  { name: 'Access Modes', value: ({ spec }: Frozen<PersistentVolume>) => accessModes(spec?.accessModes) },
  { name: 'Reclaim Policy', value: ({ spec }: Frozen<PersistentVolume>) => spec?.persistentVolumeReclaimPolicy ?? '' },
  {
    name: 'Status',
    value: ({ metadata, status }: Frozen<PersistentVolume>) =>
      metadata.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
  },
  {
    name: 'Claim',
    value: ({ spec }: Frozen<PersistentVolume>) =>
      spec?.claimRef === undefined ? '' : `${spec.claimRef.namespace ?? ''}/${spec.claimRef.name ?? ''}`,
  },
  { name: 'StorageClass', value: (volume: Frozen<PersistentVolume>) => volumeClass(volume) },
  {
    name: 'VolumeAttributesClass',
    value: ({ spec }: Frozen<PersistentVolume>) => orUnset(spec?.volumeAttributesClassName),
  },
  { name: 'Reason', value: ({ status }: Frozen<PersistentVolume>) => status?.reason ?? '' },
  AGE,
  { name: 'VolumeMode', wide: true, value: ({ spec }: Frozen<PersistentVolume>) => orUnset(spec?.volumeMode) },
])

const claimIsBound = ({ spec }: Frozen<PersistentVolumeClaim>): boolean => (spec.volumeName ?? '') !== ''

export const persistentVolumeClaimTable = defineTable([
  NAME,
  {
    name: 'Status',
    value: ({ metadata, status }: Frozen<PersistentVolumeClaim>) =>
      metadata.deletionTimestamp === undefined ? (status?.phase ?? '') : 'Terminating',
  },
  { name: 'Volume', value: ({ spec }: Frozen<PersistentVolumeClaim>) => spec.volumeName ?? '' },
  {
    name: 'Capacity',
    value: (claim: Frozen<PersistentVolumeClaim>) =>
      claimIsBound(claim) ? (claim.status?.capacity?.['storage'] ?? '0') : '',
  },
  {
    name: 'Access Modes',
    value: (claim: Frozen<PersistentVolumeClaim>) =>
      claimIsBound(claim) ? accessModes(claim.status?.accessModes) : '',
  },
  { name: 'StorageClass', value: (claim: Frozen<PersistentVolumeClaim>) => claimClass(claim) },
  {
    name: 'VolumeAttributesClass',
    value: ({ spec }: Frozen<PersistentVolumeClaim>) => orUnset(spec.volumeAttributesClassName),
  },
  AGE,
  { name: 'VolumeMode', wide: true, value: ({ spec }: Frozen<PersistentVolumeClaim>) => orUnset(spec.volumeMode) },
])

const replicas = (name: string, value: (controller: Frozen<ReplicationController>) => number | undefined): Cell => ({
  name,
  type: 'integer',
  value: (controller: Frozen<ReplicationController>) => value(controller) ?? 0,
})

export const replicationControllerTable = defineTable([
  NAME,
  replicas('Desired', ({ spec }) => spec?.replicas),
  replicas('Current', ({ status }) => status?.replicas),
  replicas('Ready', ({ status }) => status?.readyReplicas),
  AGE,
  CONTAINERS,
  IMAGES,
  { name: 'Selector', wide: true, value: ({ spec }: Frozen<ReplicationController>) => formatLabels(spec?.selector) },
])

export const resourceQuotaTable = defineTable([
  NAME,
  { name: 'Request', value: (quota: Frozen<ResourceQuota>) => quotaText(quota, (name) => !name.startsWith('limits.')) },
  { name: 'Limit', value: (quota: Frozen<ResourceQuota>) => quotaText(quota, (name) => name.startsWith('limits.')) },
  AGE,
])

function quotaText({ status }: Frozen<ResourceQuota>, isShown: (name: string) => boolean): string {
  return Object.keys(status?.hard ?? {})
    .filter(isShown)
    .sort()
    .map((name) => `${name}: ${status?.used?.[name] ?? '0'}/${status?.hard?.[name] ?? '0'}`)
    .join(', ')
}

const firstSeen = ({ firstTimestamp, eventTime }: Frozen<Event>): string | undefined =>
  (firstTimestamp as string | null | undefined) ?? (eventTime as string | null | undefined) ?? undefined

/** The wire has null for times that are not set. */
function lastSeen(event: Frozen<Event>): string | undefined {
  if (event.series !== undefined) return event.series.lastObservedTime
  return (event.lastTimestamp as string | null | undefined) ?? firstSeen(event)
}

export const eventTable = defineTable([
  { name: 'Last Seen', value: (event: Frozen<Event>, now) => ageOf(lastSeen(event), now) },
  { name: 'Type', value: ({ type }: Frozen<Event>) => type ?? '' },
  { name: 'Reason', value: ({ reason }: Frozen<Event>) => reason ?? '' },
  {
    name: 'Object',
    value: ({ involvedObject }: Frozen<Event>) => {
      const kind = (involvedObject?.kind ?? '').toLowerCase()
      return (involvedObject?.name ?? '') === '' ? kind : `${kind}/${involvedObject.name}`
    },
  },
  { name: 'Subobject', wide: true, value: ({ involvedObject }: Frozen<Event>) => involvedObject?.fieldPath ?? '' },
  { name: 'Source', wide: true, value: (event: Frozen<Event>) => eventSource(event) },
  { name: 'Message', value: ({ message }: Frozen<Event>) => (message ?? '').trim() },
  { name: 'First Seen', wide: true, value: (event: Frozen<Event>, now) => ageOf(firstSeen(event), now) },
  {
    name: 'Count',
    wide: true,
    value: ({ series, count }: Frozen<Event>) => (series === undefined ? count || 1 : (series.count ?? 0)),
  },
  { ...NAME, wide: true },
])

function eventSource({ source, reportingComponent, reportingInstance }: Frozen<Event>): string {
  const component = source?.component || reportingComponent || ''
  const host = source?.host || reportingInstance || ''
  return host === '' ? component : `${component}, ${host}`
}
