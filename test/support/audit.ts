/** Auditing whose events a test can look at, as the log would hold them. */
import { Registry } from 'prom-client'
import { eventLine } from '#apiserver/audit/event-text.ts'
import { createAuditCounts } from '#apiserver/audit/metrics.ts'
import { createPolicyEvaluator } from '#apiserver/audit/policy.ts'
import type { Auditing } from '#apiserver/filters/audit.ts'
import { parseAuditPolicy } from '#cli/config/audit-policy.ts'

/** As far as tests look at them. */
export interface LoggedEvent {
  readonly kind: string
  readonly apiVersion: string
  readonly level: string
  readonly auditID: string
  readonly stage: string
  readonly requestURI: string
  readonly verb: string
  readonly user: { readonly username?: string; readonly groups?: readonly string[]; readonly uid?: string }
  readonly impersonatedUser?: { readonly username: string; readonly groups: readonly string[] }
  readonly authenticationMetadata?: { readonly impersonationConstraint: string }
  readonly sourceIPs?: readonly string[]
  readonly userAgent?: string
  readonly objectRef?: Readonly<Record<string, string>>
  readonly responseStatus?: Readonly<Record<string, unknown>>
  readonly requestObject?: Readonly<Record<string, unknown>>
  readonly responseObject?: Readonly<Record<string, unknown>>
  readonly requestReceivedTimestamp: string
  readonly stageTimestamp: string
  readonly annotations?: Readonly<Record<string, string>>
}

export interface RecordedAudit extends Auditing {
  readonly events: LoggedEvent[]
  /** Of requests whose URI holds the text. */
  about(text: string): LoggedEvent[]
}

/** `rules` as YAML, a list of rules. */
export function recordAudit(rules: string): RecordedAudit {
  const policy = parseAuditPolicy(`apiVersion: audit.k8s.io/v1\nkind: Policy\n${rules}\n`)
  const events: LoggedEvent[] = []
  return {
    policy: createPolicyEvaluator(policy),
    counts: createAuditCounts(new Registry()),
    sink: {
      process(event) {
        events.push(JSON.parse(eventLine(event, 'json').join('')) as LoggedEvent)
        return true
      },
    },
    events,
    about: (text) => events.filter(({ requestURI }) => requestURI.includes(text)),
  }
}
