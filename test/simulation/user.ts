/** What people do to a cluster, at random: create, scale, roll out, delete, evict, drain, break nodes. */
import { DAEMON_SETS, DEPLOYMENTS, STATEFUL_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { DaemonSet, Deployment, StatefulSet } from '#machinery/api/apps/v1/types.gen.ts'
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import type { Job } from '#machinery/api/batch/v1/types.gen.ts'
import { NODES, PODS, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node, PodTemplateSpec, Service } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { isConflict, isNotFound, isStatusError } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { World } from './world.ts'

const NAMESPACE = 'default'
const NAMES = ['a', 'b', 'c']
const REPLICAS_MAX = 7
const HEARTBEAT = 'simulated.knarr.io/heartbeat'

type Workload = Deployment | StatefulSet | DaemonSet

export interface Action {
  readonly name: string
  readonly weight: number
  /** Takes Pods away for another reason than a rollout. */
  readonly disturbs?: boolean
  run(): Promise<unknown>
}

export class User {
  readonly #world: World
  #version = 0

  constructor(world: World) {
    this.#world = world
  }

  readonly actions: readonly Action[] = [
    { name: 'create Deployment', weight: 4, run: () => this.#create(DEPLOYMENTS, this.#deployment()) },
    { name: 'create StatefulSet', weight: 3, run: () => this.#create(STATEFUL_SETS, this.#statefulSet()) },
    { name: 'create DaemonSet', weight: 1, run: () => this.#create(DAEMON_SETS, this.#daemonSet()) },
    { name: 'create Job', weight: 3, run: () => this.#create(JOBS, this.#job()) },
    { name: 'create Service', weight: 1, run: () => this.#create(SERVICES, this.#service()) },
    { name: 'scale Deployment', weight: 4, run: () => this.#scale(DEPLOYMENTS) },
    { name: 'scale StatefulSet', weight: 3, run: () => this.#scale(STATEFUL_SETS) },
    { name: 'roll out Deployment', weight: 6, run: () => this.#rollOut(DEPLOYMENTS) },
    { name: 'roll out StatefulSet', weight: 2, run: () => this.#rollOut(STATEFUL_SETS) },
    { name: 'roll out DaemonSet', weight: 1, run: () => this.#rollOut(DAEMON_SETS) },
    { name: 'delete Deployment', weight: 1, disturbs: true, run: () => this.#delete(DEPLOYMENTS) },
    { name: 'delete StatefulSet', weight: 1, run: () => this.#delete(STATEFUL_SETS) },
    { name: 'delete DaemonSet', weight: 1, run: () => this.#delete(DAEMON_SETS) },
    { name: 'delete Job', weight: 1, run: () => this.#delete(JOBS) },
    { name: 'delete Pod', weight: 4, disturbs: true, run: () => this.#deletePod() },
    { name: 'cordon or uncordon', weight: 2, run: () => this.#cordon() },
    { name: 'lose or find node', weight: 2, disturbs: true, run: () => this.#loseNode() },
  ]

  choose(): Action {
    const total = this.actions.reduce((sum, { weight }) => sum + weight, 0)
    let at = this.#world.below(total)
    for (const action of this.actions) {
      at -= action.weight
      if (at < 0) return action
    }
    throw new Error('weights add up')
  }

  /** Undoes what keeps the cluster from coming to rest. */
  async heal(): Promise<void> {
    const { client } = this.#world
    const { items } = await client.list(NODES)
    for (const node of items) {
      const body = { spec: { unschedulable: null }, metadata: { annotations: { [HEARTBEAT]: null } } }
      await client.patch(NODES, objectKeyOf(node), { type: 'merge', body })
    }
  }

  async deleteEverything(): Promise<void> {
    const { client } = this.#world
    for (const resource of [DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, JOBS, SERVICES] as readonly Resource[]) {
      const { items } = await client.list(resource, { namespace: NAMESPACE })
      for (const object of items) {
        if (object.metadata.name === 'kubernetes') continue
        await client.delete(resource, objectKeyOf(object), { propagationPolicy: 'Background' }).catch(expected)
      }
    }
  }

  async #create<T extends KubeObject>(resource: Resource<T>, object: DeepReadonly<T>): Promise<void> {
    await this.#world.client.create(resource, object).catch(expected)
  }

  async #scale(resource: Resource<Deployment> | Resource<StatefulSet>): Promise<void> {
    await this.#change(resource as Resource<Deployment>, () => ({
      spec: { replicas: this.#world.below(REPLICAS_MAX) },
    }))
  }

  async #rollOut(resource: Resource): Promise<void> {
    const annotations = { version: `${++this.#version}` }
    await this.#change(resource as Resource<Workload>, () => ({ spec: { template: { metadata: { annotations } } } }))
  }

  async #change<T extends KubeObject>(resource: Resource<T>, body: () => object): Promise<void> {
    const object = await this.#any(resource)
    if (object === undefined) return
    await this.#world.client.patch(resource, objectKeyOf(object), { type: 'merge', body: body() }).catch(expected)
  }

  async #delete(resource: Resource): Promise<void> {
    const object = await this.#any(resource)
    if (object === undefined) return
    const propagationPolicy = this.#world.pick(['Background', 'Foreground', 'Background'] as const) ?? 'Background'
    await this.#world.client.delete(resource, objectKeyOf(object), { propagationPolicy }).catch(expected)
  }

  async #deletePod(): Promise<void> {
    const pod = await this.#any(PODS)
    if (pod === undefined) return
    const options = this.#world.random() < 0.3 ? { gracePeriodSeconds: 0 } : {}
    await this.#world.client.delete(PODS, objectKeyOf(pod), options).catch(expected)
  }

  async #cordon(): Promise<void> {
    await this.#change(NODES, () => ({ spec: { unschedulable: this.#world.random() < 0.4 } }))
  }

  async #loseNode(): Promise<void> {
    const isLost = this.#world.random() < 0.5
    await this.#change<Node>(NODES, () => ({ metadata: { annotations: { [HEARTBEAT]: isLost ? 'stopped' : null } } }))
  }

  async #any<T extends KubeObject>(resource: Resource<T>): Promise<DeepReadonly<T> | undefined> {
    const options = resource.namespaced ? { namespace: NAMESPACE } : {}
    const { items } = await this.#world.client.list(resource, options)
    return this.#world.pick(items.filter(({ metadata }) => metadata.deletionTimestamp === undefined))
  }

  #name(): string {
    return this.#world.pick(NAMES) ?? 'a'
  }

  #template(labels: Record<string, string>): PodTemplateSpec {
    return {
      metadata: { labels, annotations: { version: '0' } },
      spec: {
        containers: [{ name: 'main', image: 'simulated' }],
        terminationGracePeriodSeconds: this.#world.below(30),
      },
    }
  }

  #deployment(): Deployment {
    const { below, random } = this.#bound()
    const name = `deployment-${this.#name()}`
    const strategies = [
      { type: 'Recreate' },
      { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
      { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
      { type: 'RollingUpdate', rollingUpdate: { maxSurge: '30%', maxUnavailable: '30%' } },
      { type: 'RollingUpdate', rollingUpdate: { maxSurge: 2, maxUnavailable: 2 } },
    ]
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace: NAMESPACE },
      spec: {
        replicas: below(REPLICAS_MAX),
        selector: { matchLabels: { app: name } },
        template: this.#template({ app: name }),
        strategy: this.#world.pick(strategies) ?? {},
        minReadySeconds: random() < 0.3 ? below(10) : 0,
      },
    }
  }

  #statefulSet(): StatefulSet {
    const { below, random } = this.#bound()
    const name = `stateful-${this.#name()}`
    return {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata: { name, namespace: NAMESPACE },
      spec: {
        serviceName: name,
        replicas: below(REPLICAS_MAX),
        selector: { matchLabels: { app: name } },
        template: this.#template({ app: name }),
        podManagementPolicy: random() < 0.5 ? 'OrderedReady' : 'Parallel',
      },
    }
  }

  #daemonSet(): DaemonSet {
    const name = `daemon-${this.#name()}`
    return {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata: { name, namespace: NAMESPACE },
      spec: { selector: { matchLabels: { app: name } }, template: this.#template({ app: name }) },
    }
  }

  #job(): Job {
    const { below, random } = this.#bound()
    const name = `job-${this.#name()}`
    const template = this.#template({ app: name })
    const completions = 1 + below(8)
    return {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { name, namespace: NAMESPACE },
      spec: {
        completions,
        parallelism: 1 + below(4),
        completionMode: random() < 0.5 ? 'Indexed' : 'NonIndexed',
        backoffLimit: 20,
        template: { ...template, spec: { containers: [], ...template.spec, restartPolicy: 'Never' } },
      },
    }
  }

  #service(): Service {
    const app = `deployment-${this.#name()}`
    return {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: app, namespace: NAMESPACE },
      spec: { selector: { app }, ports: [{ port: 80 }] },
    }
  }

  #bound(): { below(max: number): number; random(): number } {
    return { below: (max) => this.#world.below(max), random: () => this.#world.random() }
  }
}

/** What a user may be told in the middle of all this. */
function expected(err: unknown): void {
  if (isConflict(err) || isNotFound(err)) return
  if (isStatusError(err) && err.status.reason === 'AlreadyExists') return
  throw err
}
