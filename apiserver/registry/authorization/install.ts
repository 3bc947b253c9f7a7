/** authorization.k8s.io/v1: questions that are answered and not stored. Upstream: pkg/registry/authorization. */
import type { Authorizer, RuleResolver } from '../../authorization/interfaces.ts'
import type { RegistryDeps } from '../deps.ts'
import type { ResourceDefinition, Verb } from '../generic/interfaces.ts'
import { defineGroup } from '../resource-row.ts'
import { reviewLocalSubject, reviewSelf, reviewSubject } from './access-review.ts'
import { reviewSelfRules } from './rules-review.ts'

export interface AuthorizationResourcesOptions {
  readonly authorizer: Authorizer
  readonly resolver: RuleResolver
}

const CREATE_ONLY: readonly Verb[] = ['create']

export function authorizationResources(
  deps: RegistryDeps,
  { authorizer, resolver }: AuthorizationResourcesOptions,
): ResourceDefinition[] {
  const group = {
    group: 'authorization.k8s.io',
    version: 'v1',
    resources: [
      {
        resource: 'localsubjectaccessreviews',
        kind: 'LocalSubjectAccessReview',
        namespaced: true,
        verbs: CREATE_ONLY,
        virtualCreate: () => reviewLocalSubject(authorizer),
      },
      {
        resource: 'selfsubjectaccessreviews',
        kind: 'SelfSubjectAccessReview',
        namespaced: false,
        verbs: CREATE_ONLY,
        virtualCreate: () => reviewSelf(authorizer),
      },
      {
        resource: 'selfsubjectrulesreviews',
        kind: 'SelfSubjectRulesReview',
        namespaced: false,
        verbs: CREATE_ONLY,
        virtualCreate: () => reviewSelfRules(resolver),
      },
      {
        resource: 'subjectaccessreviews',
        kind: 'SubjectAccessReview',
        namespaced: false,
        verbs: CREATE_ONLY,
        virtualCreate: () => reviewSubject(authorizer),
      },
    ],
  }
  return defineGroup(group, deps)
}
