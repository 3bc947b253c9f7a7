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
import type { Node, PersistentVolume } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { POD_DISRUPTION_BUDGETS } from '#machinery/api/policy/v1/resources.gen.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Action, Activity } from './activities/activity.ts'
import { chooseActivities } from './activities/all.ts'
import { Hands } from './hands.ts'
import { Manifests, LOCAL_STORAGE_CLASS, REPLICAS_MAX, SPREAD_REPLICAS_MAX, STORAGE_CLASS } from './manifests.ts'
import type { Observer } from './observer.ts'
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

/** Of what is done, by the activities a seed has chosen. */
const OWN_SHARE = 0.4

type Workload = Deployment | StatefulSet | DaemonSet

export class User {
  readonly #world: World
  readonly #new: Manifests
  readonly #hands: Hands
  readonly #everyday: readonly Action[]
  readonly #own: readonly Action[]
  readonly #activities: readonly Activity[]
  #version = 0

  constructor(world: World) {
    this.#world = world
    this.#new = new Manifests(world)
    this.#hands = new Hands(world)
    this.#activities = chooseActivities(world, { world, hands: this.#hands, manifests: this.#new })
    this.#everyday = this.#everydayActions()
    this.#own = this.#activities.flatMap(({ actions }) => actions)
  }

  /** What this seed does besides what all do. */
  get activities(): string {
    return this.#activities.map(({ name }) => name).join(', ')
  }

