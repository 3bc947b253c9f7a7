/**
 * Certificate signing requests: who asks is taken from the request, never from the body; only /approval approves.
 * Upstream: pkg/registry/certificates/certificates/strategy.go.
 */

import type { RequestUpdatePath } from '#apiserver/apis/certificates/validation.ts'
import { validateCertificateSigningRequest, validateRequestUpdate } from '#apiserver/apis/certificates/validation.ts'
import { signingRequestProblem } from '#apiserver/authentication/pki/csr.ts'
import type { CertificateSigningRequest } from '#machinery/api/certificates/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { isPathSegmentName } from '#machinery/meta/validation.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { RequestContext, Strategy, SubresourceDefinition } from '../generic/interfaces.ts'
import { copyMember, restoreExcept } from '../strategy.ts'

const updateBy =
  (path: RequestUpdatePath): NonNullable<Strategy['validateUpdate']> =>
  (object, old) =>
    validateRequestUpdate(
      object as DeepReadonly<CertificateSigningRequest>,
      old as DeepReadonly<CertificateSigningRequest>,
      path,
      signingRequestProblem,
    )

export const certificateSigningRequestStrategy: Strategy = {
  resetFields: ['spec', 'status'],
  // Upstream has no rule of its own: whatever is a path segment.
  validateName: isPathSegmentName,
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
  validate: (object) =>
    validateCertificateSigningRequest(object as DeepReadonly<CertificateSigningRequest>, signingRequestProblem),
  validateUpdate: updateBy('main'),
}

/** Signers write here; who approved is not theirs to change. */
export const requestStatusStrategy: Strategy = {
  resetFields: ['spec', 'status.conditions'],
  prepareForUpdate(draft, old, context) {
    const request = draft as CertificateSigningRequest
    if (request.status?.conditions === undefined) return
    request.status.conditions = stamped(keepVerdicts(request.status.conditions, old), old, context)
  },
  validateUpdate: updateBy('status'),
}

type Conditions = NonNullable<NonNullable<CertificateSigningRequest['status']>['conditions']>

/** Approved and Denied as they are stored; added or removed ones stay as they came, and are refused later. */
function keepVerdicts(conditions: Conditions, old: DeepReadonly<KubeObject>): Conditions {
  const before = (old as DeepReadonly<CertificateSigningRequest>).status?.conditions ?? []
  const kept = [...conditions]
  for (const verdict of ['Approved', 'Denied']) {
    const stored = before.filter(({ type }) => type === verdict)
    const places = [...conditions.keys()].filter((i) => conditions[i]?.type === verdict)
    if (places.length !== stored.length) continue
    stored.forEach((condition, i) => {
      kept[places[i] as number] = { ...condition }
    })
  }
  return kept
}

/** A condition that was there with the same status keeps the time of its transition. */
function stamped(conditions: Conditions, old: DeepReadonly<KubeObject>, context: RequestContext): Conditions {
  const now = formatTime(context.clock.now())
  const before = (old as DeepReadonly<CertificateSigningRequest>).status?.conditions ?? []
  return conditions.map((condition) => ({
    ...condition,
    lastUpdateTime: condition.lastUpdateTime ?? now,
    lastTransitionTime:
      condition.lastTransitionTime ??
      before.find(({ type, status }) => type === condition.type && status === condition.status)?.lastTransitionTime ??
      now,
  }))
}

const STATUS_ONLY: ReadonlySet<string> = new Set(['status'])

export const approvalSubresource: SubresourceDefinition = {
  name: 'approval',
  type: 'view',
  verbs: ['get', 'patch', 'update'],
  strategy: {
    resetFields: ['spec', 'status.certificate'],
    prepareForUpdate(draft, old, context) {
      const conditions = (draft as CertificateSigningRequest).status?.conditions ?? []
      restoreExcept(draft, old, STATUS_ONLY)
      const before = (old as DeepReadonly<CertificateSigningRequest>).status
      const request = draft as CertificateSigningRequest
      request.status = {
        ...(before as CertificateSigningRequest['status']),
        conditions: stamped(conditions, old, context),
      }
    },
    validateUpdate: updateBy('approval'),
  },
}
