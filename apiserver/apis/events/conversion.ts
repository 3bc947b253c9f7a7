/** events.k8s.io/v1 <-> core/v1: the same event with other field names. Upstream: pkg/apis/events/v1/conversion.go. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const CORE_NAMES: ReadonlyMap<string, string> = new Map([
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
])
const EVENTS_NAMES: ReadonlyMap<string, string> = new Map([...CORE_NAMES].map(([events, core]) => [core, events]))

export function eventToCore(event: KubeObject): KubeObject {
  return renamed(event, CORE_NAMES, 'v1')
}

export function eventFromCore(event: DeepReadonly<KubeObject>): KubeObject {
  return renamed(deepCopy<KubeObject>(event), EVENTS_NAMES, 'events.k8s.io/v1')
}

function renamed(event: KubeObject, names: ReadonlyMap<string, string>, apiVersion: string): KubeObject {
  const members = Object.entries(event).map(([member, value]) => [names.get(member) ?? member, value])
  return { ...Object.fromEntries(members), apiVersion } as KubeObject
}
