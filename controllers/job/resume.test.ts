/** Jobs that are suspended and resumed while time passes: no status write of the controller may be refused as invalid. */
import { afterEach, describe, expect, it } from 'vitest'
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import { SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import { isConflict } from '#machinery/meta/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { jobController } from './reconciler.ts'

const namespace = 'default'
const key = { namespace, name: 'work' }
let plane: TestControlPlane
let clock: FakeClock
let complaints: object[]

afterEach(() => plane.stop())

async function start(): Promise<void> {
  clock = new FakeClock()
  complaints = []
  const complain = (fields: object): void => {
    complaints.push(fields)
  }
  const logger: Logger = { debug() {}, info() {}, warn: complain, error: complain, child: () => logger }
  plane = await startTestControlPlane({ clock, logger, controllers: [jobController] })
  const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } } as const
  await plane.client.create(SERVICE_ACCOUNTS, account)
  const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'c' }] } }
  const metadata = { name: 'work', namespace }
  await plane.client.create(JOBS, { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { parallelism: 2, template } })
  await clock.advanceInSteps(1_000)
}

const suspend = (value: boolean) => plane.client.patch(JOBS, key, { type: 'merge', body: { spec: { suspend: value } } })
const status = async () => (await plane.client.get(JOBS, key)).status

describe('a Job that is suspended and resumed', () => {
  it('loses its start time and gets a later one', async () => {
    await start()
    const first = (await status())?.startTime
    expect(first).toBeDefined()
    await suspend(true)
    await clock.advanceInSteps(5_000)
    expect(await status()).toMatchObject({ conditions: [{ type: 'Suspended', status: 'True' }] })
    expect((await status())?.startTime).toBeUndefined()
    await suspend(false)
    await clock.advanceInSteps(5_000)
    expect(await status()).toMatchObject({ active: 2, conditions: [{ type: 'Suspended', status: 'False' }] })
    expect(Date.parse((await status())?.startTime ?? '')).toBeGreaterThan(Date.parse(first ?? ''))
    expect(complaints).toEqual([])
  })

  it('may keep the start time an earlier version left in its status, and gets a later one all the same', async () => {
    await start()
    const started = deepCopy<Job>(await plane.client.get(JOBS, key))
    await suspend(true)
    await clock.advanceInSteps(5_000)
    const suspended = deepCopy<Job>(await plane.client.get(JOBS, key))
    suspended.status = { ...suspended.status, startTime: started.status?.startTime ?? '' }
    await plane.client.update(JOBS, suspended, { subresource: 'status' })
    await suspend(false)
    await clock.advanceInSteps(5_000)
    expect(await status()).toMatchObject({ active: 2, conditions: [{ type: 'Suspended', status: 'False' }] })
    expect((await status())?.startTime).not.toBe(started.status?.startTime)
    expect(complaints).toEqual([])
  })

  it('survives changes of mind at any moment', async () => {
    await start()
    for (const gapMs of [0, 1, 30, 70, 100, 130, 300, 1_000, 1_100, 0, 0, 50, 2_000]) {
      await suspend(true)
      if (gapMs > 0) await clock.advanceInSteps(gapMs, 10)
      await suspend(false)
      if (gapMs > 0) await clock.advanceInSteps(gapMs, 10)
    }
    await clock.advanceInSteps(60_000, 500)
    expect(await status()).toMatchObject({ active: 2 })
    expect((await status())?.startTime).toBeDefined()
    expect(complaints).toEqual([])
  })

  it('meets a Conflict, not a validation error, with a status that was made before it was resumed', async () => {
    await start()
    await suspend(true)
    await clock.advanceInSteps(5_000)
    const stale = deepCopy<Job>(await plane.client.get(JOBS, key))
    await suspend(false)
    await clock.advanceInSteps(5_000)
    const refusal = await plane.client.update(JOBS, stale, { subresource: 'status' }).catch((err: unknown) => err)
    expect(isConflict(refusal)).toBe(true)
  })
})
