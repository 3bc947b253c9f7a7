/**
 * What a node may do: read what its pods need, write what is its own. Names decide here; what is inside the objects is
 * looked at by the NodeRestriction admission plugin.
 * Upstream: plugin/pkg/auth/authorizer/node/node_authorizer.go, AuthorizeNodeWithSelectors included.
 */
import { parseFieldSelector } from '#machinery/selectors/field.ts'
import { nodeNameOf } from '../../authentication/node-identity.ts'
import type { SyncAuthorizer } from '../chain.ts'
import type { AuthorizationAttributes, AuthorizationDecision, PolicyRule } from '../interfaces.ts'
import { CompiledRule, requestedAction } from '../rbac/compiled-rule.ts'
import type { NodeRelationsDeps, RelatedKind } from './relations.ts'
import { NodeRelations } from './relations.ts'

export interface NodeAuthorizerDeps extends NodeRelationsDeps {
  /** For everything that is the same for all nodes. */
  readonly rules: readonly PolicyRule[]
}

const ALLOW: AuthorizationDecision = Object.freeze({ decision: 'Allow', reason: '' })
const NO_OPINION: AuthorizationDecision = Object.freeze({ decision: 'NoOpinion', reason: '' })
const no = (reason: string): AuthorizationDecision => ({ decision: 'NoOpinion', reason })

const READ: ReadonlySet<string> = new Set(['get', 'list', 'watch'])
const OWN_OBJECT_VERBS: ReadonlySet<string> = new Set(['get', 'create', 'update', 'patch', 'delete'])
const LEASES_NAMESPACE = 'kube-node-lease'

export function createNodeAuthorizer(deps: NodeAuthorizerDeps): SyncAuthorizer {
  const relations = new NodeRelations(deps)
  const rules = deps.rules.map((rule) => new CompiledRule(rule))
  return {
    authorize(attributes) {
      const nodeName = nodeNameOf(attributes.user)
      if (nodeName === undefined) return NO_OPINION
      if (nodeName === '') return no(`unknown node for user "${attributes.user.name}"`)
      const own = attributes.isResourceRequest ? RULES.get(`${attributes.apiGroup}/${attributes.resource}`) : undefined
      if (own !== undefined) return own({ nodeName, attributes, relations })
      const action = requestedAction(attributes)
      return rules.some((rule) => rule.allows(action)) ? ALLOW : NO_OPINION
    },
  }
}

interface Question {
  readonly nodeName: string
  readonly attributes: AuthorizationAttributes
  readonly relations: NodeRelations
}

type Rule = (question: Question) => AuthorizationDecision

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['/secrets', (question) => readNamespaced(question, 'secrets')],
  ['/configmaps', (question) => readNamespaced(question, 'configmaps')],
  ['/persistentvolumeclaims', claims],
  ['/persistentvolumes', (question) => getOne(question, 'persistentvolumes')],
  ['resource.k8s.io/resourceclaims', (question) => getOne(question, 'resourceclaims')],
  ['storage.k8s.io/volumeattachments', (question) => getOne(question, 'volumeattachments')],
  ['/serviceaccounts', serviceAccount],
  ['coordination.k8s.io/leases', lease],
  ['storage.k8s.io/csinodes', csiNode],
  ['resource.k8s.io/resourceslices', resourceSlice],
  ['/nodes', node],
  ['/pods', pod],
])

function related({ nodeName, attributes, relations }: Question, kind: RelatedKind): AuthorizationDecision {
  const { namespace, name } = attributes
  if (name === '') return no('No Object name found')
  if (relations.exists(nodeName, kind, namespace, name)) return ALLOW
  return no(`no relationship found between node '${nodeName}' and this object`)
}

function getOne(question: Question, kind: RelatedKind): AuthorizationDecision {
  if (question.attributes.verb !== 'get') return no('can only get individual resources of this type')
  if (question.attributes.subresource !== '') return no('cannot get subresource')
  return related(question, kind)
}

function readNamespaced(question: Question, kind: RelatedKind): AuthorizationDecision {
  const { verb, subresource, namespace } = question.attributes
  if (!READ.has(verb)) return no('can only read resources of this type')
  if (subresource !== '') return no('cannot read subresource')
  if (namespace === '') return no('can only read namespaced object of this type')
  return related(question, kind)
}

