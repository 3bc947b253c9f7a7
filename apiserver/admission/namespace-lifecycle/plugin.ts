/**
 * Nothing is written into a namespace that does not exist, nothing new into one that is going; some never go.
 * Upstream: apiserver pkg/admission/plugin/namespace/lifecycle.
 */
import { newNotFound } from '#machinery/meta/errors.ts'
import type { AdmissionDeps } from '../deps.ts'
import { admissionForbidden, isResource } from '../forbidden.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../interfaces.ts'

const IMMORTAL: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public'])
const NAMESPACES = { group: '', resource: 'namespaces' } as const

export function createNamespaceLifecycle(deps: Pick<AdmissionDeps, 'namespace'>): AdmissionPlugin {
  return {
    name: 'NamespaceLifecycle',
    handles: (operation) => operation !== 'CONNECT',
    admit(attributes) {
      const isNamespace = attributes.group === '' && attributes.resource === 'namespaces'
      if (
        attributes.operation === 'DELETE' &&
        isResource(attributes, '', 'namespaces') &&
        IMMORTAL.has(attributes.name)
      ) {
        throw admissionForbidden(attributes, 'this namespace may not be deleted')
      }
      if (isNamespace || attributes.namespace === '' || attributes.operation === 'DELETE') return
      // Access reviews say what would be allowed, also where nothing exists yet.
      if (attributes.group === 'authorization.k8s.io') return
      checkNamespace(deps, attributes)
    },
  }
}

function checkNamespace(deps: Pick<AdmissionDeps, 'namespace'>, attributes: AdmissionAttributes): void {
  const namespace = deps.namespace(attributes.namespace)
  if (namespace === undefined) throw newNotFound(NAMESPACES, attributes.namespace)
  const isGoing = namespace.status?.phase === 'Terminating' || namespace.metadata.deletionTimestamp !== undefined
  if (attributes.operation !== 'CREATE' || !isGoing) return
  const why = `unable to create new content in namespace ${attributes.namespace} because it is being terminated`
  throw admissionForbidden(attributes, why, {
    reason: 'NamespaceTerminating',
    message: `namespace ${attributes.namespace} is being terminated`,
    field: 'metadata.namespace',
  })
}
