/**
 * What nodes score by taints, affinity to nodes and images, number by number. Upstream: plugins/tainttoleration
 * taint_toleration_test.go, nodeaffinity node_affinity_test.go, imagelocality image_locality_test.go (v1.36).
 */
import { describe, expect, it } from 'vitest'
import type { PodSpec } from '#machinery/api/core/v1/types.gen.ts'
import { testPluginHandle } from '#test/support/plugin-handle.ts'
import { makeNodeInfo, makePodInfo, makeSnapshot, type NodeOptions } from '#test/support/scheduling.ts'
import type { PluginArgs, PluginDefinition } from '../framework/interfaces.ts'
import { isVerdict } from '../framework/verdicts.ts'
import { imageLocalityPlugin } from './image-locality/plugin.ts'
import { nodeAffinityPlugin } from './node-affinity/plugin.ts'
import { taintTolerationPlugin } from './taint-toleration/plugin.ts'

function scores(
  definition: PluginDefinition,
  spec: Partial<PodSpec>,
  nodes: readonly NodeOptions[],
  args: PluginArgs = {},
): unknown {
  const plugin = definition.create(args, testPluginHandle())
  const infos = nodes.map((node, i) => makeNodeInfo({ name: `n${i}`, ...node }))
  const snapshot = makeSnapshot(infos)
  const pod = makePodInfo({ spec })
  const before = plugin.preScore?.(pod, infos, snapshot, undefined)
  if (isVerdict(before)) return before.code
  const found = Float64Array.from(infos, (node) => plugin.score?.(before?.state, pod, node) ?? 0)
  plugin.normalize?.(before?.state, pod, found, infos)
  return [...found]
}

/** `key=value`, and the effect. */
function split(text: string, effect: string): { key: string; value: string; effect: string } {
  const [key = '', value = ''] = text.split('=')
  return { key, value, effect }
}
const SOFT = 'PreferNoSchedule'
const tainted = (effect: string, ...taints: string[]): NodeOptions => ({
  spec: { taints: taints.map((text) => split(text, effect)) },
})
const tolerating = (effect: string, ...tolerations: string[]): Partial<PodSpec> => ({
  tolerations: tolerations.map((text) => ({ ...split(text, effect), operator: 'Equal' })),
})

describe('taints', () => {
  const types = [tainted(SOFT), tainted(SOFT, 'cpu=arm64'), tainted(SOFT, 'cpu=arm64', 'disk=ssd')]
  it.each<[string, Partial<PodSpec>, readonly NodeOptions[], readonly number[]]>([
    ['tolerated', tolerating(SOFT, 'foo=bar'), [tainted(SOFT, 'foo=bar'), tainted(SOFT, 'foo=blah')], [100, 0]],
    ['tolerated, however many', tolerating(SOFT, 'cpu=arm64', 'disk=ssd'), types, [100, 100, 100]],
    ['not tolerated', tolerating(SOFT, 'foo=bar'), types, [100, 50, 0]],
    [
      'of another effect',
      tolerating('NoSchedule', 'cpu=arm64', 'disk=ssd'),
      [tainted(SOFT), tainted('NoSchedule', 'cpu=arm64'), tainted(SOFT, 'cpu=arm64', 'disk=ssd')],
      [100, 100, 0],
    ],
    ['without tolerations', {}, types.slice(0, 2), [100, 0]],
  ])('%s', (_name, spec, nodes, expected) => {
    expect(scores(taintTolerationPlugin, spec, nodes)).toEqual(expected)
  })
})

describe('affinity to nodes', () => {
  const term = (weight: number, labels: Record<string, string>) => ({
    weight,
    preference: {
      matchExpressions: Object.entries(labels).map(([key, value]) => ({ key, operator: 'In', values: [value] })),
    },
  })
  const preferring = (...terms: ReturnType<typeof term>[]) => ({
    preferredDuringSchedulingIgnoredDuringExecution: terms,
  })
  const liking = (...terms: ReturnType<typeof term>[]): Partial<PodSpec> => ({
    affinity: { nodeAffinity: preferring(...terms) },
  })
  const foo = { foo: 'bar' }
  const key = { key: 'value' }
  const all = { ...foo, ...key, az: 'az1' }
  const labelled = (...labels: Record<string, string>[]): NodeOptions[] => labels.map((of) => ({ labels: of }))

  it.each<[string, Partial<PodSpec>, readonly NodeOptions[], unknown, PluginArgs?]>([
    ['none', {}, labelled(foo), 'Skip'],
    ['nothing matches', liking(term(2, foo)), labelled({ abc: 'az11' }, key, { az: 'az1' }), [0, 0, 0]],
    ['one matches', liking(term(2, foo)), labelled(foo, key, { az: 'az1' }), [100, 0, 0]],
    ['weights add up', liking(term(2, foo), term(4, key), term(5, all)), labelled(foo, all, key), [18, 100, 36]],
    ['added by the profile', {}, labelled(foo, key), [100, 0], { addedAffinity: preferring(term(2, foo)) }],
    [
      'its own and the profile’s',
      liking(term(2, foo)),
      labelled(foo, key, all),
      [40, 60, 100],
      { addedAffinity: preferring(term(3, key)) },
    ],
  ])('%s', (_name, spec, nodes, expected, args) => {
    expect(scores(nodeAffinityPlugin, spec, nodes, args)).toEqual(expected)
  })
})

describe('images', () => {
  /** Named by their size in MiB. */
  const wanting = (...sizes: number[]) => ({ containers: containers(sizes) })
  const containers = (sizes: readonly number[]) => sizes.map((size, i) => ({ name: `c${i}`, image: `gcr.io/${size}` }))
  const having = (...sizes: number[]): NodeOptions => ({
    status: { images: sizes.map((size) => ({ names: [`gcr.io/${size}:latest`], sizeBytes: size * 1024 * 1024 })) },
  })

  it.each<[string, Partial<PodSpec>, readonly NodeOptions[], readonly number[]]>([
    ['the larger one', wanting(40, 250), [having(40, 300, 2000), having(250, 10)], [0, 5]],
    ['two on one node', wanting(40, 300), [having(40, 300, 2000), having(250, 10)], [7, 0]],
    ['above the bound', wanting(10, 4000), [having(4000, 30), having(250, 10)], [100, 0]],
    ['on few nodes', wanting(10, 4000), [having(4000, 30), having(250, 10), having()], [66, 0, 0]],
    ['several', wanting(300, 600, 900), [having(600, 40, 900), having(300, 600, 900), having()], [32, 36, 0]],
    ['small ones', wanting(30, 40), [having(20, 30, 40), having(4000, 30)], [1, 0]],
    [
      'of volumes',
      { ...wanting(30), volumes: [{ name: 'v', image: { reference: 'gcr.io/300' } }] },
      [having(300, 600, 900), having(4000, 30)],
      [12, 0],
    ],
    [
      'of init containers',
      { ...wanting(30), initContainers: containers([300]) },
      [having(40, 300, 2000), having(20, 30, 40)],
      [6, 0],
    ],
  ])('%s', (_name, spec, nodes, expected) => {
    expect(scores(imageLocalityPlugin, spec, nodes)).toEqual(expected)
  })
})
