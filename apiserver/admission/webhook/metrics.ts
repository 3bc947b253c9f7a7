/** apiserver_admission_webhook_* under upstream's names. Upstream: apiserver pkg/admission/metrics/metrics.go. */
import { Counter, Histogram, type Registry } from 'prom-client'

/** `admit`: mutating; `validating`: as upstream spells them. */
export type WebhookType = 'admit' | 'validating'
type WebhookErrorType = 'calling_webhook_error' | 'apiserver_internal_error' | 'no_error'

export interface WebhookCall {
  readonly name: string
  readonly type: WebhookType
  readonly operation: string
}

export interface WebhookMetrics {
  called(call: WebhookCall, seconds: number, code: number, isRejected: boolean): void
  rejected(call: WebhookCall, errorType: WebhookErrorType, code: number): void
  failedOpen(call: WebhookCall): void
  /** All match conditions of the webhook, for one request. */
  conditionsEvaluated(call: WebhookCall, seconds: number, errors: number): void
  conditionsExcluded(call: WebhookCall): void
}

/** Match conditions belong to webhooks; policies have metrics of their own upstream under the same names. */
const KIND = 'webhook'
const CONDITION_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.1, 0.2, 0.25]
const DURATION_BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25]
/** Keeps a misbehaving webhook from making a label of every number. */
const CODE_MAX = 600

export function createWebhookMetrics(registry: Registry): WebhookMetrics {
  const prefix = 'apiserver_admission_webhook'
  const duration = new Histogram({
    name: `${prefix}_admission_duration_seconds`,
    help: 'Admission webhook latency in seconds, by name, operation and type (validating or admit).',
    labelNames: ['name', 'type', 'operation', 'rejected'],
    buckets: DURATION_BUCKETS,
    registers: [registry],
  })
  const requests = new Counter({
    name: `${prefix}_request_total`,
    help: 'Admission webhook requests, by name, operation, type (validating or admit), HTTP status code and outcome.',
    labelNames: ['name', 'type', 'operation', 'code', 'rejected'],
    registers: [registry],
  })
  const rejections = new Counter({
    name: `${prefix}_rejection_count`,
    help: 'Requests rejected because of an admission webhook, by name, operation, type and kind of error.',
    labelNames: ['name', 'type', 'operation', 'error_type', 'rejection_code'],
    registers: [registry],
  })
  const open = new Counter({
    name: `${prefix}_fail_open_count`,
    help: 'Admission webhooks that failed and were ignored, by name and type.',
    labelNames: ['name', 'type'],
    registers: [registry],
  })
  const conditions = createConditionMetrics(registry)
  const codeLabel = (code: number): string => String(Math.min(code, CODE_MAX))
  return {
    called({ name, type, operation }, seconds, code, isRejected) {
      const rejected = String(isRejected)
      requests.inc({ name, type, operation, code: codeLabel(code), rejected })
      duration.observe({ name, type, operation, rejected }, seconds)
    },
    rejected: ({ name, type, operation }, errorType, code) =>
      rejections.inc({ name, type, operation, error_type: errorType, rejection_code: codeLabel(code) }),
    failedOpen: ({ name, type }) => open.inc({ name, type }),
    ...conditions,
  }
}

function createConditionMetrics(
  registry: Registry,
): Pick<WebhookMetrics, 'conditionsEvaluated' | 'conditionsExcluded'> {
  const prefix = 'apiserver_admission_match_condition'
  const labelNames = ['name', 'kind', 'type', 'operation'] as const
  const registers = [registry]
  const errors = new Counter({
    name: `${prefix}_evaluation_errors_total`,
    help: 'Match conditions that could not be evaluated, by name, kind, type and operation.',
    labelNames,
    registers,
  })
  const exclusions = new Counter({
    name: `${prefix}_exclusions_total`,
    help: 'Webhooks not called because of their match conditions, by name, kind, type and operation.',
    labelNames,
    registers,
  })
  const duration = new Histogram({
    name: `${prefix}_evaluation_seconds`,
    help: 'Time the match conditions of a webhook took, by name, kind, type and operation.',
    labelNames,
    buckets: CONDITION_BUCKETS,
    registers,
  })
  return {
    conditionsEvaluated(call, seconds, failed) {
      const labels = { ...call, kind: KIND }
      duration.observe(labels, seconds)
      if (failed > 0) errors.inc(labels, failed)
    },
    conditionsExcluded: (call) => exclusions.inc({ ...call, kind: KIND }),
  }
}
