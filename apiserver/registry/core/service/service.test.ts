import { describe, expect, it } from 'vitest'
import { setServiceDefaults } from '#apiserver/apis/core/service/defaults.ts'
import type { Service, ServiceSpec } from '#machinery/api/core/v1/types.gen.ts'
import { StatusError } from '#machinery/meta/errors.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { DEFAULT_REGISTRY_CONFIG } from '../../deps.ts'
import type { RequestContext, StoreHooks } from '../../generic/interfaces.ts'
import { serviceHooks } from './hooks.ts'
import { PortAllocator } from './port-allocator.ts'
import { serviceStrategy as strategyFor } from './strategy.ts'

const serviceStrategy = strategyFor(['IPv4'])
const context: RequestContext = {
  user: { name: 'u', uid: '', groups: [], extra: new Map() },
  namespace: 'ns',
  isDryRun: false,
  clock: systemClock,
  random: systemRandom,
  signal: new AbortController().signal,
  warn() {},
}

function makeHooks(stored: readonly Service[] = []): StoreHooks {
  const unused = () => Promise.reject(new Error('not used'))
  const list = (_group: string, resource: string) => (resource === 'services' ? stored : [])
  const objects = { peek: () => undefined, list, update: unused, delete: unused }
  return serviceHooks({ objects, config: DEFAULT_REGISTRY_CONFIG })
}

function makeService(spec: ServiceSpec = {}): Service {
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's' },
    spec: { ports: [{ port: 80 }], ...spec },
  }
  setServiceDefaults(service)
  serviceStrategy.prepareForCreate?.(service, context)
  return service
}

function message(run: () => unknown): string {
  try {
    run()
    return ''
  } catch (err) {
    if (err instanceof StatusError) return err.message
    throw err
  }
}

describe('cluster IPs', () => {
  it('are given from the range, with single-stack families', () => {
    const service = makeService()
    makeHooks().beginCreate?.(service, context)
    expect(service.spec.clusterIP).toMatch(/^10\.43\.\d+\.\d+$/)
    expect(service.spec).toMatchObject({
      clusterIPs: [service.spec.clusterIP],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    })
  })

  it.each<[string, ServiceSpec]>([
    ['headless', { clusterIP: 'None' }],
    ['ExternalName', { type: 'ExternalName', externalName: 'x.y' }],
  ])('are not given to %s services', (_name, spec) => {
    const service = makeService(spec)
    makeHooks().beginCreate?.(service, context)
    expect(service.spec.clusterIP).toBe(spec.clusterIP)
  })

  it('belong to one service until it is deleted', () => {
    const hooks = makeHooks()
    const first = makeService({ clusterIP: '10.43.0.10' })
    hooks.beginCreate?.(first, context)
    const taken = () => hooks.beginCreate?.(makeService({ clusterIP: '10.43.0.10' }), context)
    expect(message(taken)).toBe(
      'Service "s" is invalid: spec.clusterIPs: Invalid value: ["10.43.0.10"]: failed to allocate IP 10.43.0.10: provided IP is already allocated',
    )
    hooks.afterDelete?.(first, context)
    expect(message(taken)).toBe('')
  })

  it('are known from the stored services after a restart', () => {
    const hooks = makeHooks([makeService({ clusterIP: '10.43.0.10' })])
    expect(message(() => hooks.beginCreate?.(makeService({ clusterIP: '10.43.0.10' }), context))).toMatch(
      /already allocated$/,
    )
  })

  it('come from the range only', () => {
    const create = () => makeHooks().beginCreate?.(makeService({ clusterIP: '10.0.0.1' }), context)
    expect(message(create)).toMatch(
      /failed to allocate IP 10\.0\.0\.1: the provided network does not match the current range$/,
    )
  })

  it('are given back when the write fails', () => {
    const hooks = makeHooks()
    hooks.beginCreate?.(makeService({ clusterIP: '10.43.0.10' }), context)?.()
    expect(message(() => hooks.beginCreate?.(makeService({ clusterIP: '10.43.0.10' }), context))).toBe('')
  })
})

describe('node ports', () => {
  it('are given to NodePort services and freed when the type changes', () => {
    const hooks = makeHooks()
    const old = makeService({ type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] })
    hooks.beginCreate?.(old, context)
    const next = makeService({
      type: 'ClusterIP',
      clusterIP: old.spec.clusterIP ?? '',
      ports: [{ port: 80, nodePort: 30080 }],
    })
    serviceStrategy.prepareForUpdate?.(next, old, context)
    expect(next.spec.ports?.[0]?.nodePort).toBeUndefined()
    hooks.beginUpdate?.(next, old, context)
    expect(
      message(() =>
        hooks.beginCreate?.(makeService({ type: 'NodePort', ports: [{ port: 80, nodePort: 30080 }] }), context),
      ),
    ).toBe('')
  })

  it.each([
    [30080, 'provided port is already allocated'],
    [80, 'provided port is not in the valid range. The range of valid ports is 30000-32767'],
  ])('%d: %s', (nodePort, problem) => {
    const hooks = makeHooks([
      makeService({ type: 'NodePort', clusterIP: '10.43.0.9', ports: [{ port: 1, nodePort: 30080 }] }),
    ])
    const service = makeService({ type: 'NodePort', ports: [{ port: 80, nodePort }] })
    expect(message(() => hooks.beginCreate?.(service, context))).toMatch(problem)
  })

  it('and the cluster IP stay when a replace leaves them out', () => {
    const hooks = makeHooks()
    const old = makeService({ type: 'NodePort' })
    hooks.beginCreate?.(old, context)
    const next = makeService({ type: 'NodePort' })
    serviceStrategy.prepareForUpdate?.(next, old, context)
    expect(next.spec).toEqual(old.spec)
  })
})

describe('PortAllocator', () => {
  it('hands out every number of its range once, the static band last, then none', () => {
    const allocator = new PortAllocator({ first: 1, last: 40 })
    const got = Array.from({ length: 40 }, () => allocator.takeAny(systemRandom) ?? 0)
    expect(new Set(got).size).toBe(40)
    expect(Math.min(...got.slice(0, 24))).toBe(17)
    expect(allocator.takeAny(systemRandom)).toBeUndefined()
  })
})
