/** TokenReview: whose token is this? Upstream: pkg/registry/authentication/tokenreview. */
import type { TokenReview, TokenReviewStatus } from '#machinery/api/authentication/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newBadRequest } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { TokenAuthenticator } from '../../authentication/bearer-token.ts'
import { withAuthenticatedGroup } from '../../authentication/chain.ts'
import { toApiUserInfo } from './user-info.ts'

export function reviewToken(tokens: TokenAuthenticator, apiAudiences: readonly string[]) {
  return (object: KubeObject): KubeObject => {
    const review = object as TokenReview
    const { token = '', audiences = [] } = review.spec ?? {}
    if (token === '') throw newBadRequest('token is required for TokenReview in authentication')
    const wanted = audiences.length === 0 ? apiAudiences : audiences
    return { ...review, status: statusOf(tokens, token, wanted, apiAudiences) } as KubeObject
  }
}

function statusOf(
  tokens: TokenAuthenticator,
  token: string,
  wanted: readonly string[],
  apiAudiences: readonly string[],
): TokenReviewStatus {
  try {
    const result = tokens.authenticateToken(token, wanted)
    if (result === undefined) return { user: {}, error: 'invalid bearer token' }
    // A token that names no audience is one for the API server.
    const audiences = (result.audiences ?? apiAudiences).filter((audience) => wanted.includes(audience))
    if (audiences.length === 0) return { user: {} }
    return { authenticated: true, user: toApiUserInfo(withAuthenticatedGroup(result).user), audiences }
  } catch (err: unknown) {
    return { user: {}, error: `[invalid bearer token, ${errorMessage(err)}]` }
  }
}
