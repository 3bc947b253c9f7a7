import { expect, it } from 'vitest'
import type { Affinity, Pod, PodAffinityTerm } from '#machinery/api/core/v1/types.gen.ts'
import { applyMatchLabelKeys } from './match-label-keys.ts'

const term = (more: Partial<PodAffinityTerm> = {}): PodAffinityTerm => ({
  topologyKey: 'zone',
  labelSelector: { matchLabels: { app: 'a' } },
  ...more,
})
const labelled = (affinity: Affinity): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { labels: { rev: '2', tenant: 't' } },
  spec: { containers: [], affinity },
})
const IN = [{ key: 'rev', operator: 'In', values: ['2'] }]
const NOT_IN = [{ key: 'tenant', operator: 'NotIn', values: ['t'] }]

it('writes the keys of all kinds of terms into their selectors, with the values of the pod', () => {
  const pod = labelled({
    podAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [term({ matchLabelKeys: ['rev', 'absent'] })],
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 1, podAffinityTerm: term({ mismatchLabelKeys: ['tenant'] }) },
      ],
    },
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [
        term({ matchLabelKeys: ['rev'], mismatchLabelKeys: ['tenant'] }),
      ],
    },
  })
  applyMatchLabelKeys(pod)
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {}
  const expressions = ({ labelSelector }: PodAffinityTerm) => labelSelector?.matchExpressions
  expect(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.map(expressions)).toEqual([IN])
  const preferred = podAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []
  expect(preferred.map(({ podAffinityTerm }) => expressions(podAffinityTerm))).toEqual([NOT_IN])
  expect(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.map(expressions)).toEqual([
    [...IN, ...NOT_IN],
  ])
})

it('changes nothing without keys or without a selector', () => {
  const plain = term()
  const bare: PodAffinityTerm = { topologyKey: 'zone', matchLabelKeys: ['rev'] }
  applyMatchLabelKeys(labelled({ podAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [plain, bare] } }))
  expect([plain, bare]).toEqual([term(), { topologyKey: 'zone', matchLabelKeys: ['rev'] }])
})

it('writes the keys of spread constraints into their selectors', () => {
  const constraint = { maxSkew: 1, topologyKey: 'zone', whenUnsatisfiable: 'DoNotSchedule', matchLabelKeys: ['rev'] }
  const pod = labelled({})
  pod.spec.topologySpreadConstraints = [
    { ...constraint, labelSelector: { matchLabels: { app: 'a' } } },
    { ...constraint, labelSelector: {}, matchLabelKeys: ['absent'] },
    constraint,
  ]
  applyMatchLabelKeys(pod)
  expect(pod.spec.topologySpreadConstraints.map(({ labelSelector }) => labelSelector?.matchExpressions)).toEqual([
    IN,
    undefined,
    undefined,
  ])
})
