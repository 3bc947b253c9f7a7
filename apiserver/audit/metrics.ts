/** Counts of audit events. Upstream: apiserver pkg/audit/metrics.go. */
import type { Registry } from 'prom-client'
import { createSampleMetric } from '#machinery/util/sample-metric.ts'
import type { AuditLevel } from './interfaces.ts'
import { AUDIT_LEVELS } from './interfaces.ts'

/** Only ever added to. */
export interface AuditCounts {
  events: number
  /** Requests, by the level the policy gave them. */
  readonly levels: Record<AuditLevel, number>
  /** Events that are lost: `buffered` before they reached the log, `log` in writing. */
  readonly errors: { buffered: number; log: number; truncate: number }
  /** Requests answered with 500 because their event could not be stored. */
  rejected: number
}

export function createAuditCounts(registry: Registry): AuditCounts {
  const counts: AuditCounts = {
    events: 0,
    levels: { None: 0, Metadata: 0, Request: 0, RequestResponse: 0 },
    errors: { buffered: 0, log: 0, truncate: 0 },
    rejected: 0,
  }
  createSampleMetric(registry, {
    name: 'apiserver_audit_event_total',
    help: 'Audit events generated and sent to the backend.',
    type: 'counter',
    samples: () => [{ labels: {}, value: counts.events }],
  })
  createSampleMetric(registry, {
    name: 'apiserver_audit_error_total',
    help: 'Audit events that were lost, by the plugin that lost them.',
    type: 'counter',
    samples: () => Object.entries(counts.errors).map(([plugin, value]) => ({ labels: { plugin }, value })),
  })
  createSampleMetric(registry, {
    name: 'apiserver_audit_level_total',
    help: 'Requests by the level of the policy that applies to them.',
    type: 'counter',
    samples: () => AUDIT_LEVELS.map((level) => ({ labels: { level }, value: counts.levels[level] })),
  })
  createSampleMetric(registry, {
    name: 'apiserver_audit_requests_rejected_total',
    help: 'Requests rejected because their audit event could not be stored.',
    type: 'counter',
    samples: () => [{ labels: {}, value: counts.rejected }],
  })
  return counts
}
