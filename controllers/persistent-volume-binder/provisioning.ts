/**
 * Hands a claim to whoever makes its volume: names the provisioner on the claim and says so. Volumes are never made here.
 * Upstream: pkg/controller/volume/persistentvolume/pv_controller.go provisionClaim, assignDefaultStorageClass.
 * Differs: no in-tree provisioners, and none of their names are translated to CSI drivers.
 */
import type { PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import type { StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenClaim } from '#machinery/volume/binding.ts'
import { claimClass } from '#machinery/volume/binding.ts'
import type { EventRecorder } from '#sdk'
import type { BindingWriter } from './binding-writer.ts'

const PROVISIONER_ANNOTATIONS = [
  'volume.beta.kubernetes.io/storage-provisioner',
  'volume.kubernetes.io/storage-provisioner',
]
const DEFAULT_ANNOTATIONS = [
  'storageclass.kubernetes.io/is-default-class',
  'storageclass.beta.kubernetes.io/is-default-class',
]
const CLASS_ANNOTATION = 'volume.beta.kubernetes.io/storage-class'
const IN_TREE_PREFIX = 'kubernetes.io/'

export async function handToProvisioner(
  claim: FrozenClaim,
  storageClass: DeepReadonly<StorageClass> | undefined,
  { writer, events }: { readonly writer: BindingWriter; readonly events: EventRecorder },
  signal: AbortSignal,
): Promise<void> {
  const fail = (message: string): void => events.record(claim, 'Warning', 'ProvisioningFailed', message)
  if (storageClass === undefined) return fail(`storageclass.storage.k8s.io "${claimClass(claim)}" not found`)
  const { provisioner } = storageClass
  if (provisioner.startsWith(IN_TREE_PREFIX)) return fail(`no volume plugin matched name: ${provisioner}`)
  const isNamed = PROVISIONER_ANNOTATIONS.every((name) => claim.metadata.annotations?.[name] === provisioner)
  if (!isNamed) {
    const draft = deepCopy<PersistentVolumeClaim>(claim)
    draft.metadata.annotations = { ...draft.metadata.annotations }
    for (const name of PROVISIONER_ANNOTATIONS) draft.metadata.annotations[name] = provisioner
    await writer.updateClaim(draft, signal)
  }
  events.record(claim, 'Normal', 'ExternalProvisioning', waitingFor(provisioner))
}

const waitingFor = (provisioner: string): string =>
  `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system ` +
  'administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.'

/** For a claim that names no class, not even the empty one: the default that exists by now. */
export function withDefaultClass(
  claim: FrozenClaim,
  classes: readonly DeepReadonly<StorageClass>[],
): PersistentVolumeClaim | undefined {
  const isNamed =
    claim.spec.storageClassName !== undefined || claim.metadata.annotations?.[CLASS_ANNOTATION] !== undefined
  const name = isNamed ? undefined : defaultClass(classes)?.metadata.name
  if (name === undefined) return undefined
  const draft = deepCopy<PersistentVolumeClaim>(claim)
  draft.spec.storageClassName = name
  return draft
}

export const isDefaultClass = ({ metadata }: DeepReadonly<StorageClass>): boolean =>
  DEFAULT_ANNOTATIONS.some((name) => metadata.annotations?.[name] === 'true')

/** The youngest of those marked as default, by name among equals. */
function defaultClass(classes: readonly DeepReadonly<StorageClass>[]): DeepReadonly<StorageClass> | undefined {
  const age = ({ metadata }: DeepReadonly<StorageClass>): string => metadata.creationTimestamp ?? ''
  const name = ({ metadata }: DeepReadonly<StorageClass>): string => metadata.name ?? ''
  const marked = classes.filter(isDefaultClass)
  return marked.sort((a, b) => age(b).localeCompare(age(a)) || name(a).localeCompare(name(b)))[0]
}
