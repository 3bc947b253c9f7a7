// Generated from the Kubernetes 1.36 API types by machinery/schema/generate. Do not edit.
import type { EventSource, ObjectReference } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeList, KubeObject } from '#machinery/api/meta/v1.ts'

export interface Event extends KubeObject {
  eventTime: string
  series?: EventSeries
  reportingController?: string
  reportingInstance?: string
  action?: string
  reason?: string
  regarding?: ObjectReference
  related?: ObjectReference
  note?: string
  type?: string
  deprecatedSource?: EventSource
  deprecatedFirstTimestamp?: string
  deprecatedLastTimestamp?: string
  deprecatedCount?: number
}

export interface EventSeries {
  count: number
  lastObservedTime: string
}

export type EventList = KubeList<Event>
