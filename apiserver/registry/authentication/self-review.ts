/** SelfSubjectReview, `kubectl auth whoami`. Upstream: pkg/registry/authentication/selfsubjectreview. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { RequestContext } from '../generic/interfaces.ts'
import { toApiUserInfo } from './user-info.ts'

export function reviewSelf(object: KubeObject, { user, clock }: RequestContext): KubeObject {
  const metadata = { ...object.metadata, creationTimestamp: formatTime(clock.now()) }
  return { ...object, metadata, status: { userInfo: toApiUserInfo(user) } } as KubeObject
}
