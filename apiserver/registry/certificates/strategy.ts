/**
 * Certificate signing requests: who asks is taken from the request, never from the body; only /approval approves.
 * Upstream: pkg/registry/certificates/certificates/strategy.go.
 */
import type { CertificateSigningRequest } from '#machinery/api/certificates/v1/types.gen.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { validateApprovalUpdate, validateCertificateSigningRequest } from '#apiserver/apis/certificates/validation.ts'
import type { Strategy, SubresourceDefinition } from '../generic/interfaces.ts'
import { copyMember, restoreExcept } from '../strategy.ts'

export const certificateSigningRequestStrategy: Strategy = {
  prepareForCreate(draft, context) {
    const request = draft as CertificateSigningRequest
    const { user } = context
    request.spec = { ...request.spec, username: user.name, groups: [...user.groups] }
    delete request.spec.uid
    delete request.spec.extra
    if (user.uid !== '') request.spec.uid = user.uid
    if (user.extra.size > 0) {
      request.spec.extra = Object.fromEntries([...user.extra].map(([key, values]) => [key, [...values]]))
    }
    request.status = {}
  },
  /** The spec never changes. */
  prepareForUpdate(draft, old) {
    copyMember(draft, old, 'spec')
  },
  validate: (object) => validateCertificateSigningRequest(object as DeepReadonly<CertificateSigningRequest>),
}

const STATUS_ONLY: ReadonlySet<string> = new Set(['status'])

export const approvalSubresource: SubresourceDefinition = {
  name: 'approval',
  type: 'view',
  verbs: ['get', 'patch', 'update'],
  strategy: {
    prepareForUpdate(draft, old, context) {
      const conditions = (draft as CertificateSigningRequest).status?.conditions ?? []
      restoreExcept(draft, old, STATUS_ONLY)
      const now = formatTime(context.clock.now())
      const stamped = conditions.map((condition) => ({
        ...condition,
        lastUpdateTime: condition.lastUpdateTime ?? now,
        lastTransitionTime: condition.lastTransitionTime ?? now,
      }))
      const before = (old as DeepReadonly<CertificateSigningRequest>).status
      const request = draft as CertificateSigningRequest
      request.status = { ...(before as CertificateSigningRequest['status']), conditions: stamped }
    },
    validateUpdate: (object, old) =>
      validateApprovalUpdate(
        object as DeepReadonly<CertificateSigningRequest>,
        old as DeepReadonly<CertificateSigningRequest>,
      ),
  },
}
