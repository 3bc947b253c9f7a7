/**
 * Every combination of policy, families and addresses a client may name, on every kind of cluster.
 * Re-derived from upstream's pkg/registry/core/service/storage/storage_test.go (TestCreateInitIPFields,
 * TestUpdateIPsFromSingleStack, TestUpdateIPsFromDualStack).
 */
import { describe, expect, it } from 'vitest'
import type { ServiceSpec } from '#machinery/api/core/v1/types.gen.ts'
import { familyOf } from '#machinery/meta/ip-address.ts'
import { CIDRS, ServiceStore } from '#test/support/service-store.ts'

const POLICIES = { unset: undefined, single: 'SingleStack', prefer: 'PreferDualStack', require: 'RequireDualStack' }
const ADDRESS = { 4: '10.0.0.1', 6: '2000::1' } as const
type Digit = keyof typeof ADDRESS

const digitsOf = (text: string): Digit[] => [...text].map((digit) => Number(digit) as Digit)
const familiesOf = (text: string): string[] => digitsOf(text).map((digit) => `IPv${digit}`)

/** `families`: '', '4', '6', '46' or '64'; `ips` the same, or 'None' or 'selectorless'. */
function specOf(policy: string | undefined, families: string, ips: string): ServiceSpec {
  const isHeadless = ips === 'None' || ips === 'selectorless'
  const clusterIPs = isHeadless ? ['None'] : digitsOf(ips).map((digit) => ADDRESS[digit])
  return {
    type: 'ClusterIP',
    ports: [{ port: 93, targetPort: 76, protocol: 'TCP' }],
    sessionAffinity: 'None',
    internalTrafficPolicy: 'Cluster',
    ...(ips === 'selectorless' ? {} : { selector: { k: 'v' } }),
    ...(policy === undefined ? {} : { ipFamilyPolicy: policy }),
    ...(families === '' ? {} : { ipFamilies: familiesOf(families) }),
    ...(clusterIPs[0] === undefined ? {} : { clusterIP: clusterIPs[0], clusterIPs }),
  }
}

/** Columns: families of the request: none, 4, 6, 46, 64. A cell: families of the service, '-' when refused. */
const COLUMNS = ['', '4', '6', '46', '64']
const CREATED = `
cluster 4   no address    | unset 4  4  -  -  -  | single 4  4  -  -  -  | prefer 4  4  -  -  -  | require -  -  -  -  -
cluster 4   4             | unset 4  4  -  -  -  | single 4  4  -  -  -  | prefer 4  4  -  -  -  | require -  -  -  -  -
cluster 4   46            | unset -  -  -  -  -  | single -  -  -  -  -  | prefer -  -  -  -  -  | require -  -  -  -  -
cluster 4   64            | unset -  -  -  -  -  | single -  -  -  -  -  | prefer -  -  -  -  -  | require -  -  -  -  -
cluster 4   None          | unset 4  4  -  -  -  | single 4  4  -  -  -  | prefer 4  4  -  -  -  | require -  -  -  -  -
cluster 4   selectorless  | unset 46 46 64 46 64 | single 4  4  6  -  -  | prefer 46 46 64 46 64 | require 46 46 64 46 64
cluster 6   no address    | unset 6  -  6  -  -  | single 6  -  6  -  -  | prefer 6  -  6  -  -  | require -  -  -  -  -
cluster 6   6             | unset 6  -  6  -  -  | single 6  -  6  -  -  | prefer 6  -  6  -  -  | require -  -  -  -  -
cluster 6   46            | unset -  -  -  -  -  | single -  -  -  -  -  | prefer -  -  -  -  -  | require -  -  -  -  -
cluster 6   64            | unset -  -  -  -  -  | single -  -  -  -  -  | prefer -  -  -  -  -  | require -  -  -  -  -
cluster 6   None          | unset 6  -  6  -  -  | single 6  -  6  -  -  | prefer 6  -  6  -  -  | require -  -  -  -  -
cluster 6   selectorless  | unset 64 46 64 46 64 | single 6  4  6  -  -  | prefer 64 46 64 46 64 | require 64 46 64 46 64
cluster 46  no address    | unset 4  4  6  -  -  | single 4  4  6  -  -  | prefer 46 46 64 46 64 | require 46 46 64 46 64
cluster 46  4             | unset 4  4  -  -  -  | single 4  4  -  -  -  | prefer 46 46 -  46 -  | require 46 46 -  46 -
cluster 46  6             | unset 6  -  6  -  -  | single 6  -  6  -  -  | prefer 64 -  64 -  64 | require 64 -  64 -  64
cluster 46  46            | unset -  -  -  -  -  | single -  -  -  -  -  | prefer 46 46 -  46 -  | require 46 46 -  46 -
cluster 46  64            | unset -  -  -  -  -  | single -  -  -  -  -  | prefer 64 -  64 -  64 | require 64 -  64 -  64
cluster 46  None          | unset 4  4  6  -  -  | single 4  4  6  -  -  | prefer 46 46 64 46 64 | require 46 46 64 46 64
cluster 46  selectorless  | unset 46 46 64 46 64 | single 4  4  6  -  -  | prefer 46 46 64 46 64 | require 46 46 64 46 64
cluster 64  no address    | unset 6  4  6  -  -  | single 6  4  6  -  -  | prefer 64 46 64 46 64 | require 64 46 64 46 64
cluster 64  4             | unset 4  4  -  -  -  | single 4  4  -  -  -  | prefer 46 46 -  46 -  | require 46 46 -  46 -
cluster 64  6             | unset 6  -  6  -  -  | single 6  -  6  -  -  | prefer 64 -  64 -  64 | require 64 -  64 -  64
cluster 64  46            | unset -  -  -  -  -  | single -  -  -  -  -  | prefer 46 46 -  46 -  | require 46 46 -  46 -
cluster 64  64            | unset -  -  -  -  -  | single -  -  -  -  -  | prefer 64 -  64 -  64 | require 64 -  64 -  64
cluster 64  None          | unset 6  4  6  -  -  | single 6  4  6  -  -  | prefer 64 46 64 46 64 | require 64 46 64 46 64
cluster 64  selectorless  | unset 64 46 64 46 64 | single 6  4  6  -  -  | prefer 64 46 64 46 64 | require 64 46 64 46 64
`

