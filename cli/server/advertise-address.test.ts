import { describe, expect, it } from 'vitest'
import { type AdvertiseAddressSources, advertiseAddress } from './advertise-address.ts'

const HOST = ['192.0.2.7', '2001:db8::7']
const chosen = (sources: Partial<AdvertiseAddressSources>) =>
  advertiseAddress({ given: undefined, bound: '0.0.0.0', serviceCidr: '10.43.0.0/16', host: HOST, ...sources })

describe('advertiseAddress', () => {
  it.each<[string, Partial<AdvertiseAddressSources>, string]>([
    ['what is given', { given: '198.51.100.1', bound: '192.0.2.1' }, '198.51.100.1'],
    ['the default when 0.0.0.0 is given', { given: '0.0.0.0' }, '192.0.2.7'],
    ['what the server is bound to', { bound: '192.0.2.1' }, '192.0.2.1'],
    ['an address of the machine when it is bound to all', {}, '192.0.2.7'],
    ['an address of the machine when it is bound to loopback', { bound: '127.0.0.1' }, '192.0.2.7'],
    ['an IPv6 address for an IPv6 service network', { serviceCidr: '2001:db8:43::/112' }, '2001:db8::7'],
    ['one of the first service network', { serviceCidr: '2001:db8:43::/112,10.43.0.0/16' }, '2001:db8::7'],
    ['no link-local address', { host: ['169.254.1.1', '192.0.2.9'] }, '192.0.2.9'],
  ])('is %s', (_, sources, address) => {
    expect(chosen(sources)).toEqual({ address })
  })

  it.each([['127.0.0.1'], ['127.1.2.3'], ['169.254.0.1'], ['224.0.0.1']])(
    'is none, and no other, when %s is given',
    (given) => {
      const warning = `--advertise-address ${given} cannot be reached from elsewhere`
      expect(chosen({ given })).toEqual({ address: undefined, warning })
    },
  )

  it('is none on a machine without one of the family', () => {
    const warning = 'this machine has no IPv6 address that can be reached from elsewhere'
    expect(chosen({ serviceCidr: '2001:db8:43::/112', host: ['192.0.2.7', 'fe80::1'] })).toEqual({
      address: undefined,
      warning,
    })
  })

  it('refuses what is given of the other family', () => {
    expect(() => chosen({ given: '2001:db8::1' })).toThrow(
      'service IP family "10.43.0.0/16" must match public address family "2001:db8::1"',
    )
  })
})
