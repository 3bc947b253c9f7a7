import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LEASES } from '#machinery/api/coordination/v1/resources.gen.ts'
import type { Lease, LeaseSpec } from '#machinery/api/coordination/v1/types.gen.ts'
import { discardLogger } from '#machinery/util/logger.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { collectIdentityLeases } from './identity-lease-collector.ts'
import { keepIdentityLease, serverName } from './server-identity.ts'

const NAMESPACE = 'kube-system'
const LABELS = { 'apiserver.kubernetes.io/identity': 'kube-apiserver' }
let plane: TestControlPlane
let clock: FakeClock
let stop: AbortController
beforeEach(async () => {
  plane = await startTestControlPlane()
  clock = new FakeClock()
  stop = new AbortController()
})
afterEach(async () => {
  stop.abort()
  await plane.stop()
})

const options = (hostname: string) => ({
  client: plane.client,
  hostname,
  clock,
  random: systemRandom,
  logger: discardLogger,
})
const leases = async (): Promise<readonly Lease[]> =>
  (await plane.client.list(LEASES, { namespace: NAMESPACE })).items as readonly Lease[]
const only = async (): Promise<Lease> => {
  const [lease, ...others] = await leases()
  expect(others).toEqual([])
  if (lease === undefined) throw new Error('there is no lease')
  return lease
}

describe('serverName', () => {
  it('is made of the name of the host and of the component', () => {
    // sha256 of 0x0004 "host" 0x000e "kube-apiserver", the first 16 bytes in base32.
    expect(serverName('host')).toBe('apiserver-dd6egxogzxmivwqge6rcnj6rwi')
  })
})

describe('keepIdentityLease', () => {
  it('makes the Lease and renews it every ten seconds', async () => {
    void keepIdentityLease(options('host-1'), stop.signal)
    const made = await eventually(only)
    expect(made.metadata).toMatchObject({
      name: serverName('host-1'),
      labels: { ...LABELS, 'kubernetes.io/hostname': 'host-1' },
    })
    expect(made.spec).toMatchObject({ leaseDurationSeconds: 3600, renewTime: '2026-01-01T00:00:00.000000Z' })
    expect(made.spec?.holderIdentity).toMatch(new RegExp(`^${serverName('host-1')}_[0-9a-f-]{36}$`))
    await eventually(async () => {
      clock.advance(1_000)
      const { spec } = await only()
      expect(Date.parse(spec?.renewTime ?? '')).toBeGreaterThanOrEqual(Date.parse('2026-01-01T00:00:10Z'))
      expect(spec?.holderIdentity).toBe(made.spec?.holderIdentity)
    })
  })

  it('replaces the one of a server that ran here before, and comes back when it is deleted', async () => {
    const holderIdentity = 'somebody'
    const name = serverName('host-1')
    const object = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { namespace: NAMESPACE, name } }
    await plane.client.create(LEASES, { ...object, spec: { holderIdentity } })
    void keepIdentityLease(options('host-1'), stop.signal)
    await eventually(async () => expect((await only()).spec?.holderIdentity).toContain(name))
    await plane.client.delete(LEASES, { namespace: NAMESPACE, name })
    await eventually(async () => {
      clock.advance(1_000)
      expect((await only()).metadata.labels).toMatchObject(LABELS)
    })
  })

  it('does without the label when the name of the host is no value of one', async () => {
    void keepIdentityLease(options('host-'), stop.signal)
    expect((await eventually(only)).metadata.labels).toEqual(LABELS)
  })
})

describe('collectIdentityLeases', () => {
  const lease = (name: string, spec: LeaseSpec, labels: Record<string, string> = LABELS): Promise<unknown> =>
    plane.client.create(LEASES, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { namespace: NAMESPACE, name, labels },
      spec,
    })
  const names = async () => (await leases()).map(({ metadata }) => metadata.name)

  it('deletes those that have expired, at the start and each hour', async () => {
    const renewTime = '2025-12-31T22:59:59.000000Z'
    await lease('expired', { renewTime, leaseDurationSeconds: 3600 })
    await lease('never-renewed', { leaseDurationSeconds: 3600 })
    await lease('without-duration', { renewTime: '2026-01-01T00:00:00.000000Z' })
    await lease('valid', { renewTime: '2025-12-31T23:30:00.000000Z', leaseDurationSeconds: 3600 })
    await lease('of-another', { renewTime, leaseDurationSeconds: 1 }, {})
    void collectIdentityLeases(options('host-1'), stop.signal)
    await eventually(async () => expect(await names()).toEqual(['of-another', 'valid']))
    await eventually(async () => {
      clock.advance(600_000)
      expect(await names()).toEqual(['of-another'])
    })
  })
})