interface Cell {
  readonly policy: string
  readonly families: string
  readonly expected: string
}

function cellsOf(groups: readonly string[], columns: readonly string[]): Cell[] {
  return groups.flatMap((group) => {
    const [policy = '', ...cells] = group.trim().split(/\s+/)
    return cells.map((expected, i) => ({ policy, families: columns[i] ?? '', expected }))
  })
}

function tryWrite(write: () => ServiceSpec): ServiceSpec | undefined {
  try {
    return write()
  } catch {
    return undefined
  }
}

function policyOf(policy: string, ips: string): string {
  if (policy === 'unset') return ips === 'selectorless' ? 'RequireDualStack' : 'SingleStack'
  return POLICIES[policy as keyof typeof POLICIES] ?? ''
}

describe('create', () => {
  const rows = CREATED.trim().split('\n')
  it.each(rows)('%s', (row) => {
    const [subject = '', ...groups] = row.split('|')
    const [, cluster, ips = ''] = /^cluster (\d+) +(\S+)/.exec(subject) ?? []
    const store = new ServiceStore(CIDRS[Number(cluster) as keyof typeof CIDRS])
    const addresses = ips === 'no' ? '' : ips
    const cells = cellsOf(groups, COLUMNS)
    expect(cells).toHaveLength(20)
    for (const { policy, families, expected } of cells) {
      const spec = specOf(POLICIES[policy as keyof typeof POLICIES], families, addresses)
      const made = tryWrite(() => store.create('s', spec))
      expect(made?.ipFamilies?.map((family) => family.slice(-1)).join('') ?? '-', `${policy} ${families}`).toBe(
        expected,
      )
      if (made === undefined) continue
      expect(made.ipFamilyPolicy).toBe(policyOf(policy, addresses))
      expect(made.clusterIP).toBe(made.clusterIPs?.[0])
      if (addresses === 'None' || addresses === 'selectorless') expect(made.clusterIPs).toEqual(['None'])
      else expect(made.clusterIPs?.map(familyOf)).toEqual(made.ipFamilies)
      store.delete('s')
    }
  })
})

/**
 * Columns: families and addresses of the request: none, the first, both. A cell: how many the service has then.
 * `from 1`: made single stack; `from 2`: made with the policy PreferDualStack, so a nil policy keeps that.
 */
