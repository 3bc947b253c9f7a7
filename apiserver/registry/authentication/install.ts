/** authentication.k8s.io/v1: questions that are answered and not stored. Upstream: pkg/registry/authentication. */
import type { TokenAuthenticator } from '../../authentication/bearer-token.ts'
import type { RegistryDeps } from '../deps.ts'
import type { ResourceDefinition, Verb } from '../generic/interfaces.ts'
import { defineGroup } from '../resource-row.ts'
import { reviewSelf } from './self-review.ts'
import { reviewToken } from './token-review.ts'

export interface AuthenticationResourcesOptions {
  readonly tokens: TokenAuthenticator
  readonly apiAudiences: readonly string[]
}

const CREATE_ONLY: readonly Verb[] = ['create']

export function authenticationResources(
  deps: RegistryDeps,
  { tokens, apiAudiences }: AuthenticationResourcesOptions,
): ResourceDefinition[] {
  const group = {
    group: 'authentication.k8s.io',
    version: 'v1',
    resources: [
      {
        resource: 'selfsubjectreviews',
        kind: 'SelfSubjectReview',
        namespaced: false,
        verbs: CREATE_ONLY,
        virtualCreate: () => reviewSelf,
      },
      {
        resource: 'tokenreviews',
        kind: 'TokenReview',
        namespaced: false,
        verbs: CREATE_ONLY,
        virtualCreate: () => reviewToken(tokens, apiAudiences),
      },
    ],
  }
  return defineGroup(group, deps)
}
