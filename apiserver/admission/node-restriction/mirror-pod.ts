/** A node may create nothing but mirror pods of its own, that refer to nothing. Upstream: noderestriction admitPodCreate. */
import type { Pod, Volume } from '#machinery/api/core/v1/types.gen.ts'
import { newNotFound } from '#machinery/meta/errors.ts'
import { podReferences } from '#machinery/meta/pod-references.ts'
import type { AdmissionDeps } from '../deps.ts'
import { admissionForbidden } from '../forbidden.ts'
import type { AdmissionAttributes } from '../interfaces.ts'

const MIRROR = 'kubernetes.io/config.mirror'

export function checkMirrorPod(
  nodeName: string,
  attributes: AdmissionAttributes,
  deps: Pick<AdmissionDeps, 'peek'>,
): void {
  const pod = attributes.object as Pod
  const why = wrongOwner(nodeName, pod, deps) ?? referenceOf(nodeName, pod)
  if (why !== undefined) throw admissionForbidden(attributes, why)
}

function wrongOwner(nodeName: string, { metadata, spec }: Pod, deps: Pick<AdmissionDeps, 'peek'>): string | undefined {
  const node = `node "${nodeName}"`
  if (metadata.annotations?.[MIRROR] === undefined) {
    return `pod does not have "${MIRROR}" annotation, ${node} can only create mirror pods`
  }
  if (spec.nodeName !== nodeName) return `${node} can only create pods with spec.nodeName set to itself`
  const owners = metadata.ownerReferences ?? []
  if (owners.length > 1) return `${node} can only create pods with a single owner reference set to itself`
  const [owner] = owners
  if (owner === undefined || owner.apiVersion !== 'v1' || owner.kind !== 'Node' || owner.name !== nodeName) {
    return `${node} can only create pods with an owner reference set to itself`
  }
  if (owner.controller !== true) return `${node} can only create pods with a controller owner reference set to itself`
  if (owner.blockOwnerDeletion === true) return `${node} must not set blockOwnerDeletion on an owner reference`
  const stored = deps.peek('', 'nodes', '', nodeName)
  if (stored === undefined) throw newNotFound({ group: '', resource: 'nodes' }, nodeName)
  if (owner.uid === stored.metadata.uid) return undefined
  return `node ${nodeName} UID mismatch: expected ${owner.uid} got ${stored.metadata.uid ?? ''}`
}

function referenceOf(nodeName: string, pod: Pod): string | undefined {
  const what = apiObjectOf(pod)
  return what === undefined ? undefined : `node "${nodeName}" can not create pods that reference ${what}`
}

/** What of the API the Pod needs. Upstream: pkg/api/pod/util.go HasAPIObjectReference. */
function apiObjectOf(pod: Pod): string | undefined {
  if ((pod.spec.serviceAccountName ?? '') !== '') return 'serviceaccounts'
  const { secrets, configMaps } = podReferences(pod)
  if (secrets.size > 0) return 'secrets'
  if (configMaps.size > 0) return 'configmaps'
  if ((pod.spec.resourceClaims ?? []).length > 0) return 'resourceclaims'
  for (const volume of pod.spec.volumes ?? []) {
    const what = apiObjectOfVolume(volume)
    if (what !== undefined) return what
  }
  return undefined
}

function apiObjectOfVolume({
  csi,
  glusterfs,
  persistentVolumeClaim,
  ephemeral,
  projected,
}: Volume): string | undefined {
  if (csi !== undefined) return 'csidrivers (via CSI volumes)'
  if (glusterfs !== undefined) return 'endpoints (via glusterFS volumes)'
  if (persistentVolumeClaim !== undefined) return 'persistentvolumeclaims'
  if (ephemeral !== undefined) return 'persistentvolumeclaims (via ephemeral volumes)'
  for (const { serviceAccountToken, clusterTrustBundle, podCertificate } of projected?.sources ?? []) {
    if (serviceAccountToken !== undefined) return 'serviceaccounts (via projected volumes)'
    if (clusterTrustBundle !== undefined) return 'clustertrustbundles'
    if (podCertificate !== undefined) return 'podcertificates'
  }
  return undefined
}
