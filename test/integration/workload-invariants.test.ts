/**
 * Random life of StatefulSets and DaemonSets: scaled, rolled, deleted and failed Pods, slow starts and slow ends, in an order a seed
 * decides. Every change of a Pod is judged as it is published: what must never happen must not have happened for a moment.
 * WORKLOAD_SEEDS=1000 runs more of them.
 */
import { describe, expect, it } from 'vitest'
import { daemonSetController } from '#controllers/daemonset/reconciler.ts'
import { statefulSetController } from '#controllers/statefulset/reconciler.ts'
import { DAEMON_SETS, STATEFUL_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { DaemonSet, StatefulSet } from '#machinery/api/apps/v1/types.gen.ts'
import { NODES, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { HandRunPods, isGoing, isReady } from '#test/support/hand-run-pods.ts'
import { seededRandom } from '#test/support/random-object.ts'

const namespace = 'default'
const SEEDS = Array.from({ length: Number(process.env['WORKLOAD_SEEDS'] ?? 4) }, (_, i) => i + 1)
const STEPS = 40
type PodView = DeepReadonly<Pod>
type Change = 'ADDED' | 'MODIFIED' | 'DELETED'

/** The Pods as a watch shows them, each change judged. */
class Judge {
  readonly pods = new Map<string, PodView>()
  readonly verdicts: string[] = []
  readonly #judge: (type: Change, pod: PodView, pods: ReadonlyMap<string, PodView>) => string | undefined
  readonly #abort = new AbortController()
  #done: Promise<void> = Promise.resolve()

  constructor(judge: (type: Change, pod: PodView, pods: ReadonlyMap<string, PodView>) => string | undefined) {
    this.#judge = judge
  }

  start({ client }: TestControlPlane): void {
    this.#done = this.#follow(client.watch(PODS, { namespace, signal: this.#abort.signal }))
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    await this.#done
  }

  async #follow(events: ReturnType<TestControlPlane['client']['watch']>): Promise<void> {
    for await (const { type, object } of events) {
      if (type === 'BOOKMARK') continue
      const pod = object as PodView
      if (type === 'DELETED') this.pods.delete(pod.metadata.name ?? '')
      else this.pods.set(pod.metadata.name ?? '', pod)
      const verdict = this.#judge(type as Change, pod, this.pods)
      if (verdict !== undefined) this.verdicts.push(`${type} ${pod.metadata.name}: ${verdict}`)
    }
  }
}

class World {
  readonly plane: TestControlPlane
  readonly pods: HandRunPods
  readonly #random: () => number

  constructor(plane: TestControlPlane, seed: number) {
    this.plane = plane
    this.pods = new HandRunPods(plane.client)
    this.#random = seededRandom(seed)
  }

  int(max: number): number {
    return Math.floor(this.#random() * max)
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.int(items.length)]
  }

  patch(resource: Resource, name: string, body: object): Promise<DeepReadonly<KubeObject>> {
    return this.plane.client.patch(resource, { namespace, name }, { type: 'merge', body })
  }

  /** The controller has seen all there is, and has nothing left to do until something changes. */
  async quiet(resource: Resource, name: string): Promise<void> {
    await this.patch(resource, name, { spec: { revisionHistoryLimit: 9 } })
    const { metadata } = await this.patch(resource, name, { spec: { revisionHistoryLimit: 10 } })
    await eventually(async () => {
      const { status } = (await this.plane.client.get(resource, { namespace, name })) as unknown as DaemonSet
      expect(status?.observedGeneration).toBe(metadata.generation)
    })
  }

  /** Some Pods get on: bound, ready, gone. */
  async getOn(isBinding: boolean): Promise<void> {
    for (const pod of await this.pods.list()) {
      if (this.int(3) === 0) continue
      if (isGoing(pod)) await this.pods.finish(pod)
      else if (isBinding && (pod.spec.nodeName ?? '') === '') await this.pods.bind(pod)
      else if (pod.status?.phase === 'Pending') await this.pods.setReady(pod)
    }
  }
}

async function world(seed: number, count = 0): Promise<World> {
  const controllers = [statefulSetController({ honoursMaxUnavailable: true }), daemonSetController]
  const plane = await startTestControlPlane({ controllers })
  const { client } = plane
  await client.create(SERVICE_ACCOUNTS, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace },
  })
  for (let i = 0; i < count; i++) {
    await client.create(NODES, { apiVersion: 'v1', kind: 'Node', metadata: { name: `node-${i}` }, spec: {} })
    // Every new node has a taint until it is ready.
    await client.patch(NODES, { name: `node-${i}` }, { type: 'merge', body: { spec: { taints: null } } })
  }
  return new World(plane, seed)
}

const template = (image: string) => ({
  metadata: { labels: { app: 'x' } },
  spec: { containers: [{ name: 'c', image }] },
})

const ordinalOf = ({ metadata }: PodView): number => Number(metadata.name?.slice('web-'.length))

const statefulSet = (podManagementPolicy: string, maxUnavailable: number): StatefulSet => ({
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'web', namespace },
  spec: {
    replicas: 4,
    podManagementPolicy,
    updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0, maxUnavailable } },
    selector: { matchLabels: { app: 'x' } },
    template: template('0'),
  },
})

