/** May this user do that. Upstream: apiserver pkg/authorization/authorizer. */
import type { UserInfo } from '../authentication/interfaces.ts'

export interface AuthorizationAttributes {
  readonly user: UserInfo
  /** get list watch create update patch delete deletecollection (resources), or the lower-case HTTP method (paths). */
  readonly verb: string
  readonly isResourceRequest: boolean
  readonly apiGroup: string
  readonly apiVersion: string
  readonly resource: string
  readonly subresource: string
  readonly namespace: string
  readonly name: string
  readonly path: string
  /** As given, of list, watch and deletecollection: a request that asks for less may be allowed more. */
  readonly fieldSelector?: string
  readonly labelSelector?: string
}

export interface AuthorizationDecision {
  readonly decision: 'Allow' | 'Deny' | 'NoOpinion'
  readonly reason: string
  readonly evaluationError?: string
}

export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): AuthorizationDecision | Promise<AuthorizationDecision>
}

/** metav1-independent form of rbac's PolicyRule, for escalation checks and SelfSubjectRulesReview. */
export interface PolicyRule {
  readonly verbs: readonly string[]
  readonly apiGroups?: readonly string[]
  readonly resources?: readonly string[]
  readonly resourceNames?: readonly string[]
  readonly nonResourceURLs?: readonly string[]
}

export interface RuleResolver {
  /** Every rule that applies to the user in the namespace ('' = cluster-wide only). */
  rulesFor(
    user: UserInfo,
    namespace: string,
  ): { readonly rules: readonly PolicyRule[]; readonly errors: readonly string[] }
}
