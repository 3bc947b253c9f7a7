import { describe, expect, it } from 'vitest'
import { formatCidr } from '#machinery/meta/ip-address.ts'
import { nodeNetworks } from './node-networks.ts'

const FLAGS = {
  'cluster-cidr': '10.42.0.0/16',
  'service-cidr': '10.43.0.0/16',
  'node-cidr-mask-size-ipv4': 24,
  'node-cidr-mask-size-ipv6': 64,
}

describe('nodeNetworks', () => {
  it('gives each family its mask', () => {
    const { clusterNetworks } = nodeNetworks({ ...FLAGS, 'cluster-cidr': '2001:cafe:42::/56, 10.42.0.0/16' })
    expect(clusterNetworks.map(({ cidr, nodeMaskBits }) => [formatCidr(cidr), nodeMaskBits])).toEqual([
      ['2001:cafe:42::/56', 64],
      ['10.42.0.0/16', 24],
    ])
  })

  it.each([
    ['smaller than a node', { 'cluster-cidr': '10.42.0.0/25' }, /--node-cidr-mask-size-ipv4 24 does not fit/],
    ['with too many nodes', { 'cluster-cidr': '2001:cafe::/32' }, /between 32 and 48/],
  ])('refuses a network %s', (_what, flags, why) => {
    expect(() => nodeNetworks({ ...FLAGS, ...flags })).toThrow(why)
  })
})
