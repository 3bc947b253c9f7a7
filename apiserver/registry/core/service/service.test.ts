import { describe, expect, it } from 'vitest'
import { setServiceDefaults } from '#apiserver/apis/core/service/defaults.ts'
import type { Service, ServiceSpec } from '#machinery/api/core/v1/types.gen.ts'
import { StatusError } from '#machinery/meta/errors.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { DEFAULT_REGISTRY_CONFIG } from '../../deps.ts'
import type { RequestContext, StoreHooks } from '../../generic/interfaces.ts'
import { serviceHooks } from './hooks.ts'
import { staticBand } from './ip-allocator.ts'
import { PortAllocator, PortOperation } from './port-allocator.ts'
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

function makeHooks(stored: readonly Service[] = [], serviceCidr = DEFAULT_REGISTRY_CONFIG.serviceCidr): StoreHooks {
  const unused = () => Promise.reject(new Error('not used'))
  const list = (_group: string, resource: string) => (resource === 'services' ? stored : [])
  const objects = { peek: () => undefined, list, update: unused, delete: unused }
  return serviceHooks({ objects, config: { ...DEFAULT_REGISTRY_CONFIG, serviceCidr } })
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

  it('belong to one service until it is deleted', async () => {
    const hooks = makeHooks()
    const first = makeService({ clusterIP: '10.43.0.10' })
    hooks.beginCreate?.(first, context)
    const taken = () => hooks.beginCreate?.(makeService({ clusterIP: '10.43.0.10' }), context)
    expect(message(taken)).toBe(
      'Service "s" is invalid: spec.clusterIPs: Invalid value: ["10.43.0.10"]: failed to allocate IP 10.43.0.10: provided IP is already allocated',
    )
    await hooks.afterDelete?.(first, context)
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

  it.each([
    [
      '10.43.0.0',
      false,
      'the provided IP (10.43.0.0) is not in the valid range. The range of valid IPs is 10.43.0.0/16',
    ],
    ['10.43.255.255', false, 'the provided IP (10.43.255.255) is not in the valid range.'],
    ['10.0.0.1', true, 'the provided IP (10.0.0.1) is not in the valid range. The range of valid IPs is 10.43.0.0/16'],
  ])('%s, dry run: %s', (clusterIP, isDryRun, problem) => {
    const create = () => makeHooks().beginCreate?.(makeService({ clusterIP }), { ...context, isDryRun })
    expect(message(create)).toContain(`failed to allocate IP ${clusterIP}: ${problem}`)
  })

  it('of a service whose range is full: an internal error', () => {
    const hooks = makeHooks([], '10.43.0.0/30')
    for (let i = 0; i < 2; i++) hooks.beginCreate?.(makeService(), context)
    expect(message(() => hooks.beginCreate?.(makeService(), context))).toMatch(
      /failed to allocate a serviceIP for Service "s": range is full$/,
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

describe('staticBand', () => {
  it.each([
    [10, 0],
    [16, 0],
    [128, 16],
    [2048, 64],
    [2768, 86],
    [4096, 128],
    [8192, 128],
  ])('%d ports: %d', (size, expected) => {
    expect(staticBand(size, { min: 16, max: 128, step: 32 })).toBe(expected)
  })
})

describe('PortOperation in a dry run', () => {
  it('takes nothing, not even twice', () => {
    const allocator = new PortAllocator({ first: 10000, last: 10200 })
    allocator.restore(10000)
    const operation = new PortOperation(allocator, systemRandom, true)
    const allocated = 'provided port is already allocated'
    expect([10000, 10030, 10030, 10040].map((port) => operation.take(port))).toEqual([
      allocated,
      undefined,
      allocated,
      undefined,
    ])
    expect(operation.takeAny()).toBe(10041)
    expect(allocator.has(10030)).toBe(false)
    expect(new PortOperation(allocator, systemRandom, true).takeAny()).toBe(32769)
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
