/** What users create: one object of each kind, at random. */
import type { DaemonSet, Deployment, StatefulSet } from '#machinery/api/apps/v1/types.gen.ts'
import type { CronJob, Job } from '#machinery/api/batch/v1/types.gen.ts'
import type {
  PersistentVolume,
  PodTemplateSpec,
  ReplicationController,
  Service,
} from '#machinery/api/core/v1/types.gen.ts'
import type { PodDisruptionBudget } from '#machinery/api/policy/v1/types.gen.ts'
import type { World } from './world.ts'

export const NAMESPACE = 'default'
export const REPLICAS_MAX = 7
/** No more than there are nodes. */
export const SPREAD_REPLICAS_MAX = 4
const NAMES = ['a', 'b', 'c']
/** Of volumes that people make. */
export const STORAGE_CLASS = 'by-hand'
/** Of volumes that are made when a Pod needs them. */
export const LOCAL_STORAGE_CLASS = 'local-path'
const ACCESS_MODES = ['ReadWriteOnce']

export interface SizedPods {
  readonly name: string
  readonly cpu: string
  readonly priorityClassName?: string
}

export class Manifests {
  readonly #world: World
  readonly #namespace: string
  readonly #prefix: string
  /**
   * By the name of a StatefulSet, for good: as upstream, one that adopts Pods without its volumes (of a set that was deleted and
   * left them) tries to add them, which no API server allows, and gets no further.
   */
  readonly #haveClaims = new Map<string, boolean>()
  #volumes = 0

  /** What is made in another namespace than the usual one has its name before its own: labels tell them apart as well. */
  constructor(world: World, namespace = NAMESPACE) {
    this.#world = world
    this.#namespace = namespace
    this.#prefix = namespace === NAMESPACE ? '' : `${namespace}-`
  }

