/**
 * `authorizer.group("apps").resource("deployments").namespace("a").check("create").allowed()`: what a user may do, asked of
 * the server's authorizer. Upstream: apiserver pkg/cel/library/authz.go, costs of cost.go.
 */
import { LIST_COST, sizeOf, traversal } from '#machinery/cel/cost.ts'
import { type CelLibrary, defineMember } from '#machinery/cel/functions.ts'
import { trimSpace } from '#machinery/cel/text.ts'
import { type CelType, opaqueType } from '#machinery/cel/types.ts'
import { CelOpaque, type CelValue, EvaluationError } from '#machinery/cel/values.ts'
import { isDns1123Label, isDns1123Subdomain } from '#machinery/meta/validation.ts'
import type { UserInfo } from '../authentication/interfaces.ts'
import { serviceAccountGroups, serviceAccountUserName } from '../authentication/serviceaccount/names.ts'
import type { SyncAuthorizer } from '../authorization/chain.ts'
import type { AuthorizationDecision } from '../authorization/interfaces.ts'

const PREFIX = 'kubernetes.authorization'
const A = `${PREFIX}.Authorizer`
const PATH = `${PREFIX}.PathCheck`
const GROUP = `${PREFIX}.GroupCheck`
const RESOURCE = `${PREFIX}.ResourceCheck`
const DECISION = `${PREFIX}.Decision`

export const AUTHORIZER_TYPE: CelType = opaqueType(A)
export const RESOURCE_CHECK_TYPE: CelType = opaqueType(RESOURCE)
const PATH_CHECK_TYPE = opaqueType(PATH)
const GROUP_CHECK_TYPE = opaqueType(GROUP)
const DECISION_TYPE = opaqueType(DECISION)

/** Two checks are what one expression can pay for. */
const CHECK_COST = 350_000
const STRUCT_COST = 40

interface ResourceRequest {
  readonly apiGroup: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly fieldSelector?: string
  readonly labelSelector?: string
}

abstract class Receiver extends CelOpaque {
  equals(other: CelValue): boolean {
    return this === other
  }
}

export class CelAuthorizer extends Receiver {
  readonly type = AUTHORIZER_TYPE
  readonly authorizer: SyncAuthorizer
  readonly user: UserInfo

  constructor(authorizer: SyncAuthorizer, user: UserInfo) {
    super()
    this.authorizer = authorizer
    this.user = user
  }

  serviceAccount(namespace: string, name: string): CelAuthorizer {
    if (isDns1123Subdomain(name).length > 0) throw new EvaluationError('Invalid service account name')
    if (isDns1123Label(namespace).length > 0) throw new EvaluationError('Invalid service account namespace')
    return new CelAuthorizer(this.authorizer, {
      name: serviceAccountUserName(namespace, name),
      uid: '',
      groups: serviceAccountGroups(namespace),
      extra: new Map(),
    })
  }
}

class PathCheck extends Receiver {
  readonly type = PATH_CHECK_TYPE
  readonly of: CelAuthorizer
  readonly path: string

  constructor(of: CelAuthorizer, path: string) {
    super()
    this.of = of
    this.path = filled('path', path)
  }

  check(verb: string): Decision {
    const { authorizer, user } = this.of
    return new Decision(authorizer.authorize({ ...NO_RESOURCE, user, verb, isResourceRequest: false, path: this.path }))
  }
}

class GroupCheck extends Receiver {
  readonly type = GROUP_CHECK_TYPE
  readonly of: CelAuthorizer
  readonly apiGroup: string

  constructor(of: CelAuthorizer, apiGroup: string) {
    super()
    this.of = of
    this.apiGroup = apiGroup
  }

  resource(resource: string): ResourceCheck {
    return new ResourceCheck(this.of, {
      apiGroup: this.apiGroup,
      resource: filled('resource', resource),
      subresource: '',
      namespace: '',
      name: '',
    })
  }
}

export class ResourceCheck extends Receiver {
  readonly type = RESOURCE_CHECK_TYPE
  readonly of: CelAuthorizer
  readonly request: ResourceRequest

  constructor(of: CelAuthorizer, request: ResourceRequest) {
    super()
    this.of = of
    this.request = request
  }

  with(more: Partial<ResourceRequest>): ResourceCheck {
    return new ResourceCheck(this.of, { ...this.request, ...more })
  }

  check(verb: string): Decision {
    const { authorizer, user } = this.of
    const request = { ...this.request, user, verb, isResourceRequest: true, apiVersion: '*', path: '' }
    return new Decision(authorizer.authorize(request))
  }
}

class Decision extends Receiver {
  readonly type = DECISION_TYPE
  readonly decision: AuthorizationDecision

  constructor(decision: AuthorizationDecision) {
    super()
    this.decision = decision
  }
}

const NO_RESOURCE = { apiGroup: '', apiVersion: '', resource: '', subresource: '', namespace: '', name: '' }

function filled(what: string, text: string): string {
  if (trimSpace(text) === '') throw new EvaluationError(`${what} must not be empty`)
  return text
}

/** A selector is read into requirements, of two characters each at least. */
const selectorCost = ([, selector]: readonly CelValue[]): number =>
  LIST_COST + traversal(sizeOf(selector)) + Math.ceil(sizeOf(selector) * 0.5) * (LIST_COST + STRUCT_COST)

const checkCost = (): number => CHECK_COST

export const AUTHORIZER_LIBRARY: CelLibrary = {
  overloads: [
    defineMember(`${A}.path(string): ${PATH}`, (of: CelAuthorizer, path: string) => new PathCheck(of, path)),
    defineMember(`${A}.group(string): ${GROUP}`, (of: CelAuthorizer, group: string) => new GroupCheck(of, group)),
    defineMember(`${A}.serviceAccount(string, string): ${A}`, (of: CelAuthorizer, namespace: string, name: string) =>
      of.serviceAccount(namespace, name),
    ),
    defineMember(`${GROUP}.resource(string): ${RESOURCE}`, (group: GroupCheck, name: string) => group.resource(name)),
    ...(['subresource', 'namespace', 'name'] as const).map((part) =>
      defineMember(`${RESOURCE}.${part}(string): ${RESOURCE}`, (check: ResourceCheck, value: string) =>
        check.with({ [part]: value }),
      ),
    ),
    ...(['fieldSelector', 'labelSelector'] as const).map((part) =>
      defineMember(
        `${RESOURCE}.${part}(string): ${RESOURCE}`,
        (check: ResourceCheck, value: string) => check.with({ [part]: value }),
        selectorCost,
      ),
    ),
    defineMember(
      `${PATH}.check(string): ${DECISION}`,
      (check: PathCheck, verb: string) => check.check(verb),
      checkCost,
    ),
    defineMember(
      `${RESOURCE}.check(string): ${DECISION}`,
      (check: ResourceCheck, verb: string) => check.check(verb),
      checkCost,
    ),
    defineMember(`${DECISION}.allowed(): bool`, ({ decision }: Decision) => decision.decision === 'Allow'),
    defineMember(`${DECISION}.reason(): string`, ({ decision }: Decision) => decision.reason),
    defineMember(`${DECISION}.errored(): bool`, ({ decision }: Decision) => decision.evaluationError !== undefined),
    defineMember(`${DECISION}.error(): string`, ({ decision }: Decision) => decision.evaluationError ?? ''),
  ],
  types: [AUTHORIZER_TYPE, PATH_CHECK_TYPE, GROUP_CHECK_TYPE, RESOURCE_CHECK_TYPE, DECISION_TYPE],
}
