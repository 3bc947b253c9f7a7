/** What people do to a cluster, at random: create, scale, roll out, delete, evict, drain, break nodes. */
import { DAEMON_SETS, DEPLOYMENTS, REPLICA_SETS, STATEFUL_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { DaemonSet, Deployment, StatefulSet } from '#machinery/api/apps/v1/types.gen.ts'
import { CRON_JOBS, JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import {
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
  PODS,
  REPLICATION_CONTROLLERS,
  SERVICES,
} from '#machinery/api/core/v1/resources.gen.ts'
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { POD_DISRUPTION_BUDGETS } from '#machinery/api/policy/v1/resources.gen.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { isConflict, isNotFound, isStatusError, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { Manifests, NAMESPACE, REPLICAS_MAX, SPREAD_REPLICAS_MAX } from './manifests.ts'
import type { World } from './world.ts'

const HEARTBEAT = 'simulated.knarr.io/heartbeat'
const TAINT = { key: 'simulated', effect: 'NoExecute' }
const EVERYTHING: readonly Resource[] = [
  DEPLOYMENTS,
  STATEFUL_SETS,
  DAEMON_SETS,
  REPLICATION_CONTROLLERS,
  CRON_JOBS,
  JOBS,
  SERVICES,
  POD_DISRUPTION_BUDGETS,
  REPLICA_SETS,
  PODS,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
]

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
  readonly #new: Manifests
  #version = 0

  constructor(world: World) {
    this.#world = world
    this.#new = new Manifests(world)
  }

  readonly actions: readonly Action[] = [
    { name: 'create Deployment', weight: 4, run: () => this.#create(DEPLOYMENTS, this.#new.deployment()) },
    { name: 'create spread Deployment', weight: 2, run: () => this.#create(DEPLOYMENTS, this.#new.spreadDeployment()) },
    {
      name: 'create ReplicationController',
      weight: 1,
      run: () => this.#create(REPLICATION_CONTROLLERS, this.#new.replicationController()),
    },
    { name: 'create StatefulSet', weight: 3, run: () => this.#create(STATEFUL_SETS, this.#new.statefulSet()) },
    { name: 'create DaemonSet', weight: 2, run: () => this.#create(DAEMON_SETS, this.#new.daemonSet()) },
    { name: 'create Job', weight: 3, run: () => this.#create(JOBS, this.#new.job()) },
    { name: 'create CronJob', weight: 1, run: () => this.#create(CRON_JOBS, this.#new.cronJob()) },
    { name: 'create Service', weight: 2, run: () => this.#create(SERVICES, this.#new.service()) },
    {
      name: 'create PodDisruptionBudget',
      weight: 2,
      run: () => this.#create(POD_DISRUPTION_BUDGETS, this.#new.podDisruptionBudget()),
    },
    {
      name: 'create PersistentVolume',
      weight: 2,
      run: () => this.#create(PERSISTENT_VOLUMES, this.#new.persistentVolume()),
    },
    { name: 'scale Deployment', weight: 4, run: () => this.#scale(DEPLOYMENTS) },
    { name: 'scale ReplicationController', weight: 1, run: () => this.#scale(REPLICATION_CONTROLLERS) },
    { name: 'scale StatefulSet', weight: 3, run: () => this.#scale(STATEFUL_SETS) },
    { name: 'roll out Deployment', weight: 6, run: () => this.#rollOut(DEPLOYMENTS) },
    { name: 'roll out StatefulSet', weight: 3, run: () => this.#rollOut(STATEFUL_SETS) },
    { name: 'roll out DaemonSet', weight: 3, run: () => this.#rollOut(DAEMON_SETS) },
    { name: 'delete Deployment', weight: 1, disturbs: true, run: () => this.#delete(DEPLOYMENTS) },
    { name: 'delete ReplicationController', weight: 1, run: () => this.#delete(REPLICATION_CONTROLLERS) },
    { name: 'delete StatefulSet', weight: 1, disturbs: true, run: () => this.#delete(STATEFUL_SETS) },
    { name: 'delete DaemonSet', weight: 1, disturbs: true, run: () => this.#delete(DAEMON_SETS) },
    { name: 'delete Job', weight: 1, run: () => this.#delete(JOBS) },
    { name: 'delete CronJob', weight: 1, run: () => this.#delete(CRON_JOBS) },
    { name: 'delete Service', weight: 1, run: () => this.#delete(SERVICES) },
    { name: 'delete Pod', weight: 4, disturbs: true, run: () => this.#deletePod() },
    { name: 'cordon or uncordon', weight: 2, run: () => this.#cordon() },
    { name: 'taint or free node', weight: 2, disturbs: true, run: () => this.#taint() },
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
    const { items } = await this.#world.client.list(NODES)
    for (const node of items) {
      await this.#changeNode(node, (draft) => {
        draft.spec = { ...draft.spec, unschedulable: false, taints: taintsWithoutOurs(draft) }
        delete draft.metadata.annotations?.[HEARTBEAT]
      })
    }
    await this.provideVolumes()
  }

  /** A volume for every claim that waits. */
  async provideVolumes(): Promise<void> {
    const { items } = await this.#world.client.list(PERSISTENT_VOLUME_CLAIMS, { namespace: NAMESPACE })
    for (const { status } of items) {
      if (status?.phase !== 'Bound') await this.#create(PERSISTENT_VOLUMES, this.#new.persistentVolume())
    }
  }

  /** Also what has lost its owner on purpose. */
  async deleteEverything(): Promise<void> {
    const { client } = this.#world
    for (const resource of EVERYTHING) {
      const { items } = await client.list(resource, resource.namespaced ? { namespace: NAMESPACE } : {})
      for (const object of items) {
        if (object.metadata.name === 'kubernetes') continue
        await client.delete(resource, objectKeyOf(object), { propagationPolicy: 'Background' }).catch(expected)
      }
    }
  }

  async #create<T extends KubeObject>(resource: Resource<T>, object: DeepReadonly<T>): Promise<void> {
    await this.#world.client.create(resource, object).catch(expected)
  }

  async #scale(resource: Resource): Promise<void> {
    await this.#change(resource as Resource<Deployment>, ({ spec }) => {
      const max = spec.template.spec?.affinity === undefined ? REPLICAS_MAX : SPREAD_REPLICAS_MAX
      return { spec: { replicas: this.#world.below(max) } }
    })
  }

  async #rollOut(resource: Resource): Promise<void> {
    const annotations = { version: `${++this.#version}` }
    await this.#change(resource as Resource<Workload>, () => ({ spec: { template: { metadata: { annotations } } } }))
  }

  async #change<T extends KubeObject>(resource: Resource<T>, body: (object: DeepReadonly<T>) => object): Promise<void> {
    const object = await this.#any(resource)
    if (object === undefined) return
    await this.#world.client.patch(resource, objectKeyOf(object), { type: 'merge', body: body(object) }).catch(expected)
  }

  async #delete(resource: Resource): Promise<void> {
    const object = await this.#any(resource)
    if (object === undefined) return
    const propagationPolicy =
      this.#world.pick(['Background', 'Foreground', 'Background', 'Orphan'] as const) ?? 'Background'
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

  async #taint(): Promise<void> {
    const isTainted = this.#world.random() < 0.5
    const node = await this.#any(NODES)
    if (node === undefined) return
    await this.#changeNode(node, (draft) => {
      draft.spec = { ...draft.spec, taints: [...taintsWithoutOurs(draft), ...(isTainted ? [TAINT] : [])] }
    })
  }

  /** As kubectl does: the list of taints is written as a whole, so that a conflict means to look again. */
  async #changeNode(node: DeepReadonly<Node>, change: (draft: Node) => void): Promise<void> {
    const { client } = this.#world
    let current: DeepReadonly<Node> | undefined = node
    while (current !== undefined) {
      const draft = deepCopy<Node>(current)
      change(draft)
      try {
        await client.update(NODES, draft)
        return
      } catch (err: unknown) {
        expected(err)
        current = await client.get(NODES, objectKeyOf(node)).catch(undefinedIfNotFound)
      }
    }
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
}

const taintsWithoutOurs = ({ spec }: Node) => (spec?.taints ?? []).filter(({ key }) => key !== TAINT.key)

/** What a user may be told in the middle of all this. */
function expected(err: unknown): void {
  if (isConflict(err) || isNotFound(err)) return
  if (isStatusError(err) && err.status.reason === 'AlreadyExists') return
  throw err
}
