/** Field selectors of events, in core/v1's shape. Upstream: pkg/registry/core/event/strategy.go. */
import type { Event } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type Field = (event: DeepReadonly<Event>) => string

export const eventSelectableFields: Readonly<Record<string, Field>> = {
  'involvedObject.kind': (event) => event.involvedObject?.kind ?? '',
  'involvedObject.namespace': (event) => event.involvedObject?.namespace ?? '',
  'involvedObject.name': (event) => event.involvedObject?.name ?? '',
  'involvedObject.uid': (event) => event.involvedObject?.uid ?? '',
  'involvedObject.apiVersion': (event) => event.involvedObject?.apiVersion ?? '',
  'involvedObject.resourceVersion': (event) => event.involvedObject?.resourceVersion ?? '',
  'involvedObject.fieldPath': (event) => event.involvedObject?.fieldPath ?? '',
  reason: (event) => event.reason ?? '',
  reportingComponent: (event) => event.reportingComponent ?? '',
  source: (event) => event.source?.component || event.reportingComponent || '',
  type: (event) => event.type ?? '',
}

/** events.k8s.io clients name the same fields in their version's words. */
export const regardingSelectableFields: Readonly<Record<string, Field>> = {
  ...eventSelectableFields,
  ...Object.fromEntries(
    Object.entries(eventSelectableFields)
      .filter(([name]) => name.startsWith('involvedObject.'))
      .map(([name, field]) => [name.replace('involvedObject.', 'regarding.'), field]),
  ),
  reportingController: (event) => event.reportingComponent ?? '',
}
