/**
 * SubjectAccessReview and its relatives: asks the authorizer about somebody, or about the caller.
 * Upstream: pkg/registry/authorization/{subjectaccessreview,localsubjectaccessreview,selfsubjectaccessreview}.
 */
import type {
  FieldSelectorAttributes,
  LabelSelectorAttributes,
  LocalSubjectAccessReview,
  SelfSubjectAccessReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
  SubjectAccessReviewStatus,
} from '#machinery/api/authorization/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newBadRequest, newInvalid } from '#machinery/meta/errors.ts'
import { type FieldError, fieldForbidden, fieldInvalid } from '#machinery/meta/field-error.ts'
import { type FieldRequirement, formatFieldSelector } from '#machinery/selectors/field.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import type { UserInfo } from '../../authentication/interfaces.ts'
import { createUser } from '../../authentication/user.ts'
import type { AuthorizationAttributes, Authorizer } from '../../authorization/interfaces.ts'
import type { RequestContext } from '../generic/interfaces.ts'
import { type ReviewedAction, validateAction, validateEmptyMetadata } from './review-errors.ts'

type Create = (object: KubeObject, context: RequestContext) => Promise<KubeObject>

export function reviewSubject(authorizer: Authorizer): Create {
  return async (object) => {
    const review = object as SubjectAccessReview
    const spec = review.spec ?? {}
    throwIfInvalid(review, [...validateSubject(spec), ...validateEmptyMetadata(review, [])])
    return { ...review, status: await decide(authorizer, subjectOf(spec), spec) }
  }
}

export function reviewLocalSubject(authorizer: Authorizer): Create {
  return async (object, context) => {
    const review = object as LocalSubjectAccessReview
    const spec = review.spec ?? {}
    const errors = [...validateSubject(spec), ...validateEmptyMetadata(review, ['namespace'])]
    if (spec.nonResourceAttributes !== undefined) {
      errors.push(fieldForbidden('spec.nonResourceAttributes', 'disallowed on this kind of request'))
    }
    throwIfInvalid(review, errors)
    if ((spec.resourceAttributes?.namespace ?? '') !== context.namespace) {
      throw newBadRequest(`spec.resourceAttributes.namespace must match namespace: ${context.namespace}`)
    }
    const metadata = { ...review.metadata, namespace: context.namespace }
    return { ...review, metadata, status: await decide(authorizer, subjectOf(spec), spec) }
  }
}

export function reviewSelf(authorizer: Authorizer): Create {
  return async (object, context) => {
    const review = object as SelfSubjectAccessReview
    const spec = review.spec ?? {}
    throwIfInvalid(review, [...validateAction(spec), ...validateEmptyMetadata(review, [])])
    return { ...review, status: await decide(authorizer, context.user, spec) }
  }
}

function validateSubject(spec: SubjectAccessReviewSpec): FieldError[] {
  const errors = validateAction(spec)
  if ((spec.user ?? '') === '' && (spec.groups ?? []).length === 0) {
    errors.push(fieldInvalid('spec.user', spec.user ?? '', 'at least one of user or group must be specified'))
  }
  return errors
}

function throwIfInvalid(review: KubeObject, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw newInvalid({ group: 'authorization.k8s.io', kind: review.kind }, '', errors)
}

function subjectOf({ user = '', uid = '', groups = [], extra = {} }: SubjectAccessReviewSpec): UserInfo {
  const entries = Object.entries(extra).map(([key, values]) => [key.toLowerCase(), values] as const)
  return createUser(user, { uid, groups, extra: new Map(entries) })
}

async function decide(
  authorizer: Authorizer,
  user: UserInfo,
  action: ReviewedAction,
): Promise<SubjectAccessReviewStatus> {
  const { decision, reason, evaluationError = '' } = await authorizer.authorize(attributesOf(user, action))
  return {
    allowed: decision === 'Allow',
    ...(decision === 'Deny' ? { denied: true } : {}),
    ...(reason === '' ? {} : { reason }),
    ...(evaluationError === '' ? {} : { evaluationError }),
  }
}

function attributesOf(user: UserInfo, action: ReviewedAction): AuthorizationAttributes {
  const resource = action.resourceAttributes
  return {
    user,
    verb: resource?.verb ?? action.nonResourceAttributes?.verb ?? '',
    isResourceRequest: resource !== undefined,
    apiGroup: resource?.group ?? '',
    apiVersion: resource?.version ?? '',
    resource: resource?.resource ?? '',
    subresource: resource?.subresource ?? '',
    namespace: resource?.namespace ?? '',
    name: resource?.name ?? '',
    path: action.nonResourceAttributes?.path ?? '',
    fieldSelector: fieldSelectorText(resource?.fieldSelector),
    labelSelector: labelSelectorText(resource?.labelSelector),
  }
}

/** What cannot be said as text is left out: the review is then about more than was asked, never less. */
function fieldSelectorText({ rawSelector = '', requirements = [] }: FieldSelectorAttributes = {}): string {
  if (rawSelector !== '') return rawSelector
  return formatFieldSelector(
    requirements.flatMap(({ key, operator, values = [] }): FieldRequirement[] => {
      const [value] = values
      if (value === undefined || values.length > 1) return []
      if (operator === 'In') return [{ field: key, operator: '=', value }]
      return operator === 'NotIn' ? [{ field: key, operator: '!=', value }] : []
    }),
  )
}

function labelSelectorText({ rawSelector = '', requirements = [] }: LabelSelectorAttributes = {}): string {
  if (rawSelector !== '' || requirements.length === 0) return rawSelector
  try {
    return labelSelectorAsMatcher({ matchExpressions: requirements }).toString()
  } catch {
    return ''
  }
}
