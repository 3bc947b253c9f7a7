/**
 * One webhook, asked once: what it answered, or why that failed.
 * Upstream: the callHook of apiserver pkg/admission/plugin/webhook/{mutating,validating}/dispatcher.go, errors/statuserror.go.
 */
import type { KubeObject, Status } from '#machinery/api/meta/v1.ts'
import { newBadRequest, StatusError } from '#machinery/meta/errors.ts'
import { isQualifiedName } from '#machinery/meta/validation.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionDeps, WebhookDeps } from '../deps.ts'
import type { AdmissionAttributes } from '../interfaces.ts'
import type { Invocation } from './matching.ts'
import type { WebhookType } from './metrics.ts'
import { encodeReview, readReview, reviewVersionOf } from './review.ts'
import { showObjects } from './shown-objects.ts'

const ANSWER_MAX_BYTES = 16 * 1024 * 1024

/** The call failed: failurePolicy decides. Anything else that is thrown rejects the request. */
export class WebhookFailure extends Error {
  /** For metrics. */
  readonly code: number
  readonly isCanceled: boolean

  constructor(webhookName: string, why: string, code: number, isCanceled = false) {
    super(`failed calling webhook ${JSON.stringify(webhookName)}: ${why}`)
    this.code = code
    this.isCanceled = isCanceled
  }
}

/** The webhook said no. */
export class WebhookRejection extends Error {
  readonly error: StatusError

  constructor(webhookName: string, status: Status | undefined) {
    const error = rejectionError(webhookName, status)
    super(error.message)
    this.error = error
  }
}

export interface WebhookCallDeps extends Pick<AdmissionDeps, 'clock' | 'random'> {
  readonly webhooks: WebhookDeps
}

/** What the webhook was shown, and what it wants changed ('' for nothing). */
interface WebhookAnswer {
  readonly shown: DeepReadonly<KubeObject> | undefined
  readonly patch: string
}

export async function callWebhook(
  deps: WebhookCallDeps,
  invocation: Invocation,
  attributes: AdmissionAttributes,
  type: WebhookType,
): Promise<WebhookAnswer> {
  const { webhook } = invocation.hook
  const { name } = webhook
  checkDryRun(invocation, attributes)
  const version = reviewVersionOf(invocation)
  if (version === undefined) {
    const why = 'webhook does not accept known AdmissionReview versions (v1, v1beta1)'
    throw new WebhookFailure(name, `could not create admission objects: ${why}`, 400)
  }
  const shown = await showObjects(invocation, attributes)
  const expected = { uid: deps.random.uuid(), version, isMutating: type === 'admit' }
  const answer = await post(deps, invocation, attributes, encodeReview(attributes, invocation, shown, expected))
  const response = readAnswer(name, answer, expected)
  for (const [key, value] of response.auditAnnotations) annotateAs(`${name}/${key}`, value, attributes)
  for (const warning of response.warnings) attributes.warn(warning)
  if (!response.isAllowed) throw new WebhookRejection(name, response.status)
  if (response.patch !== '' && response.patchType !== 'JSONPatch')
    throw new WebhookFailure(name, `unsupported patch type ${JSON.stringify(response.patchType)}`, 400)
  return { shown: shown.object ?? undefined, patch: response.patch }
}

/** What is no qualified name is left out. Upstream: apiserver pkg/admission/attributes.go checkKeyFormat. */
function annotateAs(key: string, value: string, { request }: AdmissionAttributes): void {
  if (isQualifiedName(key).length === 0) request?.annotate?.(key, value)
}

function checkDryRun({ hook }: Invocation, { isDryRun }: AdmissionAttributes): void {
  const { name, sideEffects } = hook.webhook
  if (!isDryRun || sideEffects === 'None' || sideEffects === 'NoneOnDryRun') return
  if (sideEffects === undefined) throw new WebhookFailure(name, 'Webhook SideEffects is nil', 400)
  throw newBadRequest(`admission webhook ${JSON.stringify(name)} does not support dry run`)
}

async function post(
  { webhooks }: WebhookCallDeps,
  { hook }: Invocation,
  { request }: AdmissionAttributes,
  body: string,
): Promise<unknown> {
  const { name, clientConfig, timeoutSeconds } = hook.webhook
  try {
    return await webhooks.client.post(clientConfig, body, {
      timeoutMs: timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000,
      deadlineMs: request?.deadlineMs,
      signal: request?.signal,
      answerMaxBytes: ANSWER_MAX_BYTES,
    })
  } catch (err: unknown) {
    const { code = 503, isCanceled = false } = err as { code?: number; isCanceled?: boolean }
    throw new WebhookFailure(name, `failed to call webhook: ${errorMessage(err)}`, code, isCanceled)
  }
}

function readAnswer(name: string, answer: unknown, expected: Parameters<typeof readReview>[1]) {
  try {
    return readReview(answer, expected)
  } catch (err: unknown) {
    throw new WebhookFailure(name, `received invalid webhook response: ${errorMessage(err)}`, 503)
  }
}

/** The webhook's own Status, made sure to be a failure. */
function rejectionError(webhookName: string, status: Status | undefined): StatusError {
  const deniedBy = `admission webhook ${JSON.stringify(webhookName)} denied the request`
  const { message = '', reason = '', code = 0, details } = status ?? {}
  const why = message === '' ? reason : message
  return new StatusError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: why === '' ? `${deniedBy} without explanation` : `${deniedBy}: ${why}`,
    ...(reason === '' ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
    code: code < 400 || code > 599 ? 400 : code,
  })
}
