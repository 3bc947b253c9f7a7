/**
 * AdmissionReview: what is asked and how the answer is read, in v1 and v1beta1.
 * Upstream: apiserver pkg/admission/plugin/webhook/request/admissionreview.go.
 */
import type { AdmissionReview } from '#machinery/api/admission/v1/types.gen.ts'
import type { Status } from '#machinery/api/meta/v1.ts'
import { isObject } from '#machinery/util/json.ts'
import type { UserInfo } from '../../authentication/interfaces.ts'
import type { AdmissionAttributes } from '../interfaces.ts'
import type { Invocation } from './matching.ts'
import type { ShownObjects } from './shown-objects.ts'

type ReviewVersion = 'v1' | 'v1beta1'

interface ReviewResponse {
  readonly isAllowed: boolean
  readonly status: Status | undefined
  /** JSON; '' when the webhook changes nothing. */
  readonly patch: string
  readonly patchType: string
  readonly warnings: readonly string[]
  readonly auditAnnotations: readonly (readonly [string, string])[]
}

/** The first version both sides know; undefined: none. */
export function reviewVersionOf({ hook }: Invocation): ReviewVersion | undefined {
  for (const version of hook.webhook.admissionReviewVersions ?? []) {
    if (version === 'v1' || version === 'v1beta1') return version
  }
  return undefined
}

export function encodeReview(
  attributes: AdmissionAttributes,
  invocation: Invocation,
  shown: ShownObjects,
  review: { readonly uid: string; readonly version: ReviewVersion },
): string {
  const request = { uid: review.uid, ...describeRequest(attributes, invocation), ...shown }
  return JSON.stringify({
    kind: 'AdmissionReview',
    apiVersion: `admission.k8s.io/${review.version}`,
    request,
  })
}

/** An AdmissionRequest without its uid and its objects. */
export function describeRequest(attributes: AdmissionAttributes, invocation: Invocation) {
  const { group, resource, subresource, version, namespace, name } = attributes
  return {
    kind: invocation.kind,
    resource: invocation.resource,
    ...(subresource === '' ? {} : { subResource: subresource }),
    requestKind: attributes.kind,
    requestResource: { group, version, resource },
    ...(subresource === '' ? {} : { requestSubResource: subresource }),
    ...(name === '' ? {} : { name }),
    ...(namespace === '' ? {} : { namespace }),
    operation: attributes.operation,
    userInfo: userInfo(attributes.user),
    dryRun: attributes.isDryRun,
    options: optionsOf(attributes),
  }
}

function userInfo({ name, uid, groups, extra }: UserInfo) {
  return {
    ...(name === '' ? {} : { username: name }),
    ...(uid === '' ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra.size === 0 ? {} : { extra: Object.fromEntries(extra) }),
  }
}

/** A patch is an update, or a create, to admission. */
function optionsOf({ operation, options }: AdmissionAttributes): unknown {
  if (operation === 'CONNECT') return null
  if (options['kind'] !== 'PatchOptions') return options
  const { force: _, ...rest } = options
  return { ...rest, kind: operation === 'CREATE' ? 'CreateOptions' : 'UpdateOptions' }
}

/** Throws an Error with upstream's text for an answer that is none. */
export function readReview(
  answer: unknown,
  expected: { readonly uid: string; readonly version: ReviewVersion; readonly isMutating: boolean },
): ReviewResponse {
  const review = (isObject(answer) ? answer : {}) as Partial<AdmissionReview>
  const { response } = review
  if (typeof response !== 'object' || response === null) throw new Error('webhook response was absent')
  const { patch = '', patchType } = response
  if (expected.version === 'v1') {
    if (response.uid !== expected.uid)
      throw new Error(`expected response.uid="${expected.uid}", got "${response.uid ?? ''}"`)
    checkKind(review)
    if (expected.isMutating) checkPatch(patch, patchType)
    else if (patch !== '') throw new Error('validating webhook may not return response.patch')
    else if (patchType !== undefined) throw new Error('validating webhook may not return response.patchType')
  }
  return {
    isAllowed: response.allowed === true,
    status: response.status,
    patch: expected.isMutating && typeof patch === 'string' ? Buffer.from(patch, 'base64').toString('utf8') : '',
    patchType: expected.version === 'v1' ? (patchType ?? '') : 'JSONPatch',
    warnings: Array.isArray(response.warnings) ? response.warnings.filter(isText) : [],
    auditAnnotations: Object.entries(response.auditAnnotations ?? {}).filter(([, value]) => isText(value)),
  }
}

const isText = (value: unknown): boolean => typeof value === 'string'

function checkKind({ apiVersion = '', kind = '' }: Partial<AdmissionReview>): void {
  if (apiVersion === 'admission.k8s.io/v1' && kind === 'AdmissionReview') return
  const slash = apiVersion.indexOf('/')
  const got = slash === -1 ? `/${apiVersion}` : apiVersion
  throw new Error(
    `expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got ${got}, Kind=${String(kind)}`,
  )
}

function checkPatch(patch: string, patchType: string | undefined): void {
  if (patch !== '' && patchType === undefined)
    throw new Error('webhook returned response.patch but not response.patchType')
  if (patch === '' && patchType !== undefined)
    throw new Error('webhook returned response.patchType but not response.patch')
  if (patchType === '') throw new Error('webhook returned invalid response.patchType of ""')
}
