/**
 * Whether requests fit, case by case, on a node of 10m CPU, 20 bytes, 20 bytes of storage and 5 of two devices.
 * Upstream: plugins/noderesources/fit_test.go TestEnoughRequests, TestNotEnoughRequests, TestStorageRequests (v1.36).
 */
import { describe, expect, it } from 'vitest'
import type { Container, PodSpec } from '#machinery/api/core/v1/types.gen.ts'
import { testPluginHandle } from '#test/support/plugin-handle.ts'
import { makeNodeInfo, makePodInfo, type PodOptions } from '#test/support/scheduling.ts'
import type { PluginArgs } from '../../framework/interfaces.ts'
import { nodeResourcesFitPlugin } from './fit.ts'

type Amounts = Record<string, string>

const A = 'example.com/aaa'
const B = 'example.com/bbb'
const K = 'kubernetes.io/something'
const H = 'hugepages-2Mi'
const NODE: Amounts = { cpu: '10m', memory: '20', 'ephemeral-storage': '20', pods: '32', [A]: '5', [H]: '5' }

const use = (milliCpu: number, memory: number): Amounts => ({ cpu: `${milliCpu}m`, memory: `${memory}` })
const of = (name: string, amount: number, more: Amounts = use(0, 0)): Amounts => ({ ...more, [name]: `${amount}` })
const containers = (requests: readonly Amounts[]): Container[] =>
  requests.map((amounts, i) => ({ name: `c${i}`, image: 'i', resources: { requests: amounts } }))
const pod = (...requests: Amounts[]): PodOptions => ({ spec: { containers: containers(requests) } })
const init = (main: Amounts, ...before: Amounts[]): PodOptions => withSpec(main, { initContainers: containers(before) })
const withSpec = (main: Amounts, spec: Partial<PodSpec>): PodOptions => ({ spec: { ...pod(main).spec, ...spec } })

function answer(options: PodOptions, used: PodOptions, args: PluginArgs, allocatable: Amounts): string {
  const plugin = nodeResourcesFitPlugin.create(args, testPluginHandle())
  const found = plugin.filter?.(undefined, makePodInfo(options), makeNodeInfo({ allocatable }, [used]))
  return found === undefined ? 'fits' : [found.code, ...found.reasons].join(', ')
}

const lacks = (...names: string[]): string =>
  ['Unschedulable', ...names.map((name) => `Insufficient ${name}`)].join(', ')
const never = (name: string): string => `UnschedulableAndUnresolvable, Insufficient ${name}`
const ONE = use(1, 1)

