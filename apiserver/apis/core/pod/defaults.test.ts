import { describe, expect, it } from 'vitest'
import type { Pod, PodSpec } from '#machinery/api/core/v1/types.gen.ts'
import { setPodDefaults } from './defaults.ts'

type Resources = NonNullable<PodSpec['resources']>

const HUGE = 'hugepages-2Mi'

describe('resources of a pod of its own', () => {
  it.each<[string, Resources | undefined, readonly Resources[], Resources | undefined]>([
    ['are not made up', undefined, [{ limits: { cpu: '1' } }], undefined],
    ['request their limits', { limits: { cpu: '2' } }, [{}], { limits: { cpu: '2' }, requests: { cpu: '2' } }],
    [
      'request what the containers request',
      { limits: { cpu: '2', memory: '1Gi' } },
      [{ requests: { cpu: '300m' } }, { limits: { cpu: '500m' } }],
      { limits: { cpu: '2', memory: '1Gi' }, requests: { cpu: '800m', memory: '1Gi' } },
    ],
    [
      'keep the requests they have',
      { limits: { cpu: '2' }, requests: { cpu: '1' } },
      [{ requests: { cpu: '300m' } }],
      { limits: { cpu: '2' }, requests: { cpu: '1' } },
    ],
    [
      'without limits request no more',
      { requests: { cpu: '1' } },
      [{ requests: { memory: '1Gi' } }],
      { requests: { cpu: '1' } },
    ],
    [
      'have the huge pages of the containers',
      { requests: { cpu: '1' } },
      [{ limits: { [HUGE]: '4Mi' } }],
      { limits: { [HUGE]: '4Mi' }, requests: { cpu: '1', [HUGE]: '4Mi' } },
    ],
  ])('%s', (_, resources, containers, expected) => {
    const spec: PodSpec = {
      containers: containers.map((own, i) => ({ name: `c${i}`, image: 'i', resources: structuredClone(own) })),
      ...(resources === undefined ? {} : { resources: structuredClone(resources) }),
    }
    const pod: Pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec }
    setPodDefaults(pod)
    expect(pod.spec.resources).toEqual(expected)
  })
})
