/**
 * --feature-gates by upstream's names: which may be set to what, which of them change something here.
 * Upstream: component-base featuregate/feature_gate.go.
 */
import type { Registry } from 'prom-client'
import { Gauge } from 'prom-client'
import type { Logger } from '#machinery/util/logger.ts'
import { nearestName } from '../config/load.ts'
import { CliError } from '../errors.ts'
import type { FeatureGate } from './feature-gate-table.ts'
import { FEATURE_GATES } from './feature-gate-table.ts'

/** Only these change what the server does. A tidy test holds both lists against the gates that are asked about. */
export const IMPLEMENTED_GATES: readonly string[] = [
  'APIServerIdentity',
  'ClearingNominatedNodeNameAfterBinding',
  'CrossNamespaceVolumeDataSource',
  'DRADeviceTaints',
  'HPAScaleToZero',
  'LegacyServiceAccountTokenNoAutoGeneration',
  'MaxUnavailableStatefulSet',
  'MutablePVNodeAffinity',
  'MutablePodResourcesForSuspendedJobs',
  'MutableSchedulingDirectivesForSuspendedJobs',
  'NominatedNodeNameForExpectation',
  'StorageVersionAPI',
  'StorageVersionMigrator',
  'TaintTolerationComparisonOperators',
]
/** These let the API keep fields or whole kinds that nothing here acts on. */
export const API_ONLY_GATES: readonly string[] = [
  'ClusterTrustBundleProjection',
  'ContainerStopSignals',
  'CoordinatedLeaderElection',
  'DRAListTypeAttributes',
  'DRANodeAllocatableResources',
  'GenericWorkload',
  'ImageVolumeWithDigest',
  'PodCertificateRequest',
  'SELinuxMount',
  'UserNamespacesHostNetworkSupport',
  'VolumeLimitScaling',
]
const ALL_ALPHA = 'AllAlpha'
const ALL_BETA = 'AllBeta'

export class FeatureGates {
  readonly #values: ReadonlyMap<string, boolean>
  readonly #given: ReadonlyMap<string, boolean>

  /** Throws CliError for a gate that does not exist or may not have this value. */
  constructor(given: ReadonlyMap<string, boolean>) {
    const values = new Map([...FEATURE_GATES.values()].map(({ name, isOnByDefault }) => [name, isOnByDefault]))
    for (const [name, value] of given) {
      if (name === ALL_ALPHA || name === ALL_BETA) continue
      const gate = FEATURE_GATES.get(name)
      if (gate === undefined) throw unknownGate(name)
      if (gate.isLocked && value !== gate.isOnByDefault) throw lockedGate(gate)
      values.set(name, value)
    }
    // A gate that is named goes before the group it is in.
    for (const [group, stage] of [[ALL_ALPHA, 'ALPHA'] as const, [ALL_BETA, 'BETA'] as const]) {
      const value = given.get(group)
      values.set(group, value ?? false)
      if (value === undefined) continue
      for (const gate of FEATURE_GATES.values()) {
        if (gate.stage === stage && !gate.isLocked && !given.has(gate.name)) values.set(gate.name, value)
      }
    }
    this.#values = values
    this.#given = given
  }

  isEnabled(name: string): boolean {
    return this.#values.get(name) ?? false
  }

  /** What the settings of the command line mean in the end. */
  logSettings(logger: Logger): void {
    const withoutEffect: string[] = []
    const apiOnly: string[] = []
    for (const gate of FEATURE_GATES.values()) {
      const { name, stage, isOnByDefault } = gate
      const value = this.#values.get(name) ?? isOnByDefault
      if (this.#given.has(name) && (stage === 'GA' || stage === 'DEPRECATED')) {
        const kind = stage === 'GA' ? 'GA' : 'deprecated'
        logger.warn(
          { gate: `${name}=${value}` },
          `Setting ${kind} feature gate ${name}=${value}. It will be removed in a future release.`,
        )
      }
      if (value === isOnByDefault || IMPLEMENTED_GATES.includes(name)) continue
      const list = API_ONLY_GATES.includes(name) ? apiOnly : withoutEffect
      list.push(`${name}=${value}`)
    }
    if (apiOnly.length > 0)
      logger.warn(
        { gates: apiOnly },
        'these feature gates change the API alone in this version of knarr: nothing acts on it',
      )
    if (withoutEffect.length > 0)
      logger.warn({ gates: withoutEffect }, 'these feature gates change nothing in this version of knarr')
  }

  measure(registry: Registry): void {
    const gauge = new Gauge({
      name: 'kubernetes_feature_enabled',
      help: 'This metric records the data about the stage and enablement of a k8s feature.',
      labelNames: ['name', 'stage'],
      registers: [registry],
    })
    for (const [name, value] of this.#values) gauge.set({ name, stage: stageLabel(name) }, value ? 1 : 0)
  }
}

function stageLabel(name: string): string {
  if (name === ALL_ALPHA) return 'ALPHA'
  if (name === ALL_BETA) return 'BETA'
  const stage = FEATURE_GATES.get(name)?.stage
  return stage === undefined || stage === 'GA' ? '' : stage
}

function unknownGate(name: string): CliError {
  const nearest = nearestName(name, [ALL_ALPHA, ALL_BETA, ...FEATURE_GATES.keys()])
  const hint = nearest === undefined ? 'Kubernetes 1.36 has no such gate.' : `Did you mean "${nearest}"?`
  return new CliError('FLAG_INVALID', `--feature-gates: unrecognized feature gate: ${name}`, hint)
}

function lockedGate({ name, isOnByDefault }: FeatureGate): CliError {
  return new CliError(
    'FLAG_INVALID',
    `--feature-gates: cannot set feature gate ${name} to ${!isOnByDefault}, feature is locked to ${isOnByDefault}`,
    'Leave the gate out.',
  )
}