function claims(question: Question): AuthorizationDecision {
  const { verb, subresource } = question.attributes
  if (subresource !== 'status') return getOne(question, 'persistentvolumeclaims')
  if (verb !== 'update' && verb !== 'patch') return no('can only get/update/patch this type')
  return related(question, 'persistentvolumeclaims')
}

/** Of its pods: image credential providers read their annotations. */
function serviceAccount(question: Question): AuthorizationDecision {
  const { verb, subresource } = question.attributes
  return verb === 'get' && subresource === '' ? getOne(question, 'serviceaccounts') : createToken(question)
}

function createToken(question: Question): AuthorizationDecision {
  const { verb, name, subresource } = question.attributes
  if (verb !== 'create' || name === '') return no('can only create tokens for individual service accounts')
  if (subresource !== 'token') return no('can only create token subresource of serviceaccount')
  return related(question, 'serviceaccounts')
}

/** A create does not say the name yet: NodeRestriction looks at the object. */
function lease({ nodeName, attributes: { verb, namespace, name } }: Question): AuthorizationDecision {
  if (!OWN_OBJECT_VERBS.has(verb)) return no('can only get, create, update, patch, or delete a node lease')
  if (namespace !== LEASES_NAMESPACE) return no(`can only access leases in the "${LEASES_NAMESPACE}" system namespace`)
  if (verb === 'create' || name === nodeName) return ALLOW
  return no('can only access node lease with the same name as the requesting node')
}

function csiNode({ nodeName, attributes: { verb, subresource, name } }: Question): AuthorizationDecision {
  if (!OWN_OBJECT_VERBS.has(verb)) return no('can only get, create, update, patch, or delete a CSINode')
  if (subresource !== '') return no('cannot authorize CSINode subresources')
  if (verb === 'create' || name === nodeName) return ALLOW
  return no('can only access CSINode with the same name as the requesting node')
}

function resourceSlice(question: Question): AuthorizationDecision {
  const { verb, subresource } = question.attributes
  if (subresource !== '') return no('cannot authorize ResourceSlice subresources')
  if (verb === 'create') return ALLOW
  if (OWN_OBJECT_VERBS.has(verb)) return related(question, 'resourceslices')
  if (verb === 'watch' || verb === 'list' || verb === 'deletecollection') {
    if (selectsNode(question, 'spec.nodeName')) return ALLOW
    return no('can only list/watch/deletecollection resourceslices with nodeName field selector')
  }
  return no(
    'only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection',
  )
}

function node({ nodeName, attributes: { verb, subresource, name } }: Question): AuthorizationDecision {
  const isWrite = verb === 'update' || verb === 'patch'
  if (subresource === 'status') return isWrite ? ALLOW : NO_OPINION
  if (subresource !== '') return NO_OPINION
  if (isWrite || verb === 'create') return ALLOW
  if (!READ.has(verb)) return NO_OPINION
  // By name, so that a kubelet can look for its Node before there is one.
  if (name === nodeName) return ALLOW
  if (name === '') return no(`node '${nodeName}' cannot read all nodes, only its own Node object`)
  return no(`node '${nodeName}' cannot read '${name}', only its own Node object`)
}

function pod(question: Question): AuthorizationDecision {
  const { verb, subresource, name } = question.attributes
  if (subresource === 'status') return verb === 'update' || verb === 'patch' ? ALLOW : NO_OPINION
  if (subresource === 'eviction') return verb === 'create' ? ALLOW : NO_OPINION
  if (subresource !== '') return NO_OPINION
  if (verb === 'get') return related(question, 'pods')
  // Mirror pods; NodeRestriction sees to it that there are no others.
  if (verb === 'create' || verb === 'delete') return ALLOW
  if (verb !== 'list' && verb !== 'watch') return NO_OPINION
  if (selectsNode(question, 'spec.nodeName')) return ALLOW
  if (name !== '') return related(question, 'pods')
  return no('can only list/watch pods with spec.nodeName field selector')
}

function selectsNode({ nodeName, attributes: { fieldSelector = '' } }: Question, field: string): boolean {
  try {
    return parseFieldSelector(fieldSelector).some(
      (requirement) => requirement.field === field && requirement.operator === '=' && requirement.value === nodeName,
    )
  } catch {
    // The endpoint says what is wrong with it.
    return false
  }
}
