/** How many objects there are of each resource. Upstream: apiserver pkg/storage/etcd3/metrics. */
import type { Registry } from 'prom-client'
import { groupResourceString } from '#machinery/meta/resource.ts'
import type { Sample } from '#machinery/util/sample-metric.ts'
import { createSampleMetric } from '#machinery/util/sample-metric.ts'
import type { ResourceTable } from './resource-table.ts'

export function measureStoredObjects(
  registry: Registry,
  resources: Pick<ResourceTable, 'definitions' | 'storeFor'>,
): void {
  const samples = function* (labelsOf: (group: string, resource: string) => Sample['labels']): Generator<Sample> {
    for (const { group, resource, storedWith } of resources.definitions()) {
      const store = storedWith === undefined ? resources.storeFor(group, resource) : undefined
      if (store !== undefined) yield { labels: labelsOf(group, resource), value: store.objects.count() }
    }
  }
  createSampleMetric(registry, {
    name: 'apiserver_storage_objects',
    help: 'Number of stored objects at the time of last check split by kind.',
    type: 'gauge',
    samples: () => samples((group, resource) => ({ resource: groupResourceString({ group, resource }) })),
  })
  createSampleMetric(registry, {
    name: 'apiserver_resource_objects',
    help: 'Number of stored objects by group and resource.',
    type: 'gauge',
    samples: () => samples((group, resource) => ({ group, resource })),
  })
}
