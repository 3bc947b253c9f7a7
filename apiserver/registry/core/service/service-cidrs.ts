/** The value of --service-cidr: one network, or one of each IP family; the first is the default family. */
import type { IpFamily, IpPrefix } from '#machinery/meta/ip-address.ts'
import { formatIp, parseCidr } from '#machinery/meta/ip-address.ts'
import { assert } from '#machinery/util/assert.ts'

export function parseServiceCidrs(text: string): IpPrefix[] {
  return text.split(',').map((cidr) => {
    const prefix = parseCidr(cidr.trim())
    assert(prefix !== undefined, `${text} are service CIDRs`)
    return prefix
  })
}

export const configuredFamilies = (serviceCidr: string): readonly IpFamily[] =>
  parseServiceCidrs(serviceCidr).map(({ family }) => family)

/** What the `kubernetes` service gets. */
export function firstAddress({ family, base }: IpPrefix): string {
  return formatIp({ family, value: base + 1n })
}