const UPDATED = `
from 1, no families   | unset 1 1 - | single 1 1 - | prefer 2 2 2 | require 2 2 2
from 1, one family    | unset 1 1 - | single 1 1 - | prefer 2 2 2 | require 2 2 2
from 1, both families | unset - - - | single - - - | prefer 2 2 2 | require 2 2 2
from 2, no families   | unset 2 - 2 | single 1 1 1 | prefer 2 - 2 | require 2 - 2
from 2, one family    | unset - - - | single 1 1 1 | prefer - - - | require - - -
from 2, both families | unset 2 - 2 | single 1 1 1 | prefer 2 - 2 | require 2 - 2
`

describe.each(['46', '64'])('update, cluster %s', (cluster) => {
  const named = ['', cluster.slice(0, 1), cluster]
  const word: Record<string, string> = { no: '', one: named[1] ?? '', both: cluster }
  it.each(UPDATED.trim().split('\n'))('%s', (row) => {
    const [subject = '', ...groups] = row.split('|')
    const [, count, which = ''] = /^from (\d), (\w+)/.exec(subject) ?? []
    const families = word[which] ?? ''
    for (const { policy, families: ips, expected } of cellsOf(groups, named)) {
      const store = new ServiceStore(CIDRS[Number(cluster) as keyof typeof CIDRS])
      const from =
        count === '1' ? specOf('SingleStack', '', cluster.slice(0, 1)) : specOf('PreferDualStack', '', cluster)
      const before = store.create('s', from)
      const spec = specOf(POLICIES[policy as keyof typeof POLICIES], families, ips)
      const after = tryWrite(() => store.update('s', spec))
      expect(after?.ipFamilies?.length.toString() ?? '-', `${policy} ${ips}`).toBe(expected)
      const held = after?.clusterIPs ?? before.clusterIPs ?? []
      expect(held.map((ip) => store.isHeld(ip))).not.toContain(false)
      const gone = (before.clusterIPs ?? []).filter((ip) => !held.includes(ip))
      expect(gone.map((ip) => store.isHeld(ip))).not.toContain(true)
    }
  })
})

/** As above, without addresses; columns: families of the request: none, the first, both. */
const HEADLESS = `
from 1 | unset 1 1 - | single 1 1 - | prefer 2 2 2 | require 2 2 2
from 2 | unset 2 - 2 | single 1 1 1 | prefer 2 - 2 | require 2 - 2
`

describe('update of a headless service', () => {
  it.each(HEADLESS.trim().split('\n'))('%s', (row) => {
    const [subject = '', ...groups] = row.split('|')
    for (const { policy, families, expected } of cellsOf(groups, ['', '4', '46'])) {
      const store = new ServiceStore(CIDRS[46])
      store.create('s', specOf(subject.includes('1') ? 'SingleStack' : 'RequireDualStack', '', 'None'))
      const spec = specOf(POLICIES[policy as keyof typeof POLICIES], families, '')
      const after = tryWrite(() => store.update('s', spec))
      expect(after?.ipFamilies?.length.toString() ?? '-', `${policy} ${families}`).toBe(expected)
    }
  })
})

describe('update', () => {
  it.each<[string, ServiceSpec, ServiceSpec]>([
    ['a second family before the first', specOf('SingleStack', '', '4'), specOf('RequireDualStack', '64', '')],
    ['a second address before the first', specOf('SingleStack', '', '4'), specOf('RequireDualStack', '', '64')],
    ['the first family given up', specOf('PreferDualStack', '', '46'), specOf('SingleStack', '6', '')],
    ['the first address given up', specOf('PreferDualStack', '', '46'), specOf('SingleStack', '', '6')],
    ['an address becomes None', specOf('SingleStack', '', '4'), specOf(undefined, '', 'None')],
    ['None becomes an address', specOf('SingleStack', '', 'None'), specOf(undefined, '', '4')],
  ])('refuses %s', (_name, from, to) => {
    const store = new ServiceStore(CIDRS[46])
    const before = store.create('s', from)
    expect(tryWrite(() => store.update('s', to))).toBeUndefined()
    expect((before.clusterIPs ?? []).filter((ip) => ip !== 'None' && !store.isHeld(ip))).toEqual([])
  })

  it('refuses a second address that another service has', () => {
    const store = new ServiceStore(CIDRS[46])
    store.create('other', specOf('SingleStack', '6', '6'))
    store.create('s', specOf('SingleStack', '', '4'))
    expect(() => store.update('s', specOf('RequireDualStack', '46', '46'))).toThrow(/already allocated/)
    expect(() => store.update('s', specOf('RequireDualStack', '46', ''))).not.toThrow()
  })
})
