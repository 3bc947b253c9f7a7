/**
 * Jobs under seeded random fates: Pods run, succeed, fail and vanish, Jobs are resized, suspended and resumed, the control plane is
 * restarted. At every step: never more running than wanted, never two for one index. In the end: counted right, no finalizer left.
 */
import { describe, expect, it } from 'vitest'
import { jobController } from '#controllers/job/reconciler.ts'
import { MemoryStorage } from '#apiserver/storage/memory/storage.ts'
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job, JobSpec } from '#machinery/api/batch/v1/types.gen.ts'
import { PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { isConflict, isNotFound } from '#machinery/meta/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { TestControlPlane } from '../support/control-plane.ts'
import { startTestControlPlane } from '../support/control-plane.ts'
import { eventually } from '../support/eventually.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { seededRandom } from '../support/random-object.ts'

const namespace = 'default'
const KEY = { namespace, name: 'work' }
const INDEX = 'batch.kubernetes.io/job-completion-index'
const TRACKING = 'batch.kubernetes.io/job-tracking'
const STEPS = 60

type Fate = 'Running' | 'Succeeded' | 'Failed'

class World {
  readonly clock = new FakeClock()
  readonly storage = new MemoryStorage({ clock: this.clock })
  readonly random: () => number
  /** UIDs whose end was written, by their end. */
  readonly ended = { Succeeded: new Set<string>(), Failed: new Set<string>() }
  plane!: TestControlPlane
  /** The most that may run since the controller last had time to come to rest. */
  runningMax = 0

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  int(max: number): number {
    return Math.floor(this.random() * max)
  }

  async start(): Promise<void> {
    this.plane = await startTestControlPlane({ clock: this.clock, storage: this.storage, controllers: [jobController] })
  }

  async job(): Promise<DeepReadonly<Job>> {
    return this.plane.client.get(JOBS, KEY)
  }

  async pods(): Promise<readonly DeepReadonly<Pod>[]> {
    return (await this.plane.client.list(PODS, { namespace })).items
  }

  /** Lets time pass and the controller work. */
  async pass(ms: number): Promise<void> {
    await this.clock.advanceInSteps(ms, Math.max(50, ms / 20))
    await this.check()
  }

  async check(): Promise<void> {
    const running = (await this.pods()).filter(isRunning)
    expect(running.length).toBeLessThanOrEqual(this.runningMax)
    const indexes = running.map(({ metadata }) => metadata.annotations?.[INDEX]).filter((index) => index !== undefined)
    expect(new Set(indexes).size).toBe(indexes.length)
  }

  async end(pod: DeepReadonly<Pod>, phase: Fate): Promise<void> {
    const draft = deepCopy<Pod>(pod)
    draft.status = { phase }
    try {
      await this.plane.client.update(PODS, draft, { subresource: 'status' })
      if (phase !== 'Running') this.ended[phase].add(pod.metadata.uid ?? '')
    } catch (err: unknown) {
      if (!isConflict(err) && !isNotFound(err)) throw err
    }
  }

  async change(spec: Partial<JobSpec>): Promise<void> {
    await this.plane.client.patch(JOBS, KEY, { type: 'merge', body: { spec } })
  }

  /** One thing that happens to the Job or one of its Pods. */
  async step(): Promise<void> {
    const running = (await this.pods()).filter(isRunning)
    const pod = running[this.int(running.length)]
    const what = this.int(20)
    if (what < 12 && pod !== undefined) {
      const fates: readonly Fate[] = ['Running', 'Succeeded', 'Failed']
      await this.end(pod, fates[this.int(3)] ?? 'Running')
    } else if (what < 14 && pod !== undefined)
      await this.plane.client.delete(PODS, objectKeyOf(pod)).catch(() => undefined)
    else if (what < 16) {
      const parallelism = 1 + this.int(5)
      // Until the controller has had its time the larger of both may run.
      this.runningMax = Math.max(this.runningMax, parallelism)
      await this.change({ parallelism })
    } else if (what === 16) {
      for (const leaving of (await this.pods()).filter(isLeaving)) await this.end(leaving, 'Failed')
    } else if (what < 19) await this.change({ suspend: this.int(2) === 0 })
    else {
      await this.plane.stop()
      await this.start()
    }
  }

  /** Until the Job is over; every Pod it still makes succeeds. */
  async finish(): Promise<DeepReadonly<Job>> {
    await this.change({ suspend: false })
    return eventually(async () => {
      for (const pod of await this.pods()) {
        if (isRunning(pod)) await this.end(pod, 'Succeeded')
        else if (isLeaving(pod)) await this.end(pod, 'Failed')
      }
      await this.pass(20_000)
      const job = await this.job()
      expect(isOver(job)).toBe(true)
      return job
    }, 20_000)
  }
}

const isRunning = ({ metadata, status }: DeepReadonly<Pod>): boolean =>
  metadata.deletionTimestamp === undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'

const MODES: readonly [string, Partial<JobSpec>][] = [
  ['NonIndexed', { completions: 8 }],
  ['Indexed', { completions: 8, completionMode: 'Indexed' }],
  ['Indexed, replaced when failed', { completions: 8, completionMode: 'Indexed', podReplacementPolicy: 'Failed' }],
  ['NonIndexed, two failures allowed', { completions: 8, backoffLimit: 2 }],
  [
    'Indexed, one failure of each index allowed',
    { completions: 8, completionMode: 'Indexed', backoffLimitPerIndex: 1 },
  ],
  ['Indexed, limited per index', { completions: 8, completionMode: 'Indexed', backoffLimitPerIndex: 1_000 }],
]
const CASES = MODES.flatMap(([mode, spec]) => [1, 2, 3].map((seed) => [mode, seed, spec] as const))

describe('a Job', () => {
  it.each(CASES)(
    '%s, seed %i',
    async (_mode, seed, spec) => {
      const world = new World(seed)
      await world.start()
      const { client } = world.plane
      await client.create(SERVICE_ACCOUNTS, {
        apiVersion: 'v1',
        kind: 'ServiceAccount',
        metadata: { name: 'default', namespace },
      })
      const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'i' }] } }
      world.runningMax = 3
      await client.create(JOBS, {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: KEY,
        spec: { parallelism: 3, backoffLimit: 1_000, template, ...spec },
      })
      for (let i = 0; i < STEPS; i++) {
        await world.step()
        await world.pass(100 + world.int(15_000))
        if (isOver(await world.job())) break
      }
      const { status } = await world.finish()
      // A Job that is complete leaves nothing behind that would keep a Pod from going.
      await eventually(async () => {
        await world.pass(1_000)
        const held = (await world.pods()).filter(({ metadata }) => metadata.finalizers?.includes(TRACKING))
        expect(held).toEqual([])
      })
      expect(status?.uncountedTerminatedPods ?? {}).toEqual({})
      expect(status?.active ?? 0).toBe(0)
      if (conditionsOf(status).includes('Complete=True')) checkSuccess(world, spec, status)
      else expect(spec.backoffLimit === 2 || spec.backoffLimitPerIndex === 1).toBe(true)
      expect(conditionsOf(status)).not.toContain('Suspended=True')
      await world.plane.stop()
      await world.storage.close()
    },
    60_000,
  )
})

/** As a node's: what is deleted comes to its end. */
const isLeaving = ({ metadata, status }: DeepReadonly<Pod>): boolean =>
  metadata.deletionTimestamp !== undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed'

const conditionsOf = (status: DeepReadonly<Job>['status']): string[] =>
  (status?.conditions ?? []).map((condition) => `${condition.type}=${condition.status}`)

const isOver = ({ status }: DeepReadonly<Job>): boolean =>
  conditionsOf(status).some((condition) => condition === 'Complete=True' || condition === 'Failed=True')

function checkSuccess(world: World, spec: Partial<JobSpec>, status: DeepReadonly<Job>['status']): void {
  expect(status?.succeeded).toBeGreaterThanOrEqual(8)
  if (spec.completionMode === 'Indexed') expect(status).toMatchObject({ succeeded: 8, completedIndexes: '0-7' })
  else expect(status?.succeeded).toBeLessThanOrEqual(world.ended.Succeeded.size)
}
