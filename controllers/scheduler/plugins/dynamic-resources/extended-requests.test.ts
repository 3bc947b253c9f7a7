import { describe, expect, it } from 'vitest'
import type { Container } from '#machinery/api/core/v1/types.gen.ts'
import { makePod } from '#test/support/scheduling.ts'
import { extendedRequests } from './extended-requests.ts'

const GPU = 'example.com/gpu'
const NIC = 'example.com/nic'
const container = (name: string, requests: Record<string, string>, more: Partial<Container> = {}): Container => ({
  name,
  image: 'i',
  resources: { requests },
  ...more,
})
const sidecar = { restartPolicy: 'Always' }

/** `request=count` and `container:request`. */
function made(init: Container[], containers: Container[], resources = [GPU]) {
  const pod = makePod({ spec: { initContainers: init, containers } })
  const { requests, mappings } = extendedRequests(pod, resources, (name) => name.replace('example.com/', ''))
  return {
    requests: requests.map(({ name, exactly }) => `${name}=${exactly?.count} ${exactly?.deviceClassName}`),
    mappings: mappings.map(({ containerName, requestName }) => `${containerName}:${requestName}`),
  }
}

describe('extended resources as requests', () => {
  it.each<[string, Container[], Container[], string[], string[]]>([
    [
      'one container',
      [],
      [container('a', { cpu: '1', [GPU]: '2' })],
      ['container-0-request-1=2 gpu'],
      ['a:container-0-request-1'],
    ],
    [
      'two containers',
      [],
      [container('a', { [GPU]: '1' }), container('b', {}), container('c', { [GPU]: '2' })],
      ['container-0-request-0=1 gpu', 'container-2-request-0=2 gpu'],
      ['a:container-0-request-0', 'c:container-2-request-0'],
    ],
    [
      'an init container that needs no more than what comes after',
      [container('init', { [GPU]: '1' })],
      [container('a', { [GPU]: '2' })],
      ['container-1-request-0=2 gpu'],
      ['a:container-1-request-0', 'init:container-1-request-0'],
    ],
    [
      'init containers that need more share what is added',
      [container('i1', { [GPU]: '3' }), container('i2', { [GPU]: '5' })],
      [container('a', { [GPU]: '2' })],
      ['container-1-request-0=3 gpu', 'container-2-request-0=2 gpu'],
      [
        'a:container-2-request-0',
        'i1:container-2-request-0',
        'i1:container-1-request-0',
        'i2:container-2-request-0',
        'i2:container-1-request-0',
      ],
    ],
    [
      'a sidecar lasts; an init container before it may use its devices, one after it not',
      [container('i1', { [GPU]: '1' }), container('side', { [GPU]: '1' }, sidecar), container('i2', { [GPU]: '1' })],
      [container('a', {})],
      ['container-1-request-0=1 gpu', 'container-2-request-0=1 gpu'],
      ['side:container-1-request-0', 'i1:container-1-request-0', 'i2:container-2-request-0'],
    ],
  ])('%s', (_what, init, containers, requests, mappings) =>
    expect(made(init, containers)).toEqual({ requests, mappings }),
  )

  it('keeps resources apart, in the order of their names', () => {
    expect(made([], [container('a', { [NIC]: '1', [GPU]: '1' })], [NIC, GPU])).toEqual({
      requests: ['container-0-request-0=1 gpu', 'container-0-request-1=1 nic'],
      mappings: ['a:container-0-request-0', 'a:container-0-request-1'],
    })
  })
})
