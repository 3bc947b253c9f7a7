/**
 * What expressions of admission may name: object, oldObject, request, namespaceObject, authorizer and, in policies with a
 * paramKind, params. Upstream: apiserver pkg/admission/plugin/cel/compile.go.
 */
import type { CelEnvironment } from '#machinery/cel/environment.ts'
import { createKubernetesEnvironment } from '#machinery/cel/kubernetes/libraries.ts'
import { type CelType, listType, objectType } from '#machinery/cel/types.ts'
import { AUTHORIZER_LIBRARY, AUTHORIZER_TYPE, RESOURCE_CHECK_TYPE } from './authorizer-library.ts'

const KIND = objectType('kubernetes.GroupVersionKind', { group: 'string', version: 'string', kind: 'string' })
const RESOURCE = objectType('kubernetes.GroupVersionResource', {
  group: 'string',
  version: 'string',
  resource: 'string',
})
const USER = objectType('kubernetes.UserInfo', {
  username: 'string',
  uid: 'string',
  groups: 'list(string)',
  extra: 'map(string, list(string))',
})

const REQUEST: CelType = objectType('kubernetes.AdmissionRequest', {
  kind: KIND,
  resource: RESOURCE,
  subResource: 'string',
  requestKind: KIND,
  requestResource: RESOURCE,
  requestSubResource: 'string',
  name: 'string',
  namespace: 'string',
  operation: 'string',
  userInfo: USER,
  dryRun: 'bool',
  options: 'dyn',
})

const CONDITION = objectType('kubernetes.NamespaceCondition', {
  status: 'string',
  type: 'string',
  lastTransitionTime: 'timestamp',
  message: 'string',
  reason: 'string',
})

const NAMESPACE: CelType = objectType('kubernetes.Namespace', {
  metadata: objectType('kubernetes.NamespaceMetadata', {
    name: 'string',
    generateName: 'string',
    namespace: 'string',
    labels: 'map(string, string)',
    annotations: 'map(string, string)',
    UID: 'string',
    creationTimestamp: 'timestamp',
    deletionGracePeriodSeconds: 'int',
    deletionTimestamp: 'timestamp',
    generation: 'int',
    resourceVersion: 'string',
    finalizers: 'list(string)',
  }),
  spec: objectType('kubernetes.NamespaceSpec', { finalizers: 'list(string)' }),
  status: objectType('kubernetes.NamespaceStatus', { conditions: listType(CONDITION), phase: 'string' }),
})

const VARIABLES = {
  object: 'dyn',
  oldObject: 'dyn',
  request: REQUEST,
  namespaceObject: NAMESPACE,
  authorizer: AUTHORIZER_TYPE,
  'authorizer.requestResource': RESOURCE_CHECK_TYPE,
}

const made = new Map<boolean, CelEnvironment>()

/** Made at the first use, which a server without expressions never has. */
export function admissionEnvironment(hasParams: boolean): CelEnvironment {
  const known = made.get(hasParams)
  if (known !== undefined) return known
  const variables = hasParams ? { ...VARIABLES, params: 'dyn' } : VARIABLES
  const environment = createKubernetesEnvironment({ variables, libraries: [AUTHORIZER_LIBRARY] })
  made.set(hasParams, environment)
  return environment
}
