import { describe } from 'vitest'
import { resourceContract } from './resource.contract.ts'
import { openSchema, plainResource, startTestServer } from './resource-server.ts'

const served = (version: string) => ({ version, served: true, schema: openSchema(), table: undefined })

describe('a plain namespaced resource', () => {
  const definition = plainResource()
  resourceContract({
    definition,
    makeObject: (name) => ({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name } }),
    start: () => startTestServer({ resources: [definition] }).server,
  })
})

describe('a cluster-scoped resource in a version that is not stored', () => {
  const definition = plainResource({
    group: 'example.com',
    resource: 'widgets',
    singular: 'widget',
    kind: 'Widget',
    listKind: 'WidgetList',
    namespaced: false,
    versions: [served('v1'), served('v1beta1')],
  })
  resourceContract({
    definition,
    version: 'v1beta1',
    makeObject: (name) => ({ kind: 'Widget', apiVersion: 'example.com/v1beta1', metadata: { name } }),
    start: () => startTestServer({ resources: [definition] }).server,
  })
})
