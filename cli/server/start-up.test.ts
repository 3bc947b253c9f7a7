import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { addHealthChecks } from './start-up.ts'

let plane: TestControlPlane
beforeEach(async () => {
  plane = await startTestControlPlane({ hostname: 'host', featureGates: ['APIServerIdentity'] })
})
afterEach(() => plane.stop())

const get = (path: string) => plane.client.raw({ method: 'GET', path })

describe('the health checks of a control plane', () => {
  it('are upstream’s, in upstream’s order', async () => {
    await eventually(async () => expect(await get('/readyz')).toEqual({ status: 200, body: 'ok' }))
    const names = async (path: string) =>
      String((await get(`${path}?verbose`)).body)
        .split('\n')
        .flatMap((line) => /^\[\+\](\S+) ok$/.exec(line)?.[1] ?? [])
    const ready = await names('/readyz')
    expect(ready.slice(0, 6)).toEqual([
      'ping',
      'log',
      'etcd',
      'etcd-readiness',
      'informer-sync',
      'poststarthook/start-apiserver-admission-initializer',
    ])
    expect(ready.slice(-5)).toEqual([
      'poststarthook/kube-apiserver-autoregistration',
      'autoregister-completion',
      'poststarthook/apiservice-openapi-controller',
      'poststarthook/apiservice-openapiv3-controller',
      'shutdown',
    ])
    expect(ready).toContain('poststarthook/start-kube-apiserver-identity-lease-controller')
    const onlyReady = ['etcd-readiness', 'informer-sync', 'shutdown']
    expect(await names('/livez')).toEqual(ready.filter((name) => !onlyReady.includes(name)))
    expect(await names('/healthz')).toEqual([...(await names('/livez')), 'controllers'])
  })

  it('can be asked one by one', async () => {
    for (const path of ['/livez/etcd', '/livez/poststarthook/rbac/bootstrap-roles', '/readyz/etcd-readiness'])
      expect(await get(path)).toEqual({ status: 200, body: 'ok' })
    expect(await get('/livez/shutdown')).toMatchObject({ status: 404 })
  })

  it('fail until what they stand for is done', async () => {
    const states = { failure: undefined as string | undefined, missing: ['v1.apps'] as readonly string[] }
    const checks = new Map<string, () => string | undefined>()
    const started = addHealthChecks(
      { addHealthCheck: ({ name, check }) => void checks.set(name, check) },
      {
        storage: { failure: () => states.failure },
        aggregator: { missingRegistrations: () => states.missing },
        controllers: () => undefined,
        hasIdentity: false,
      },
    )
    const reason = (name: string): string | undefined => checks.get(name)?.()
    expect(checks.has('poststarthook/start-kube-apiserver-identity-lease-controller')).toBe(false)
    expect(reason('poststarthook/rbac/bootstrap-roles')).toBe('not finished')
    expect(reason('informer-sync')).toBe(
      '2 informers not started yet: [customresourcedefinitions rbac.authorization.k8s.io]',
    )
    expect(reason('autoregister-completion')).toBe('missing APIService: [v1.apps]')
    for (const step of ['extensions', 'objects', 'policy', 'authorization', 'background', 'controllers'] as const)
      started(step)
    states.missing = []
    expect([...checks].filter(([, check]) => check() !== undefined)).toEqual([])
    states.failure = 'the disk is gone'
    expect([reason('etcd'), reason('etcd-readiness')]).toEqual(['the disk is gone', 'the disk is gone'])
  })
})
