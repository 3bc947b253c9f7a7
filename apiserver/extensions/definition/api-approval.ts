/**
 * CRDs in groups of the Kubernetes community need an annotation that says who approved the API.
 * Upstream: apiextensions-apiserver pkg/apihelpers/helpers.go, pkg/controller/apiapproval.
 */
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import type { NewCondition } from './conditions.ts'
import type { Crd } from './types.ts'
import { API_APPROVED_ANNOTATION } from './types.ts'

type ApprovalState = 'missing' | 'bypassed' | 'approved' | 'invalid'

const PROPOSAL = 'see https://github.com/kubernetes/enhancements/pull/1111'
const ANNOTATION_FIELD = `metadata.annotations[${API_APPROVED_ANNOTATION}]`

const REASONS: Readonly<Record<ApprovalState, string>> = {
  missing: 'MissingAnnotation',
  bypassed: 'UnapprovedAnnotation',
  approved: 'ApprovedAnnotation',
  invalid: 'InvalidAnnotation',
}

function isProtectedGroup(group: string): boolean {
  return ['k8s.io', 'kubernetes.io'].some((owned) => group === owned || group.endsWith(`.${owned}`))
}

function approvalOf(crd: Crd): { readonly state: ApprovalState; readonly reason: string; readonly value: string } {
  const value = crd.metadata.annotations?.[API_APPROVED_ANNOTATION] ?? ''
  if (value === '') {
    const reason = `protected groups must have approval annotation "${API_APPROVED_ANNOTATION}", ${PROPOSAL}`
    return { state: 'missing', reason, value }
  }
  if (value.startsWith('unapproved')) {
    return { state: 'bypassed', reason: `not approved: ${JSON.stringify(value)}`, value }
  }
  if (/^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#\s]+[^\s]*$/.test(value)) {
    return { state: 'approved', reason: `approved in ${value}`, value }
  }
  const reason = `protected groups must have approval annotation "${API_APPROVED_ANNOTATION}" with either a URL or a reason starting with "unapproved", ${PROPOSAL}`
  return { state: 'invalid', reason, value }
}

/** A state that does not change is never an error. */
export function validateApproval(crd: Crd, old: Crd | undefined): FieldError[] {
  if (!isProtectedGroup(crd.spec.group)) return []
  const { state, reason, value } = approvalOf(crd)
  if (old !== undefined && approvalOf(old).state === state) return []
  if (state === 'missing') return [fieldRequired(ANNOTATION_FIELD, reason)]
  return state === 'invalid' ? [fieldInvalid(ANNOTATION_FIELD, value, reason)] : []
}

/** Undefined for groups that need no approval. */
export function approvalCondition(crd: Crd): NewCondition | undefined {
  if (!isProtectedGroup(crd.spec.group)) return undefined
  const { state, reason } = approvalOf(crd)
  return {
    type: 'KubernetesAPIApprovalPolicyConformant',
    status: state === 'approved' ? 'True' : 'False',
    reason: REASONS[state],
    message: reason,
  }
}
