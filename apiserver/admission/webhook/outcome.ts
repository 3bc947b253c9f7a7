/**
 * Counts what became of a call, and tells what it means for the request. Shared by both kinds of webhooks.
 * Upstream: the Dispatch of apiserver pkg/admission/plugin/webhook/{mutating,validating}/dispatcher.go.
 */
import { newInternalError, newTimeout } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { AdmissionAttributes } from '../interfaces.ts'
import type { WebhookCallDeps } from './call.ts'
import { WebhookFailure, WebhookRejection } from './call.ts'
import type { Invocation } from './matching.ts'
import type { WebhookCall, WebhookType } from './metrics.ts'

/** Runs the call; true when it counts, false when it failed and failurePolicy says to go on. Throws what rejects. */
export async function settle(
  deps: WebhookCallDeps,
  { hook }: Invocation,
  attributes: AdmissionAttributes,
  type: WebhookType,
  call: () => Promise<void>,
): Promise<boolean> {
  const { webhooks, clock } = deps
  const labels: WebhookCall = { name: hook.webhook.name, type, operation: attributes.operation }
  const startMs = clock.monotonicMs()
  const seconds = (): number => (clock.monotonicMs() - startMs) / 1000
  try {
    await call()
    webhooks.metrics.called(labels, seconds(), 200, false)
    return true
  } catch (err: unknown) {
    if (err instanceof WebhookRejection) {
      webhooks.metrics.rejected(labels, 'no_error', err.error.code)
      webhooks.metrics.called(labels, seconds(), err.error.code, true)
      throw err.error
    }
    if (!(err instanceof WebhookFailure)) {
      webhooks.metrics.rejected(labels, 'apiserver_internal_error', 0)
      webhooks.metrics.called(labels, seconds(), 0, true)
      throw err
    }
    const isRejected = !hook.isIgnoringFailures
    if (isRejected && !err.isCanceled) webhooks.metrics.rejected(labels, 'calling_webhook_error', err.code)
    webhooks.metrics.called(labels, seconds(), err.code, isRejected)
    const fields = { webhook: labels.name, configuration: hook.configurationName, error: errorMessage(err) }
    webhooks.logger.warn(fields, isRejected ? 'calling a webhook failed' : 'calling a webhook failed, going on')
    if (isRejected) throw newInternalError(err.message)
    if (attributes.request?.signal.aborted === true)
      throw newTimeout('request did not complete within requested timeout', 0)
    if (!err.isCanceled) webhooks.metrics.failedOpen(labels)
    return false
  }
}
