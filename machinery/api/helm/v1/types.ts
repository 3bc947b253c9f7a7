/**
 * helm.cattle.io/v1: HelmChart and HelmChartConfig, spec as k3s has it, status widened with what k3s does not tell.
 * The schema is crds/helm.cattle.io/*.yaml. Upstream: k3s-io/helm-controller pkg/apis/helm.cattle.io/v1.
 */
import type { Condition, KubeList, KubeObject } from '../../meta/v1.ts'

export interface HelmChart extends KubeObject {
  spec?: HelmChartSpec
  status?: HelmChartStatus
}

export type HelmChartFailurePolicy = 'abort' | 'reinstall' | 'retry'
export type HelmServerSide = 'true' | 'false' | 'auto'
export type HelmStorageDriver = 'secret' | 'configmap'

export interface HelmChartSpec {
  /** Namespace of the release; default: the HelmChart's own. */
  targetNamespace?: string
  createNamespace?: boolean
  /** Name in `repo`, `https://….tgz`, `oci://…`, or a path. */
  chart?: string
  version?: string
  repo?: string
  /** PEM. */
  repoCA?: string
  repoCAConfigMap?: LocalObjectName
  /** Highest precedence; strings are set as strings, integers as integers. */
  set?: Record<string, string | number>
  values?: Record<string, unknown>
  /** YAML. */
  valuesContent?: string
  valuesSecrets?: HelmValuesSecret[]
  /** Deprecated: only '' and 'v3'. */
  helmVersion?: string
  bootstrap?: boolean
  takeOwnership?: boolean
  serverSide?: HelmServerSide
  forceConflicts?: boolean
  /** Base64 of a .tgz; overrides chart and version. */
  chartContent?: string
  jobImage?: string
  backOffLimit?: number
  /** Go duration, `5m`. */
  timeout?: string
  failurePolicy?: HelmChartFailurePolicy
  authSecret?: LocalObjectName
  authPassCredentials?: boolean
  insecureSkipTLSVerify?: boolean
  plainHTTP?: boolean
  dockerRegistrySecret?: LocalObjectName
  podSecurityContext?: Record<string, unknown>
  securityContext?: Record<string, unknown>
  /** Where release records are kept; immutable. */
  driver?: HelmStorageDriver
}

export interface LocalObjectName {
  name?: string
}

export interface HelmValuesSecret {
  name?: string
  keys?: string[]
  /** Changes of the Secret do not trigger an upgrade, and it may be absent. */
  ignoreUpdates?: boolean
}

/** k3s' conditions carry type, status, reason and message only; ours always have the time as well. */
export interface HelmChartCondition extends Partial<Condition> {
  type: string
  status: Condition['status']
}

export interface HelmChartStatus {
  jobName?: string
  conditions?: HelmChartCondition[]
  /** Number of the deployed release. */
  revision?: number
  appVersion?: string
  chartVersion?: string
  /** Hash over everything that goes into the release; a change of it causes an upgrade. */
  configHash?: string
  observedGeneration?: number
}

export interface HelmChartConfig extends KubeObject {
  spec?: HelmChartConfigSpec
}

/** Layered above the HelmChart of the same namespace and name. */
export interface HelmChartConfigSpec {
  values?: Record<string, unknown>
  valuesContent?: string
  valuesSecrets?: HelmValuesSecret[]
  failurePolicy?: HelmChartFailurePolicy
  serverSide?: HelmServerSide
  forceConflicts?: boolean
}

export type HelmChartList = KubeList<HelmChart>
export type HelmChartConfigList = KubeList<HelmChartConfig>
