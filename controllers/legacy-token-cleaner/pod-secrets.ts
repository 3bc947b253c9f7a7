/** The Secrets a Pod uses. Pure. Upstream: pkg/api/v1/pod/util.go VisitPodSecretNames. */
import type { Container, EphemeralContainer, Pod, Volume } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type Name = string | undefined

export function secretNamesOf({ spec }: DeepReadonly<Pod>): string[] {
  const { imagePullSecrets = [], volumes = [] } = spec
  const containers = [
    ...spec.containers,
    ...(spec.initContainers ?? []),
    ...((spec.ephemeralContainers ?? []) as DeepReadonly<EphemeralContainer[]>),
  ]
  const names: Name[] = [
    ...imagePullSecrets.map(({ name }) => name),
    ...containers.flatMap(ofContainer),
    ...volumes.flatMap(ofVolume),
  ]
  return names.filter((name) => name !== undefined && name !== '') as string[]
}

function ofContainer({ env = [], envFrom = [] }: DeepReadonly<Pick<Container, 'env' | 'envFrom'>>): Name[] {
  return [
    ...envFrom.map(({ secretRef }) => secretRef?.name),
    ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
  ]
}

function ofVolume(volume: DeepReadonly<Volume>): Name[] {
  const { cephfs, cinder, csi, flexVolume, iscsi, rbd, scaleIO, storageos } = volume
  return [
    volume.secret?.secretName,
    volume.azureFile?.secretName,
    csi?.nodePublishSecretRef?.name,
    ...[cephfs, cinder, flexVolume, iscsi, rbd, scaleIO, storageos].map((source) => source?.secretRef?.name),
    ...(volume.projected?.sources ?? []).map(({ secret }) => secret?.name),
  ]
}
