/** A CustomResourceDefinition changes its storage version and gives up the old one, with kubectl alone. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findKubectl, Kubectl } from '#test/support/kubectl.ts'
import type { ServerProcess } from '#test/support/server-process.ts'
import { startServerProcess } from '#test/support/server-process.ts'

const CRD = 'crd/crontabs.stable.example.com'
const ON = [
  '--feature-gates',
  'StorageVersionMigrator=true',
  '--runtime-config',
  'storagemigration.k8s.io/v1beta1=true',
]

const version = (name: string, storage: boolean) => ({
  name,
  served: true,
  storage,
  schema: {
    openAPIV3Schema: {
      type: 'object',
      properties: { spec: { type: 'object', properties: { cronSpec: { type: 'string' } } } },
    },
  },
})

const definition = (versions: readonly object[]): string =>
  JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'crontabs.stable.example.com' },
    spec: {
      group: 'stable.example.com',
      scope: 'Namespaced',
      names: { plural: 'crontabs', singular: 'crontab', kind: 'CronTab' },
      versions,
    },
  })

const cronTabs = (count: number): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'List',
    items: Array.from({ length: count }, (_, i) => ({
      apiVersion: 'stable.example.com/v1',
      kind: 'CronTab',
      metadata: { name: `c${i}`, namespace: 'default' },
      spec: { cronSpec: '* * * * *' },
    })),
  })

const MIGRATION = JSON.stringify({
  apiVersion: 'storagemigration.k8s.io/v1beta1',
  kind: 'StorageVersionMigration',
  metadata: { name: 'crontabs' },
  spec: { resource: { group: 'stable.example.com', resource: 'crontabs' } },
})

const found = findKubectl('1.36')

describe.skipIf(found.path === undefined)(found.title, () => {
  let server: ServerProcess
  let kubectl: Kubectl

  beforeAll(async () => {
    server = await startServerProcess({ args: ON })
    kubectl = new Kubectl({ version: found.version, path: found.path ?? '' }, server.kubeconfig)
  })

  afterAll(async () => {
    kubectl.dispose()
    await server.dispose()
  })

  it('migrates, trims storedVersions, drops the version, and finds all objects after a restart', async () => {
    await kubectl.ok('apply -f -', definition([version('v1', true), version('v2', false)]))
    await kubectl.ok(['wait', '--for=condition=Established', CRD])
    await kubectl.ok('create -f -', cronTabs(25))
    await kubectl.ok('apply -f -', definition([version('v1', false), version('v2', true)]))
    const early = await kubectl.fails('apply -f -', definition([version('v2', true)]))
    expect(early).toContain('v1 was previously a storage version')

    await kubectl.ok('create -f -', MIGRATION)
    await kubectl.ok('wait --for=condition=Succeeded storageversionmigration/crontabs --timeout=30s')
    expect(await kubectl.ok('get storageversionmigrations')).toMatch(
      /^NAME +RESOURCE +STATUS\ncrontabs +crontabs\.stable\.example\.com +Succeeded\n$/,
    )
    await kubectl.ok([
      'patch',
      CRD,
      '--subresource=status',
      '--type=merge',
      '-p',
      '{"status":{"storedVersions":["v2"]}}',
    ])
    await kubectl.ok('apply -f -', definition([version('v2', true)]))

    await server.restart('SIGKILL')
    const { items } = await kubectl.json<{ items: { apiVersion: string }[] }>('get crontabs.stable.example.com')
    expect(items.filter(({ apiVersion }) => apiVersion === 'stable.example.com/v2')).toHaveLength(25)
  })
})
