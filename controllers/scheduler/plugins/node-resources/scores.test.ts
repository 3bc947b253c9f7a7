/**
 * What nodes score by their use, number by number.
 * Upstream: plugins/noderesources least_allocated_test.go, most_allocated_test.go, requested_to_capacity_ratio_test.go,
 * balanced_allocation_test.go, fit_test.go TestFitScore (v1.36).
 */
import { describe, expect, it } from 'vitest'
import type { Container } from '#machinery/api/core/v1/types.gen.ts'
import { testPluginHandle } from '#test/support/plugin-handle.ts'
import { makeNodeInfo, makePodInfo, makeSnapshot, type PodOptions } from '#test/support/scheduling.ts'
import type { PluginArgs, PluginDefinition } from '../../framework/interfaces.ts'
import { isVerdict } from '../../framework/verdicts.ts'
import { nodeResourcesBalancedAllocationPlugin } from './balanced-allocation.ts'
import { nodeResourcesFitPlugin } from './fit.ts'

type Amounts = Record<string, string>
/** What the node has, and the Pods on it. */
type Place = readonly [Amounts, ...PodOptions[]]

const DEVICE = 'abc.com/xyz'
const DEVICES = ['cpu', 'memory', DEVICE].map((name) => ({ name, weight: 1 }))
const MEMORY_TWICE = [
  { name: 'memory', weight: 2 },
  { name: 'cpu', weight: 1 },
]
const DEVICE_TWICE = [
  { name: DEVICE, weight: 2 },
  { name: 'cpu', weight: 1 },
  { name: 'memory', weight: 1 },
]

const amounts = (cpu: string, memory: string, device?: string): Amounts => ({
  cpu,
  memory,
  ...(device === undefined ? {} : { [DEVICE]: device }),
})
/** A Pod with a container for each of these requests. */
const pod = (...requests: Amounts[]): PodOptions => ({ spec: { containers: requests.map(container) } })
const container = (requests: Amounts, i: number): Container => ({ name: `c${i}`, image: 'i', resources: { requests } })
const withSidecar = (own: Amounts, sidecar: Amounts): PodOptions => ({
  spec: {
    ...pod(own).spec,
    initContainers: [{ ...container(sidecar, 9), restartPolicy: 'Always' }],
  },
})

function scores(
  definition: PluginDefinition,
  args: PluginArgs,
  options: PodOptions,
  places: readonly Place[],
): unknown {
  const plugin = definition.create(args, testPluginHandle())
  const nodes = places.map(([allocatable, ...pods], i) => makeNodeInfo({ name: `n${i}`, allocatable }, pods))
  const info = makePodInfo(options)
  const before = plugin.preScore?.(info, nodes, makeSnapshot(nodes), undefined)
  if (isVerdict(before)) return before.code
  return nodes.map((node) => plugin.score?.(before?.state, info, node))
}

const SMALL = amounts('4000', '10000')
const WIDER = amounts('6000', '10000')
const LARGE = amounts('10000', '20000')
const CPU = amounts('3000', '0')
const BOTH = amounts('3000', '5000')
const TWO = [amounts('1000', '2000'), amounts('2000', '3000')]

