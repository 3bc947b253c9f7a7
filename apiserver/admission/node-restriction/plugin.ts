/**
 * Keeps a node to its own: its Node, its pods' status, tokens of pods that run on it, its lease and CSINode.
 * The Node authorizer decides by names; this plugin by what is in the objects.
 * Upstream: plugin/pkg/admission/noderestriction/admission.go.
 */
import type { BoundObjectReference, TokenRequest } from '#machinery/api/authentication/v1/types.gen.ts'
import type { CertificateSigningRequest } from '#machinery/api/certificates/v1/types.gen.ts'
import type { PersistentVolumeClaim, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { ResourceSlice } from '#machinery/api/resource/v1/types.gen.ts'
import { newNotFound } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { nodeNameOf } from '../../authentication/node-identity.ts'
import { parseSigningRequest } from '../../authentication/pki/csr.ts'
import type { AdmissionDeps } from '../deps.ts'
import { admissionForbidden } from '../forbidden.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../interfaces.ts'
import { checkMirrorPod } from './mirror-pod.ts'
import { checkNode } from './node-object.ts'
import { mayRequestAudience } from './token-audience.ts'

type Deps = Pick<AdmissionDeps, 'peek' | 'authorizer'>
type FrozenPod = DeepReadonly<Pod>

const LEASES_NAMESPACE = 'kube-node-lease'
const KUBELET_SIGNERS: ReadonlySet<string> = new Set([
  'kubernetes.io/kubelet-serving',
  'kubernetes.io/kube-apiserver-client-kubelet',
])

export function createNodeRestriction(deps: Deps): AdmissionPlugin {
  return {
    name: 'NodeRestriction',
    handles: (operation) => operation !== 'CONNECT',
    admit(attributes) {
      const nodeName = nodeNameOf(attributes.user)
      if (nodeName === undefined) return
      if (nodeName === '') throw refuse(attributes, `could not determine node from user "${attributes.user.name}"`)
      return CHECKS.get(`${attributes.group}/${attributes.resource}`)?.(nodeName, attributes, deps)
    },
  }
}

const refuse = admissionForbidden

type CheckRequest = (nodeName: string, attributes: AdmissionAttributes, deps: Deps) => void | Promise<void>

const CHECKS: ReadonlyMap<string, CheckRequest> = new Map<string, CheckRequest>([
  ['/pods', checkPod],
  ['/nodes', checkNode],
  ['/persistentvolumeclaims', checkClaim],
  ['/serviceaccounts', checkToken],
  ['coordination.k8s.io/leases', checkLease],
  ['storage.k8s.io/csinodes', checkCsiNode],
  ['resource.k8s.io/resourceslices', checkSlice],
  ['certificates.k8s.io/certificatesigningrequests', checkSigningRequest],
])

function checkPod(nodeName: string, attributes: AdmissionAttributes, deps: Deps): void {
  const { subresource, operation } = attributes
  if (subresource === 'status') checkPodStatus(nodeName, attributes)
  else if (subresource === 'eviction') checkEviction(nodeName, attributes, deps)
  else if (subresource !== '') {
    throw refuse(attributes, `unexpected pod subresource "${subresource}", only 'status' and 'eviction' are allowed`)
  } else if (operation === 'CREATE') checkMirrorPod(nodeName, attributes, deps)
  else if (operation === 'DELETE') checkPodDelete(nodeName, attributes, deps)
  else {
    const why = `unexpected operation "${operation}", node "${nodeName}" can only create and delete mirror pods`
    throw refuse(attributes, why)
  }
}

function checkPodDelete(nodeName: string, attributes: AdmissionAttributes, deps: Deps): void {
  if (requirePod(attributes, deps, attributes.name).spec.nodeName === nodeName) return
  throw refuse(attributes, `node "${nodeName}" can only delete pods with spec.nodeName set to itself`)
}

function requirePod({ namespace }: AdmissionAttributes, deps: Deps, name: string): FrozenPod {
  const pod = deps.peek('', 'pods', namespace, name)
  if (pod === undefined) throw newNotFound({ group: '', resource: 'pods' }, name)
  return pod as FrozenPod
}

function checkPodStatus(nodeName: string, attributes: AdmissionAttributes): void {
  if (attributes.operation !== 'UPDATE') throw refuse(attributes, `unexpected operation "${attributes.operation}"`)
  const old = attributes.oldObject as FrozenPod
  const pod = attributes.object as Pod
  if (old.spec.nodeName !== nodeName) {
    throw refuse(attributes, `node "${nodeName}" can only update pod status for pods with spec.nodeName set to itself`)
  }
  if (!deepEqual(old.metadata.labels ?? {}, pod.metadata.labels ?? {})) {
    throw refuse(attributes, `node "${nodeName}" cannot update labels through pod status`)
  }
  const claims = ({ status }: FrozenPod) =>
    (status?.resourceClaimStatuses ?? []).map(({ name, resourceClaimName }) => [name, resourceClaimName ?? null])
  if (!deepEqual(claims(old), claims(pod))) {
    throw refuse(attributes, `node "${nodeName}" cannot update resource claim statues`)
  }
  if (!deepEqual(old.status?.extendedResourceClaimStatus, pod.status?.extendedResourceClaimStatus)) {
    throw refuse(attributes, `node "${nodeName}" cannot update extended resource claim status`)
  }
}

function checkEviction(nodeName: string, attributes: AdmissionAttributes, deps: Deps): void {
  if (attributes.operation !== 'CREATE') throw refuse(attributes, `unexpected operation ${attributes.operation}`)
  const name = attributes.name || (attributes.object?.metadata.name ?? '')
  if (name === '') throw refuse(attributes, 'could not determine pod from request data')
  if (requirePod(attributes, deps, name).spec.nodeName !== nodeName) {
    throw refuse(attributes, `node ${nodeName} can only evict pods with spec.nodeName set to itself`)
  }
}

function checkClaim(nodeName: string, attributes: AdmissionAttributes): void {
  if (attributes.subresource !== 'status') throw refuse(attributes, 'may only update PVC status')
  if (attributes.operation !== 'UPDATE') throw refuse(attributes, `unexpected operation "${attributes.operation}"`)
  const rest = (object: DeepReadonly<KubeObject> | undefined): object => {
    const { metadata, status, ...more } = object as DeepReadonly<PersistentVolumeClaim>
    const { resourceVersion: _version, managedFields: _fields, ...meta } = metadata
    const {
      capacity: _c,
      conditions: _d,
      allocatedResources: _a,
      allocatedResourceStatuses: _s,
      ...others
    } = status ?? {}
    return { ...more, metadata: meta, status: others }
  }
  if (!deepEqual(rest(attributes.oldObject), rest(attributes.object))) {
    const why = `node "${nodeName}" is not allowed to update fields other than status.quantity and status.conditions`
    throw refuse(attributes, why)
  }
}

async function checkToken(nodeName: string, attributes: AdmissionAttributes, deps: Deps): Promise<void> {
  if (attributes.operation !== 'CREATE' || attributes.subresource !== 'token') return
  const { spec } = attributes.object as TokenRequest
  const ref: BoundObjectReference = spec?.boundObjectRef ?? {}
  if (ref.apiVersion !== 'v1' || ref.kind !== 'Pod' || (ref.name ?? '') === '') {
    throw refuse(attributes, 'node requested token not bound to a pod')
  }
  if ((ref.uid ?? '') === '') throw refuse(attributes, 'node requested token with a pod binding without a uid')
  const pod = requirePod(attributes, deps, ref.name ?? '')
  if (ref.uid !== pod.metadata.uid) {
    const why = 'does not match the UID in record. The object might have been deleted and then recreated'
    throw refuse(attributes, `the UID in the bound object reference (${ref.uid}) ${why}`)
  }
  if (pod.spec.nodeName !== nodeName) {
    throw refuse(attributes, 'node requested token bound to a pod scheduled on a different node')
  }
  const audiences = spec?.audiences ?? []
  if (audiences.length > 1) throw refuse(attributes, 'node may only request 0 or 1 audiences')
  const [audience = ''] = audiences
  const mayRequest = await mayRequestAudience(pod, audience, attributes, deps).catch((err: unknown) => {
    throw refuse(attributes, errorMessage(err))
  })
  if (mayRequest) return
  const why = `audience "${audience}" not found in pod spec volume, ${attributes.user.name} is not authorized to request tokens for this audience`
  throw refuse(attributes, why)
}

const nameOf = ({ operation, object, name }: AdmissionAttributes): string =>
  operation === 'CREATE' ? (object?.metadata.name ?? '') : name

function checkLease(nodeName: string, attributes: AdmissionAttributes): void {
  if (attributes.namespace !== LEASES_NAMESPACE) {
    throw refuse(attributes, `can only access leases in the "${LEASES_NAMESPACE}" system namespace`)
  }
  if (nameOf(attributes) !== nodeName) {
    throw refuse(attributes, 'can only access node lease with the same name as the requesting node')
  }
}

function checkCsiNode(nodeName: string, attributes: AdmissionAttributes): void {
  if (nameOf(attributes) === nodeName) return
  throw refuse(attributes, 'can only access CSINode with the same name as the requesting node')
}

function checkSlice(nodeName: string, attributes: AdmissionAttributes, deps: Deps): void {
  const { operation, object, oldObject, group, resource, name } = attributes
  if (operation === 'UPDATE') return
  const slice = operation === 'CREATE' ? object : (oldObject ?? deps.peek(group, resource, '', name))
  if ((slice as DeepReadonly<ResourceSlice> | undefined)?.spec.nodeName === nodeName) return
  const verb = operation === 'CREATE' ? 'create' : 'delete'
  throw refuse(attributes, `can only ${verb} ResourceSlice with the same NodeName as the requesting node`)
}

function checkSigningRequest(nodeName: string, attributes: AdmissionAttributes): void {
  if (attributes.operation !== 'CREATE') return
  const { spec } = attributes.object as CertificateSigningRequest
  if (!KUBELET_SIGNERS.has(spec.signerName)) return
  let commonName: string
  try {
    commonName = parseSigningRequest(Buffer.from(spec.request, 'base64').toString('latin1')).subject.commonName
  } catch (err: unknown) {
    throw refuse(attributes, `unable to parse csr: ${errorMessage(err)}`)
  }
  if (commonName === `system:node:${nodeName}`) return
  throw refuse(attributes, `can only create a node CSR with CN=system:node:${nodeName}`)
}