describe.each(SEEDS)('with seed %i', (seed) => {
  it('a StatefulSet that keeps order never skips an ordinal', async () => {
    const w = await world(seed)
    const judge = new Judge((type, pod, pods) => {
      if (type !== 'ADDED') return undefined
      for (let lower = 0; lower < ordinalOf(pod); lower++) {
        const found = pods.get(`web-${lower}`)
        if (found === undefined || isGoing(found) || !isReady(found)) return `web-${lower} is not there and ready`
      }
      return undefined
    })
    judge.start(w.plane)
    await w.plane.client.create(STATEFUL_SETS, statefulSet('OrderedReady', 1))
    for (let step = 0; step < STEPS; step++) {
      const choice = w.int(8)
      if (choice === 0) await w.patch(STATEFUL_SETS, 'web', { spec: { replicas: w.int(6) } })
      else if (choice === 1) await w.patch(STATEFUL_SETS, 'web', { spec: { template: template(`${w.int(3)}`) } })
      else if (choice === 2) {
        // Nothing is under way that was decided before the Pod goes.
        await w.quiet(STATEFUL_SETS, 'web')
        const victim = w.pick(await w.pods.list())
        if (victim !== undefined && w.int(2) === 0) await w.pods.end(victim)
        else if (victim !== undefined) await w.pods.finish(victim)
      } else if (choice === 3) await w.quiet(STATEFUL_SETS, 'web')
      else await w.getOn(false)
    }
    await w.patch(STATEFUL_SETS, 'web', { spec: { replicas: 3, template: template('end') } })
    await eventually(async () => {
      await w.pods.runAll()
      const pods = await w.pods.list()
      expect(pods.map(({ metadata }) => metadata.name)).toEqual(['web-0', 'web-1', 'web-2'])
      for (const pod of pods) expect(pod.spec.containers[0]?.image).toBe('end')
    })
    await w.quiet(STATEFUL_SETS, 'web')
    await judge.stop()
    await w.plane.stop()
    expect(judge.verdicts).toEqual([])
  })

  it('a StatefulSet that does all at once misses no more than maxUnavailable while it is updated', async () => {
    const w = await world(seed)
    const [replicas, maxUnavailable] = [6, 1 + w.int(3)]
    let isRunning = false
    const judge = new Judge((_type, _pod, pods) => {
      const missing = replicas - [...pods.values()].filter((pod) => !isGoing(pod) && isReady(pod)).length
      return isRunning && missing > maxUnavailable ? `${missing} are missing` : undefined
    })
    judge.start(w.plane)
    const set = statefulSet('Parallel', maxUnavailable)
    await w.plane.client.create(STATEFUL_SETS, { ...set, spec: { ...set.spec, replicas } })
    const isComplete = async (image: string): Promise<void> => {
      await w.getOn(false)
      const pods = await w.pods.list()
      expect(pods).toHaveLength(replicas)
      for (const pod of pods) expect([pod.spec.containers[0]?.image, isReady(pod)]).toEqual([image, true])
    }
    await eventually(() => isComplete('0'))
    await eventually(() => expect([...judge.pods.values()].filter(isReady)).toHaveLength(replicas))
    isRunning = true
    for (const image of ['1', '2', '3']) {
      await w.patch(STATEFUL_SETS, 'web', { spec: { template: template(image) } })
      await eventually(() => isComplete(image))
    }
    await judge.stop()
    await w.plane.stop()
    expect(judge.verdicts).toEqual([])
  })

  it.each([
    { maxUnavailable: 2, maxSurge: 0 },
    { maxUnavailable: 0, maxSurge: 2 },
  ])('a DaemonSet keeps to %o while it is updated', async ({ maxUnavailable, maxSurge }) => {
    const count = 6
    const w = await world(seed, count)
    let isRunning = false
    const judge = new Judge((_type, _pod, pods) => {
      if (!isRunning) return undefined
      const staying = [...pods.values()].filter((pod) => !isGoing(pod))
      const there = Array.from({ length: count }, (_, i) => staying.filter((pod) => nodeOf(pod) === `node-${i}`))
      const missing = count - there.filter((found) => found.some(isReady)).length
      if (missing > maxUnavailable) return `${missing} nodes are without`
      // A new one beside an old one; an old one that is going has been replaced.
      const surging = there.filter((found) => found.length > 1).length
      return surging > maxSurge ? `${surging} nodes have two` : undefined
    })
    judge.start(w.plane)
    await w.plane.client.create(DAEMON_SETS, {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name: 'agent', namespace },
      spec: {
        selector: { matchLabels: { app: 'x' } },
        updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable, maxSurge } },
        template: template('0'),
      },
    })
    const isComplete = async (image: string): Promise<void> => {
      await w.getOn(true)
      const pods = await w.pods.list()
      expect(pods).toHaveLength(count)
      for (const pod of pods) expect([pod.spec.containers[0]?.image, isReady(pod)]).toEqual([image, true])
    }
    await eventually(() => isComplete('0'))
    await eventually(() => expect([...judge.pods.values()].filter(isReady)).toHaveLength(count))
    isRunning = true
    for (const image of ['1', '2', '3']) {
      await w.patch(DAEMON_SETS, 'agent', { spec: { template: template(image) } })
      for (let step = 0; step < w.int(10); step++) await w.getOn(true)
      // Sometimes the next template comes before this one is everywhere.
      if (w.int(2) === 0) await eventually(() => isComplete(image))
    }
    await eventually(() => isComplete('3'))
    await judge.stop()
    await w.plane.stop()
    expect(judge.verdicts).toEqual([])
  })
})

function nodeOf({ spec }: PodView): string {
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return required?.nodeSelectorTerms[0]?.matchFields?.[0]?.values?.[0] ?? ''
}