  deployment(): Deployment {
    const metadata = this.#metadata('deployment')
    const template = this.#template(metadata.name)
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
      metadata,
      spec: {
        replicas: this.#world.below(REPLICAS_MAX),
        selector: { matchLabels: { app: metadata.name } },
        template: this.#chance(0.3) ? spread(template, metadata.name) : template,
        strategy: this.#world.pick(strategies) ?? {},
        minReadySeconds: this.#chance(0.3) ? this.#world.below(10) : 0,
      },
    }
  }

  /** Its Pods keep away from each other: no more of them than nodes, and never one more while it rolls. */
  spreadDeployment(): Deployment {
    const deployment = this.deployment()
    const name = `deployment-spread-${this.#name()}`
    const template = this.#template(name)
    const labelSelector = { matchLabels: { app: name } }
    const term = { labelSelector, topologyKey: 'kubernetes.io/hostname' }
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } }
    return {
      ...deployment,
      metadata: { ...deployment.metadata, name },
      spec: {
        replicas: this.#world.below(SPREAD_REPLICAS_MAX),
        selector: labelSelector,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
        template: { ...template, spec: { containers: [], ...template.spec, affinity } },
      },
    }
  }

  sizedDeployment({ name: prefix, cpu, priorityClassName }: SizedPods): Deployment {
    const { strategy, ...spec } = this.deployment().spec
    const metadata = this.#metadata(prefix)
    const { name } = metadata
    const template = this.#template(name)
    const priority = priorityClassName === undefined ? {} : { priorityClassName }
    const containers = [{ name: 'main', image: 'simulated', resources: { requests: { cpu } } }]
    return {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata,
      spec: {
        ...spec,
        selector: { matchLabels: { app: name } },
        template: { ...template, spec: { ...template.spec, containers, ...priority } },
      },
    }
  }

  replicationController(): ReplicationController {
    const metadata = this.#metadata('controller')
    return {
      apiVersion: 'v1',
      kind: 'ReplicationController',
      metadata,
      spec: {
        replicas: this.#world.below(REPLICAS_MAX),
        selector: { app: metadata.name },
        template: this.#template(metadata.name),
      },
    }
  }

  statefulSet(prefix = 'stateful', storageClass = STORAGE_CLASS): StatefulSet {
    const metadata = this.#metadata(prefix)
    const { name } = metadata
    const claims = { volumeClaimTemplates: [claimTemplate(storageClass)] }
    const hasClaims = this.#haveClaims.get(name) ?? (storageClass !== STORAGE_CLASS || this.#chance(0.4))
    this.#haveClaims.set(name, hasClaims)
    const retention = () => (this.#chance(0.5) ? 'Delete' : 'Retain')
    return {
      apiVersion: 'apps/v1',
      kind: 'StatefulSet',
      metadata,
      spec: {
        serviceName: name,
        replicas: this.#world.below(REPLICAS_MAX),
        selector: { matchLabels: { app: name } },
        template: this.#template(name),
        podManagementPolicy: this.#chance(0.5) ? 'OrderedReady' : 'Parallel',
        persistentVolumeClaimRetentionPolicy: { whenDeleted: retention(), whenScaled: retention() },
        ...(hasClaims ? claims : {}),
      },
    }
  }

  daemonSet(): DaemonSet {
    const metadata = this.#metadata('daemon')
    const { name } = metadata
    const surging = { updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } }
    return {
      apiVersion: 'apps/v1',
      kind: 'DaemonSet',
      metadata,
      spec: {
        selector: { matchLabels: { app: name } },
        template: this.#template(name),
        ...(this.#chance(0.4) ? surging : {}),
      },
    }
  }

  job(): Job {
    return { apiVersion: 'batch/v1', kind: 'Job', metadata: this.#metadata('job'), spec: this.#jobSpec(8) }
  }

  cronJob(): CronJob {
    return {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: this.#metadata('cron'),
      spec: {
        schedule: '* * * * *',
        concurrencyPolicy: this.#chance(0.7) ? 'Forbid' : 'Replace',
        jobTemplate: { spec: this.#jobSpec(2) },
      },
    }
  }

  service(): Service {
    const metadata = this.#metadata('deployment')
    const type = this.#chance(0.5) ? 'LoadBalancer' : 'ClusterIP'
    return {
      apiVersion: 'v1',
      kind: 'Service',
      metadata,
      spec: { type, selector: { app: metadata.name }, ports: [{ port: 80 + this.#world.below(2) }] },
    }
  }

  podDisruptionBudget(): PodDisruptionBudget {
    const metadata = this.#metadata(this.#world.pick(['deployment', 'stateful', 'controller']) ?? 'deployment')
    const count = this.#world.below(4)
    return {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata,
      spec: {
        selector: { matchLabels: { app: metadata.name } },
        ...(this.#chance(0.5) ? { minAvailable: count } : { maxUnavailable: '40%' }),
      },
    }
  }

  persistentVolume(): PersistentVolume {
    return {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: `volume-${this.#volumes++}` },
      spec: {
        accessModes: ACCESS_MODES,
        capacity: { storage: '1Gi' },
        storageClassName: STORAGE_CLASS,
        hostPath: { path: '/simulated' },
      },
    }
  }

  #jobSpec(completionsMax: number): Job['spec'] {
    const template = this.#template('job')
    return {
      completions: 1 + this.#world.below(completionsMax),
      parallelism: 1 + this.#world.below(4),
      completionMode: this.#chance(0.5) ? 'Indexed' : 'NonIndexed',
      backoffLimit: 20,
      template: { ...template, spec: { containers: [], ...template.spec, restartPolicy: 'Never' } },
    }
  }

  #template(app: string): PodTemplateSpec {
    return {
      metadata: { labels: { app }, annotations: { version: '0' } },
      spec: {
        containers: [{ name: 'main', image: 'simulated' }],
        terminationGracePeriodSeconds: this.#world.below(30),
      },
    }
  }

  #metadata(prefix: string): { readonly name: string; readonly namespace: string } {
    return { name: `${this.#prefix}${prefix}-${this.#name()}`, namespace: this.#namespace }
  }

  #name(): string {
    return this.#world.pick(NAMES) ?? 'a'
  }

  #chance(chance: number): boolean {
    return this.#world.random() < chance
  }
}

function claimTemplate(storageClassName: string): NonNullable<StatefulSet['spec']['volumeClaimTemplates']>[number] {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name: 'data' },
    spec: {
      storageClassName,
      accessModes: ACCESS_MODES,
      resources: { requests: { storage: '1Gi' } },
    },
  }
}

/** Over the nodes, evenly. */
function spread(template: PodTemplateSpec, app: string): PodTemplateSpec {
  const labelSelector = { matchLabels: { app } }
  const evenly = {
    maxSkew: 1,
    topologyKey: 'kubernetes.io/hostname',
    whenUnsatisfiable: 'DoNotSchedule',
    labelSelector,
  }
  return { ...template, spec: { containers: [], ...template.spec, topologySpreadConstraints: [evenly] } }
}
