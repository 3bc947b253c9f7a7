/** events.k8s.io/v1: the same objects as core/v1 events in another shape. Upstream: pkg/registry/core/event. */
import { eventFromCore, eventToCore } from '#apiserver/apis/events/conversion.ts'
import { regardingSelectableFields } from '../core/event-fields.ts'
import { strictEventStrategy } from '../core/small-strategies.ts'
import { eventTable } from '../core/tables.ts'
import type { ResourceGroup } from '../resource-row.ts'

export const EVENTS_GROUP: ResourceGroup = {
  group: 'events.k8s.io',
  version: 'v1',
  resources: [
    {
      resource: 'events',
      kind: 'Event',
      namespaced: true,
      shortNames: ['ev'],
      strategy: strictEventStrategy,
      storedWith: { group: '', resource: 'events', apiVersion: 'v1' },
      // Not a version of this group: what is stored has core/v1's shape, so every read and write is converted.
      storageVersion: 'core',
      versions: [{ version: 'v1', toStorage: eventToCore, fromStorage: eventFromCore, table: eventTable }],
      selectableFields: regardingSelectableFields,
      hasTtl: true,
    },
  ],
}
