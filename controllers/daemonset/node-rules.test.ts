import { describe, expect, it } from 'vitest'
import type { Node, PodSpec } from '#machinery/api/core/v1/types.gen.ts'
import { deepFreeze } from '#machinery/util/json.ts'
import type { DaemonSetView, NodeView } from './node-rules.ts'
import { daemonTolerations, mayChangeVerdict, nodeRulesOf } from './node-rules.ts'

const node = (labels: Record<string, string> = {}, spec: Node['spec'] = {}): NodeView => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name: 'n', labels },
  spec,
})

const daemonSet = (spec: Partial<PodSpec>): DaemonSetView =>
  deepFreeze({
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name: 'd' },
    spec: { template: { spec: { containers: [], ...spec } } },
  })

const taint = (key: string, effect: string) => node({}, { taints: [{ key, effect }] })
const affinity = (values: string[]) => ({
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'In', values }] }],
    },
  },
})

describe('where a Pod of a DaemonSet runs', () => {
  it.each([
    ['anywhere', {}, node(), 'runs'],
    ['unschedulable nodes too', {}, taint('node.kubernetes.io/unschedulable', 'NoSchedule'), 'runs'],
    ['nodes that are not ready', {}, taint('node.kubernetes.io/not-ready', 'NoExecute'), 'runs'],
    ['not where a taint is not tolerated, but stays', {}, taint('k', 'NoSchedule'), 'stays'],
    ['not where a taint evicts', {}, taint('k', 'NoExecute'), 'leaves'],
    ['where its taint is tolerated', { tolerations: [{ operator: 'Exists' }] }, taint('k', 'NoExecute'), 'runs'],
    ['also where Pods are unwelcome', {}, taint('k', 'PreferNoSchedule'), 'runs'],
    [
      "without network only with the host's",
      {},
      taint('node.kubernetes.io/network-unavailable', 'NoSchedule'),
      'stays',
    ],
    [
      "on the host's network",
      { hostNetwork: true },
      taint('node.kubernetes.io/network-unavailable', 'NoSchedule'),
      'runs',
    ],
    ['where the selector matches', { nodeSelector: { a: 'b' } }, node({ a: 'b' }), 'runs'],
    ['not where it does not', { nodeSelector: { a: 'b' } }, node({ a: 'c' }), 'leaves'],
    ['where the affinity matches', { affinity: affinity(['x']) }, node({ zone: 'x' }), 'runs'],
    ['not where it does not', { affinity: affinity(['x']) }, node({ zone: 'y' }), 'leaves'],
    ['on the node that is named', { nodeName: 'n' }, node(), 'runs'],
    ['on no other', { nodeName: 'other' }, node(), 'leaves'],
  ] as const)('%s', (_name, spec, on, expected) => {
    const { shouldRun, mayStay } = nodeRulesOf(daemonSet(spec as Partial<PodSpec>), false)(on)
    expect(shouldRun ? 'runs' : mayStay ? 'stays' : 'leaves').toBe(expected)
  })
})

it('replaces a toleration that ends by one that does not', () => {
  const short = { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 300 }
  const own = { key: 'own', operator: 'Exists' }
  const tolerations = daemonTolerations({ containers: [], tolerations: [short, own] })
  expect(tolerations).toHaveLength(7)
  expect(tolerations.filter(({ key }) => key === short.key)).toEqual([
    { key: short.key, operator: 'Exists', effect: 'NoExecute' },
  ])
})

it('looks at labels and taints only: a heartbeat changes no verdict', () => {
  const before = node({ a: 'b' })
  expect(mayChangeVerdict(before, { ...before, status: { conditions: [] } })).toBe(false)
  expect(mayChangeVerdict(before, node({ a: 'c' }))).toBe(true)
  expect(mayChangeVerdict(before, node({ a: 'b' }, { taints: [{ key: 'k', effect: 'NoSchedule' }] }))).toBe(true)
})
