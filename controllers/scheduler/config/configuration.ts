/** KubeSchedulerConfiguration (kubescheduler.config.k8s.io/v1), checked, as the scheduler uses it. */
import type { PluginArgs } from '../framework/interfaces.ts'
import type { ExtensionPoint } from '../runtime/extension-points.ts'

export const DEFAULT_SCHEDULER = 'default-scheduler'

export interface PluginSet {
  /** Weight 0: the plugin's own. */
  readonly enabled: readonly { readonly name: string; readonly weight: number }[]
  /** '*': all defaults. */
  readonly disabled: readonly string[]
}

export interface ProfileConfiguration {
  readonly schedulerName: string
  readonly percentageOfNodesToScore?: number
  readonly multiPoint: PluginSet
  readonly points: Readonly<Partial<Record<ExtensionPoint, PluginSet>>>
  /** By plugin. */
  readonly args: ReadonlyMap<string, PluginArgs>
}

export interface ExtenderTls {
  readonly insecure: boolean
  /** The name the server's certificate must have; absent: the host of the URL. */
  readonly serverName?: string
  readonly certFile?: string
  readonly keyFile?: string
  readonly caFile?: string
  /** Base64 of PEM. */
  readonly certData?: string
  readonly keyData?: string
  readonly caData?: string
}

export interface ExtenderConfiguration {
  readonly urlPrefix: string
  readonly filterVerb: string
  readonly prioritizeVerb: string
  readonly preemptVerb: string
  readonly bindVerb: string
  readonly weight: number
  readonly enableHttps: boolean
  readonly tls: ExtenderTls | undefined
  readonly timeoutMs: number
  readonly nodeCacheCapable: boolean
  readonly managedResources: readonly { readonly name: string; readonly ignoredByScheduler: boolean }[]
  readonly ignorable: boolean
}

export interface SchedulerConfiguration {
  /** 0: adaptive. */
  readonly percentageOfNodesToScore: number
  readonly podInitialBackoffMs: number
  readonly podMaxBackoffMs: number
  readonly profiles: readonly ProfileConfiguration[]
  readonly extenders: readonly ExtenderConfiguration[]
}

const NO_PLUGINS: PluginSet = { enabled: [], disabled: [] }

export const DEFAULT_CONFIGURATION: SchedulerConfiguration = {
  percentageOfNodesToScore: 0,
  podInitialBackoffMs: 1_000,
  podMaxBackoffMs: 10_000,
  profiles: [{ schedulerName: DEFAULT_SCHEDULER, multiPoint: NO_PLUGINS, points: {}, args: new Map() }],
  extenders: [],
}