describe('LeastAllocated', () => {
  it.each<[string, PodOptions, readonly Place[], readonly number[], (readonly object[])?]>([
    ['nothing on them, nothing asked for', pod(), [[SMALL], [SMALL]], [100, 100]],
    ['nodes of different size', pod(...TWO), [[SMALL], [WIDER]], [37, 50]],
    [
      'Pods without containers count nothing',
      pod(),
      [
        [SMALL, pod(), pod()],
        [SMALL, pod(), pod()],
      ],
      [100, 100],
    ],
    [
      'Pods that are there count, nothing asked for',
      pod(),
      [
        [LARGE, pod(CPU), pod(CPU)],
        [LARGE, pod(CPU), pod(BOTH)],
      ],
      [70, 57],
    ],
    [
      'Pods that are there and what is asked for',
      pod(...TWO),
      [
        [LARGE, pod(CPU)],
        [LARGE, pod(BOTH)],
      ],
      [57, 45],
    ],
    [
      'the same on nodes of different size',
      pod(...TWO),
      [
        [LARGE, pod(CPU)],
        [amounts('10000', '50000'), pod(BOTH)],
      ],
      [57, 60],
    ],
    [
      'more than there is',
      pod(CPU),
      [
        [SMALL, pod(CPU)],
        [SMALL, pod(BOTH)],
      ],
      [50, 25],
    ],
    [
      'nodes that have nothing',
      pod(),
      [
        [amounts('0', '0'), pod(CPU)],
        [amounts('0', '0'), pod(BOTH)],
      ],
      [0, 0],
    ],
    ['weights', pod(...TWO), [[SMALL], [WIDER]], [41, 50], MEMORY_TWICE],
    ['a device not asked for', pod(...TWO), [[WIDER], [amounts('6000', '10000', '4')]], [50, 50], DEVICES],
    [
      'a device asked for',
      pod(amounts('3000', '5000', '2')),
      [[amounts('6000', '10000', '4')], [amounts('6000', '10000', '10')]],
      [50, 60],
      DEVICES,
    ],
    [
      'a device one node lacks',
      pod(amounts('3000', '4000')),
      [[WIDER], [amounts('6000', '10000', '4')]],
      [55, 55],
      DEVICE_TWICE,
    ],
    [
      'Fit: both nodes used',
      pod(amounts('1000', '2000')),
      [
        [SMALL, pod(amounts('2000', '4000'))],
        [WIDER, pod(amounts('1000', '2000'))],
      ],
      [32, 63],
    ],
    [
      'Fit: a sidecar counts',
      pod(amounts('1000', '2000')),
      [
        [SMALL, withSidecar(amounts('1000', '2000'), amounts('1000', '2000'))],
        [SMALL, pod(amounts('1000', '2000'))],
      ],
      [32, 55],
    ],
  ])('%s', (_name, options, places, expected, resources) => {
    const args = { scoringStrategy: { type: 'LeastAllocated', ...(resources === undefined ? {} : { resources }) } }
    expect(scores(nodeResourcesFitPlugin, args, options, places)).toEqual(expected)
  })
})

describe('MostAllocated', () => {
  it.each<[string, PodOptions, readonly Place[], readonly number[], (readonly object[])?]>([
    ['nothing on them, nothing asked for', pod(), [[SMALL], [SMALL]], [0, 0]],
    ['nodes of different size', pod(...TWO), [[SMALL], [WIDER]], [62, 50]],
    [
      'Pods that are there count, nothing asked for',
      pod(),
      [
        [LARGE, pod(CPU), pod(CPU)],
        [LARGE, pod(CPU), pod(BOTH)],
      ],
      [30, 42],
    ],
    [
      'Pods that are there and what is asked for',
      pod(...TWO),
      [
        [LARGE, pod(CPU)],
        [LARGE, pod(BOTH)],
      ],
      [42, 55],
    ],
    [
      'all there is',
      pod(amounts('2000', '4000'), amounts('3000', '5000')),
      [[amounts('5000', '10000')], [amounts('10000', '9000')]],
      [95, 75],
    ],
    ['weights', pod(...TWO), [[SMALL], [WIDER]], [58, 50], MEMORY_TWICE],
    [
      'containers that ask for nothing count a little',
      pod({}),
      [[amounts('250m', '1000Mi'), pod({}), pod({})], [amounts('250m', '1000Mi')]],
      [80, 30],
    ],
    ['a device not asked for', pod(...TWO), [[WIDER], [amounts('6000', '10000', '4')]], [50, 50], DEVICES],
    [
      'a device asked for',
      pod(amounts('3000', '5000', '2')),
      [[amounts('6000', '10000', '4')], [amounts('6000', '10000', '10')]],
      [50, 40],
      DEVICES,
    ],
    [
      'a device one node lacks',
      pod(amounts('3000', '4000')),
      [[WIDER], [amounts('6000', '10000', '4')]],
      [45, 45],
      DEVICE_TWICE,
    ],
    [
      'Fit: both nodes used',
      pod(amounts('1000', '2000')),
      [
        [SMALL, pod(amounts('2000', '4000'))],
        [WIDER, pod(amounts('1000', '2000'))],
      ],
      [67, 36],
    ],
    [
      'Fit: a sidecar counts',
      pod(amounts('1000', '2000')),
      [
        [SMALL, withSidecar(amounts('1000', '2000'), amounts('1000', '2000'))],
        [SMALL, pod(amounts('1000', '2000'))],
      ],
      [67, 45],
    ],
  ])('%s', (_name, options, places, expected, resources) => {
    const args = { scoringStrategy: { type: 'MostAllocated', ...(resources === undefined ? {} : { resources }) } }
    expect(scores(nodeResourcesFitPlugin, args, options, places)).toEqual(expected)
  })
})