  #everydayActions(): readonly Action[] {
    return [
      { name: 'create Deployment', weight: 4, run: () => this.#hands.create(DEPLOYMENTS, this.#new.deployment()) },
      {
        name: 'create spread Deployment',
        weight: 2,
        run: () => this.#hands.create(DEPLOYMENTS, this.#new.spreadDeployment()),
      },
      {
        name: 'create ReplicationController',
        weight: 1,
        run: () => this.#hands.create(REPLICATION_CONTROLLERS, this.#new.replicationController()),
      },
      { name: 'create StatefulSet', weight: 3, run: () => this.#hands.create(STATEFUL_SETS, this.#new.statefulSet()) },
      { name: 'create DaemonSet', weight: 2, run: () => this.#hands.create(DAEMON_SETS, this.#new.daemonSet()) },
      { name: 'create Job', weight: 3, run: () => this.#hands.create(JOBS, this.#new.job()) },
      { name: 'create CronJob', weight: 1, run: () => this.#hands.create(CRON_JOBS, this.#new.cronJob()) },
      { name: 'create Service', weight: 2, run: () => this.#hands.create(SERVICES, this.#new.service()) },
      {
        name: 'create PodDisruptionBudget',
        weight: 2,
        run: () => this.#hands.create(POD_DISRUPTION_BUDGETS, this.#new.podDisruptionBudget()),
      },
      {
        name: 'create PersistentVolume',
        weight: 2,
        run: () => this.#hands.create(PERSISTENT_VOLUMES, this.#new.persistentVolume()),
      },
      { name: 'scale Deployment', weight: 4, run: () => this.#scale(DEPLOYMENTS) },
      { name: 'scale ReplicationController', weight: 1, run: () => this.#scale(REPLICATION_CONTROLLERS) },
      { name: 'scale StatefulSet', weight: 3, run: () => this.#scale(STATEFUL_SETS) },
      { name: 'roll out Deployment', weight: 6, run: () => this.#rollOut(DEPLOYMENTS) },
      { name: 'roll out StatefulSet', weight: 3, run: () => this.#rollOut(STATEFUL_SETS) },
      { name: 'roll out DaemonSet', weight: 3, run: () => this.#rollOut(DAEMON_SETS) },
      { name: 'delete Deployment', weight: 1, disturbs: true, run: () => this.#hands.delete(DEPLOYMENTS) },
      { name: 'delete ReplicationController', weight: 1, run: () => this.#hands.delete(REPLICATION_CONTROLLERS) },
      { name: 'delete StatefulSet', weight: 1, disturbs: true, run: () => this.#hands.delete(STATEFUL_SETS) },
      { name: 'delete DaemonSet', weight: 1, disturbs: true, run: () => this.#hands.delete(DAEMON_SETS) },
      { name: 'delete Job', weight: 1, run: () => this.#hands.delete(JOBS) },
      { name: 'delete CronJob', weight: 1, run: () => this.#hands.delete(CRON_JOBS) },
      { name: 'delete Service', weight: 1, run: () => this.#hands.delete(SERVICES) },
      { name: 'delete Pod', weight: 4, disturbs: true, run: () => this.#deletePod() },
      { name: 'cordon or uncordon', weight: 2, run: () => this.#cordon() },
      { name: 'taint or free node', weight: 2, disturbs: true, run: () => this.#taint() },
      { name: 'lose or find node', weight: 2, disturbs: true, run: () => this.#loseNode() },
    ]
  }

  crashed(observer: Observer): void {
    for (const activity of this.#activities) activity.crashed?.(observer)
  }

  unrest(observer: Observer): readonly string[] {
    return this.#activities.flatMap((activity) => activity.unrest?.(observer) ?? [])
  }

  async begin(): Promise<void> {
    for (const activity of this.#activities) await activity.begin?.()
  }

  choose(): Action {
    const actions = this.#hands.chance(OWN_SHARE) ? this.#own : this.#everyday
    const total = actions.reduce((sum, { weight }) => sum + weight, 0)
    let at = this.#world.below(total)
    for (const action of actions) {
      at -= action.weight
      if (at < 0) return action
    }
    throw new Error('weights add up')
  }

  /** Undoes what keeps the cluster from coming to rest. */
  async heal(): Promise<void> {
    const { items } = await this.#world.client.list(NODES)
    for (const node of items) {
      await this.#hands.editNode(node, (draft) => {
        draft.spec = { ...draft.spec, unschedulable: false, taints: taintsWithoutOurs(draft) }
        delete draft.metadata.annotations?.[HEARTBEAT]
      })
    }
    for (const activity of this.#activities) await activity.heal?.()
    await this.provideVolumes()
  }

  /** A volume for every claim that waits. */
  async provideVolumes(): Promise<void> {
    const { items } = await this.#world.client.list(PERSISTENT_VOLUME_CLAIMS)
    for (const { spec, status } of items) {
      if (status?.phase !== 'Bound' && spec.storageClassName === STORAGE_CLASS)
        await this.#hands.create(PERSISTENT_VOLUMES, this.#new.persistentVolume())
    }
  }

  /** Also what has lost its owner on purpose. */
  async deleteEverything(): Promise<void> {
    for (const activity of this.#activities) await activity.end?.()
    for (const resource of EVERYTHING) {
      for (const object of await this.#hands.all(resource)) {
        if (object.metadata.name === 'kubernetes' || isProvisioned(object)) continue
        await this.#hands.remove(resource, object, { propagationPolicy: 'Background' })
      }
    }
  }

  async #scale(resource: Resource): Promise<void> {
    await this.#hands.change(resource as Resource<Deployment>, ({ spec }) => {
      const max = spec.template.spec?.affinity === undefined ? REPLICAS_MAX : SPREAD_REPLICAS_MAX
      return { spec: { replicas: this.#world.below(max) } }
    })
  }

  async #rollOut(resource: Resource): Promise<void> {
    const annotations = { version: `${++this.#version}` }
    await this.#hands.change(resource as Resource<Workload>, () => ({
      spec: { template: { metadata: { annotations } } },
    }))
  }

  async #deletePod(): Promise<void> {
    const pod = await this.#hands.any(PODS)
    if (pod === undefined) return
    const options = this.#world.random() < 0.3 ? { gracePeriodSeconds: 0 } : {}
    await this.#hands.remove(PODS, pod, options)
  }

  async #cordon(): Promise<void> {
    await this.#hands.change(NODES, () => ({ spec: { unschedulable: this.#world.random() < 0.4 } }))
  }

  async #taint(): Promise<void> {
    const isTainted = this.#world.random() < 0.5
    const node = await this.#hands.any(NODES)
    if (node === undefined) return
    await this.#hands.editNode(node, (draft) => {
      draft.spec = { ...draft.spec, taints: [...taintsWithoutOurs(draft), ...(isTainted ? [TAINT] : [])] }
    })
  }

  async #loseNode(): Promise<void> {
    const isLost = this.#world.random() < 0.5
    await this.#hands.change<Node>(NODES, () => ({
      metadata: { annotations: { [HEARTBEAT]: isLost ? 'stopped' : null } },
    }))
  }
}

/** Whoever deletes such a volume by hand leaves its directory behind; its provisioner deletes it with its claim. */
const isProvisioned = (object: DeepReadonly<KubeObject>): boolean =>
  (object as DeepReadonly<PersistentVolume>).spec?.storageClassName === LOCAL_STORAGE_CLASS &&
  object.kind === PERSISTENT_VOLUMES.kind

const taintsWithoutOurs = ({ spec }: Node) => (spec?.taints ?? []).filter(({ key }) => key !== TAINT.key)
