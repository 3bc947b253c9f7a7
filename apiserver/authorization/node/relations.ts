/**
 * What a node has to do with an object: through the pods that are bound to it, what those mount, and the volumes behind
 * their claims. Asked of the caches each time, so there is no second graph to keep in step.
 * Upstream: plugin/pkg/auth/authorizer/node/{graph,graph_populator}.go.
 */
import type { PersistentVolume, PersistentVolumeClaim, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { ResourceSlice } from '#machinery/api/resource/v1/types.gen.ts'
import type { VolumeAttachment } from '#machinery/api/storage/v1/types.gen.ts'
import { podReferences } from '#machinery/meta/pod-references.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type FrozenPod = DeepReadonly<Pod>

export interface NodeRelationsDeps {
  peek(group: string, resource: string, namespace: string, name: string): DeepReadonly<KubeObject> | undefined
  podsOn(nodeName: string): readonly FrozenPod[]
}

export type RelatedKind =
  | 'pods'
  | 'secrets'
  | 'configmaps'
  | 'persistentvolumeclaims'
  | 'persistentvolumes'
  | 'serviceaccounts'
  | 'resourceclaims'
  | 'volumeattachments'
  | 'resourceslices'

const MIRROR = 'kubernetes.io/config.mirror'

export class NodeRelations {
  readonly #deps: NodeRelationsDeps

  constructor(deps: NodeRelationsDeps) {
    this.#deps = deps
  }

  exists(nodeName: string, kind: RelatedKind, namespace: string, name: string): boolean {
    if (kind === 'volumeattachments') {
      const attachment = this.#deps.peek('storage.k8s.io', kind, '', name) as DeepReadonly<VolumeAttachment> | undefined
      return attachment?.spec.nodeName === nodeName
    }
    if (kind === 'resourceslices') {
      const slice = this.#deps.peek('resource.k8s.io', kind, '', name) as DeepReadonly<ResourceSlice> | undefined
      return slice?.spec.nodeName === nodeName
    }
    if (kind === 'pods') {
      const pod = this.#deps.peek('', kind, namespace, name) as FrozenPod | undefined
      return pod?.spec.nodeName === nodeName
    }
    return this.#deps.podsOn(nodeName).some((pod) => this.#podRefersTo(pod, kind, namespace, name))
  }

  #podRefersTo(pod: FrozenPod, kind: RelatedKind, namespace: string, name: string): boolean {
    // A node writes its mirror pods itself: they must not open anything to it.
    if (pod.metadata.annotations?.[MIRROR] !== undefined) return false
    const isHere = pod.metadata.namespace === namespace
    switch (kind) {
      case 'serviceaccounts':
        return isHere && pod.spec.serviceAccountName === name
      case 'configmaps':
        return isHere && podReferences(pod).configMaps.has(name)
      case 'persistentvolumeclaims':
        return isHere && podReferences(pod).claims.has(name)
      case 'resourceclaims':
        return isHere && resourceClaimsOf(pod).includes(name)
      case 'secrets':
        if (isHere && podReferences(pod).secrets.has(name)) return true
        return this.#volumesOf(pod).some((volume) =>
          secretsOf(volume).some((ref) => ref.name === name && ref.namespace === namespace),
        )
      case 'persistentvolumes':
        return this.#volumesOf(pod).some(({ metadata }) => metadata.name === name)
      default:
        return false
    }
  }

  /** Bound from both sides: a claim alone may name any volume. */
  #volumesOf(pod: FrozenPod): DeepReadonly<PersistentVolume>[] {
    const namespace = pod.metadata.namespace ?? ''
    return [...podReferences(pod).claims].flatMap((claimName) => {
      const claim = this.#deps.peek('', 'persistentvolumeclaims', namespace, claimName)
      const { volumeName = '' } = (claim as DeepReadonly<PersistentVolumeClaim> | undefined)?.spec ?? {}
      if (volumeName === '') return []
      const volume = this.#deps.peek('', 'persistentvolumes', '', volumeName) as
        | DeepReadonly<PersistentVolume>
        | undefined
      const ref = volume?.spec.claimRef
      return volume !== undefined && ref?.namespace === namespace && ref.name === claimName ? [volume] : []
    })
  }
}

function resourceClaimsOf({ spec, status }: FrozenPod): string[] {
  const statuses = status?.resourceClaimStatuses ?? []
  const names = (spec.resourceClaims ?? []).map(
    ({ name, resourceClaimName }) =>
      resourceClaimName ?? statuses.find((entry) => entry.name === name)?.resourceClaimName ?? '',
  )
  return [...names, status?.extendedResourceClaimStatus?.resourceClaimName ?? ''].filter((name) => name !== '')
}

/**
 * Secrets of a claim's namespace where the source names none; those of a CSI driver's controller are not for kubelets.
 * Upstream: pkg/api/v1/persistentvolume VisitPVSecretNames.
 */
function secretsOf({ spec }: DeepReadonly<PersistentVolume>): { readonly namespace: string; readonly name: string }[] {
  const { azureFile, cephfs, cinder, csi, flexVolume, iscsi, rbd, scaleIO, storageos } = spec
  const azure =
    azureFile === undefined ? undefined : { name: azureFile.secretName, namespace: azureFile.secretNamespace }
  const refs: readonly ({ readonly name?: string; readonly namespace?: string | undefined } | undefined)[] = [
    azure,
    cephfs?.secretRef,
    cinder?.secretRef,
    flexVolume?.secretRef,
    iscsi?.secretRef,
    rbd?.secretRef,
    scaleIO?.secretRef,
    storageos?.secretRef,
    csi?.nodePublishSecretRef,
    csi?.nodeStageSecretRef,
    csi?.nodeExpandSecretRef,
  ]
  return refs.flatMap((ref) =>
    ref?.name === undefined || ref.name === ''
      ? []
      : [{ name: ref.name, namespace: ref.namespace || (spec.claimRef?.namespace ?? '') }],
  )
}
