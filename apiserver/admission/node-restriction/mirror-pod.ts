/** A node may create nothing but mirror pods of its own, that refer to nothing. Upstream: noderestriction admitPodCreate. */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
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
  const cannot = (what: string): string => `node "${nodeName}" can not create pods that reference ${what}`
  if ((pod.spec.serviceAccountName ?? '') !== '') return cannot('a service account')
  const { secrets, configMaps, claims } = podReferences(pod)
  if (secrets.size > 0) return cannot('secrets')
  if (configMaps.size > 0) return cannot('configmaps')
  const sources = (pod.spec.volumes ?? []).flatMap(({ projected }) => projected?.sources ?? [])
  if (sources.some(({ clusterTrustBundle }) => clusterTrustBundle !== undefined)) return cannot('clustertrustbundles')
  if (sources.some(({ podCertificate }) => podCertificate !== undefined)) return cannot('podcertificates')
  return claims.size > 0 ? cannot('persistentvolumeclaims') : undefined
}
