/** Names of the objects in its namespace that a Pod mounts, reads or pulls with. Upstream: pkg/api/pod/util.go Visit*Names. */
import type { Pod, SecretReference, Volume } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export interface PodReferences {
  readonly secrets: ReadonlySet<string>
  readonly configMaps: ReadonlySet<string>
  /** Those of generic ephemeral volumes included. */
  readonly claims: ReadonlySet<string>
}

interface Names {
  readonly secrets: Set<string>
  readonly configMaps: Set<string>
  readonly claims: Set<string>
}

type FrozenPod = DeepReadonly<Pod>

export function podReferences(pod: FrozenPod): PodReferences {
  const names: Names = { secrets: new Set(), configMaps: new Set(), claims: new Set() }
  for (const { name } of pod.spec.imagePullSecrets ?? []) add(names.secrets, name)
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec
  for (const { env = [], envFrom = [] } of [...containers, ...initContainers, ...ephemeralContainers]) {
    for (const { secretRef, configMapRef } of envFrom) {
      add(names.secrets, secretRef?.name)
      add(names.configMaps, configMapRef?.name)
    }
    for (const { valueFrom } of env) {
      add(names.secrets, valueFrom?.secretKeyRef?.name)
      add(names.configMaps, valueFrom?.configMapKeyRef?.name)
    }
  }
  for (const volume of pod.spec.volumes ?? []) addVolume(names, volume, pod)
  return names
}

function addVolume(names: Names, volume: DeepReadonly<Volume>, pod: FrozenPod): void {
  add(names.secrets, volume.secret?.secretName)
  add(names.configMaps, volume.configMap?.name)
  add(names.claims, volume.persistentVolumeClaim?.claimName)
  if (volume.ephemeral !== undefined) add(names.claims, `${pod.metadata.name ?? ''}-${volume.name}`)
  for (const { secret, configMap } of volume.projected?.sources ?? []) {
    add(names.secrets, secret?.name)
    add(names.configMaps, configMap?.name)
  }
  const { azureFile, cephfs, cinder, flexVolume, rbd, scaleIO, iscsi, storageos, csi } = volume
  add(names.secrets, azureFile?.secretName)
  const refs: readonly (DeepReadonly<SecretReference> | undefined)[] = [
    cephfs?.secretRef,
    cinder?.secretRef,
    flexVolume?.secretRef,
    rbd?.secretRef,
    scaleIO?.secretRef,
    iscsi?.secretRef,
    storageos?.secretRef,
    csi?.nodePublishSecretRef,
  ]
  for (const ref of refs) add(names.secrets, ref?.name)
}

function add(names: Set<string>, name: string | undefined): void {
  if (name !== undefined && name !== '') names.add(name)
}