describe('requests', () => {
  it.each<[string, PodOptions, PodOptions, string, PluginArgs?]>([
    ['none', pod(), pod(use(10, 20)), 'fits'],
    ['too much of all', pod(ONE), pod(use(10, 20)), lacks('cpu', 'memory')],
    ['too much CPU to begin', init(ONE, use(3, 1)), pod(use(8, 19)), lacks('cpu')],
    ['too much CPU to begin, the most counts', init(ONE, use(3, 1), use(2, 1)), pod(use(8, 19)), lacks('cpu')],
    ['too much memory to begin', init(ONE, use(1, 3)), pod(use(9, 19)), lacks('memory')],
    ['too much memory to begin, the most counts', init(ONE, use(1, 3), use(1, 2)), pod(use(9, 19)), lacks('memory')],
    ['as much to begin', init(ONE, ONE), pod(use(9, 19)), 'fits'],
    ['as much to begin, twice', init(ONE, ONE, ONE), pod(use(9, 19)), 'fits'],
    ['enough of both', pod(ONE), pod(use(5, 5)), 'fits'],
    ['enough memory', pod(use(2, 1)), pod(use(9, 5)), lacks('cpu')],
    ['enough CPU', pod(use(1, 2)), pod(use(5, 19)), lacks('memory')],
    ['just enough', pod(use(5, 1)), pod(use(5, 19)), 'fits'],
    ['just enough to begin', init(use(4, 1), use(5, 1)), pod(use(5, 19)), 'fits'],
    ['a device', pod(of(A, 1)), pod(use(0, 0)), 'fits'],
    ['a device to begin', init(use(0, 0), of(A, 1)), pod(use(0, 0)), 'fits'],
    ['more devices than there are', pod(of(A, 10, ONE)), pod(of(A, 0)), never(A)],
    ['more devices than there are to begin', init(use(0, 0), of(A, 10, ONE)), pod(of(A, 0)), never(A)],
    ['a device, none left', pod(of(A, 1, ONE)), pod(of(A, 5)), lacks(A)],
    ['a device to begin, none left', init(use(0, 0), of(A, 1, ONE)), pod(of(A, 5)), lacks(A)],
    ['devices of two containers', pod(of(A, 3, ONE), of(A, 3, ONE)), pod(of(A, 2)), never(A)],
    ['devices of two that begin', init(use(0, 0), of(A, 3, ONE), of(A, 3, ONE)), pod(of(A, 2)), 'fits'],
    ['too many devices of two that begin', init(use(0, 0), of(A, 6, ONE), of(A, 3, ONE)), pod(of(A, 2)), never(A)],
    ['a device it has not', pod(of(B, 1, ONE)), pod(use(0, 0)), never(B)],
    ['a device it has not to begin', init(use(0, 0), of(B, 1, ONE)), pod(use(0, 0)), never(B)],
    ['a resource of Kubernetes', pod(of(K, 10, ONE)), pod(use(0, 0)), never(K)],
    ['a resource of Kubernetes to begin', init(use(0, 0), of(K, 10, ONE)), pod(use(0, 0)), never(K)],
    ['huge pages', pod(of(H, 10, ONE)), pod(of(H, 0)), never(H)],
    ['huge pages to begin', init(use(0, 0), of(H, 10, ONE)), pod(of(H, 0)), never(H)],
    ['huge pages of two containers', pod(of(H, 3, ONE), of(H, 3, ONE)), pod(of(H, 2)), never(H)],
    ['a device left out', pod(of(B, 1, ONE)), pod(use(0, 0)), 'fits', { ignoredResources: [B] }],
    [
      'devices left out by group, not those of Kubernetes',
      pod(of(B, 1, of(K, 1, ONE))),
      pod(use(0, 0)),
      never(K),
      { ignoredResourceGroups: ['example.com'] },
    ],
    ['none of a device', pod(of(B, 0)), pod(use(0, 0)), 'fits'],
    ['overhead', withSpec(ONE, { overhead: use(3, 13) }), pod(use(5, 5)), 'fits'],
    ['too much overhead', withSpec(ONE, { overhead: use(1, 15) }), pod(use(5, 5)), lacks('memory')],
    ['a Pod’s own', withSpec(ONE, { resources: { requests: use(5, 5) } }), pod(use(5, 5)), 'fits'],
    [
      'too much CPU of the Pod’s own',
      withSpec(ONE, { resources: { requests: use(6, 5) } }),
      pod(use(5, 5)),
      lacks('cpu'),
    ],
    ['no storage', pod(ONE), pod(use(9, 19)), 'fits'],
    ['too much storage', pod(of('ephemeral-storage', 25, ONE)), pod(use(2, 2)), never('ephemeral-storage')],
    ['storage', pod(of('ephemeral-storage', 10, ONE)), pod(use(2, 2)), 'fits'],
  ])('%s', (_name, options, used, want, args = {}) => {
    expect(answer(options, used, args, NODE)).toBe(want)
  })

  const full = { ...NODE, pods: '1' }
  it.each<[string, PodOptions, PodOptions, string]>([
    ['none', pod(), pod(use(10, 20)), 'Unschedulable, Too many pods'],
    ['some', pod(use(1, 1)), pod(use(5, 5)), 'Unschedulable, Too many pods'],
    ['just enough', pod(use(5, 1)), pod(use(5, 19)), 'Unschedulable, Too many pods'],
    ['just enough to begin', init(use(5, 1), use(5, 1)), pod(use(5, 19)), 'Unschedulable, Too many pods'],
  ])('where there is place for no more Pods: %s', (_name, options, used, want) => {
    expect(answer(options, used, {}, full)).toBe(want)
  })
})