describe('RequestedToCapacityRatio', () => {
  const point = (utilization: number, score: number) => ({ utilization, score })
  const FALLING = [point(0, 10), point(100, 0)]
  const used: readonly Place[] = [
    [SMALL, pod(amounts('2000', '4000'))],
    [WIDER, pod(amounts('1000', '2000'))],
  ]

  it.each<[string, PodOptions, readonly Place[], readonly number[], readonly object[]]>([
    ['nothing asked for', pod(), [[SMALL, pod(), pod()], [SMALL]], [100, 100], FALLING],
    ['nodes of different size', pod(...TWO), [[SMALL, pod(), pod()], [WIDER]], [38, 50], FALLING],
    [
      'Pods that are there',
      pod(),
      [
        [SMALL, pod(BOTH)],
        [WIDER, pod(BOTH)],
      ],
      [38, 50],
      FALLING,
    ],
    ['Fit: falling', pod(BOTH), used, [10, 32], FALLING],
    ['Fit: rising', pod(BOTH), used, [95, 68], [point(0, 0), point(100, 10)]],
  ])('%s', (_name, options, places, expected, shape) => {
    const args = { scoringStrategy: { type: 'RequestedToCapacityRatio', requestedToCapacityRatio: { shape } } }
    expect(scores(nodeResourcesFitPlugin, args, options, places)).toEqual(expected)
  })

  const ramp = [point(10, 1), point(90, 9)]
  const peak = [point(0, 2), point(40, 10), point(100, 0)]
  const flat = [point(0, 2), point(40, 2), point(100, 2)]
  it.each<[string, readonly object[], Record<number, number>]>([
    ['before, on and behind a ramp', ramp, { 0: 10, 9: 10, 10: 10, 15: 15, 89: 89, 90: 90, 99: 90, 100: 90, 110: 90 }],
    ['a peak', peak, { 0: 20, 20: 60, 30: 80, 40: 100, 70: 50, 100: 0, 110: 0 }],
    ['nowhere', flat, { 0: 20, 20: 20, 40: 20, 70: 20, 100: 20, 110: 20 }],
  ])('bends %s', (_name, shape, byPercent) => {
    const resources = [{ name: 'cpu', weight: 1 }]
    const args = {
      scoringStrategy: { type: 'RequestedToCapacityRatio', resources, requestedToCapacityRatio: { shape } },
    }
    const scoreAt = (percent: string) =>
      scores(nodeResourcesFitPlugin, args, pod({ cpu: percent }), [[amounts('100', '1')]])
    for (const [percent, expected] of Object.entries(byPercent)) expect(scoreAt(percent)).toEqual([expected])
  })
})

describe('balanced allocation', () => {
  const NODE = amounts('10', '20000')
  const cpu: PodOptions = pod({ cpu: '1' }, { cpu: '2' })
  const both: PodOptions = pod(amounts('1', '2000'), amounts('2', '3000'))

  it.each<[string, PodOptions, readonly Place[], unknown, (readonly object[])?]>([
    ['nothing asked for', pod(), [[amounts('4', '10000')]], 'Skip'],
    ['nodes of different size', both, [[amounts('4', '10000')], [amounts('6', '10000')]], [68, 75]],
    [
      'Pods that are there',
      both,
      [
        [NODE, cpu],
        [NODE, both],
      ],
      [73, 74],
    ],
    [
      'Pods that are there, nodes of different size',
      both,
      [
        [NODE, cpu],
        [amounts('10', '50000'), both],
      ],
      [73, 70],
    ],
    [
      'the best and the worst',
      pod({ memory: '2000' }, { memory: '3000' }),
      [[amounts('3', '5000'), cpu], [amounts('3', '5000')]],
      [100, 50],
    ],
    [
      'all there is',
      cpu,
      [
        [amounts('6', '10000'), cpu],
        [amounts('6', '10000'), both],
      ],
      [62, 62],
    ],
    [
      'a device asked for',
      pod(amounts('0', '0', '1')),
      [
        [amounts('3500m', '40000', '8'), pod(amounts('1', '2000'), amounts('2', '3000', '3'))],
        [amounts('3500m', '40000', '8'), both],
      ],
      [75, 76],
      DEVICES,
    ],
    [
      'a device not asked for',
      both,
      [[amounts('3500m', '40000', '8')], [amounts('3500m', '40000')]],
      [56, 56],
      DEVICES,
    ],
  ])('%s', (_name, options, places, expected, resources) => {
    const args = resources === undefined ? {} : { resources }
    expect(scores(nodeResourcesBalancedAllocationPlugin, args, options, places)).toEqual(expected)
  })
})
