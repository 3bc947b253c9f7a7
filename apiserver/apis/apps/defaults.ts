/** Upstream: pkg/apis/apps/v1/defaults.go. */
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
} from '#machinery/api/apps/v1/types.gen.ts'
import { setPersistentVolumeClaimDefaults } from '../core/defaults.ts'
import { setPodTemplateDefaults } from '../core/pod/defaults.ts'
import type { IsGateEnabled } from '../feature-gates.ts'

const REVISION_HISTORY_LIMIT = 10
const PROGRESS_DEADLINE_SECONDS = 600
const EMPTY_SPEC = (): { selector: Record<string, never>; template: Record<string, never> } => ({
  selector: {},
  template: {},
})

export function setControllerRevisionDefaults(revision: ControllerRevision): void {
  // No omitempty in Go: zero is printed.
  revision.revision ??= 0
}

export function setDeploymentDefaults(deployment: Deployment): void {
  deployment.spec ??= EMPTY_SPEC()
  const { spec } = deployment
  spec.template ??= {}
  setPodTemplateDefaults(spec.template)
  spec.replicas ??= 1
  spec.strategy ??= {}
  spec.strategy.type ||= 'RollingUpdate'
  if (spec.strategy.type === 'RollingUpdate') {
    spec.strategy.rollingUpdate ??= {}
    spec.strategy.rollingUpdate.maxUnavailable ??= '25%'
    spec.strategy.rollingUpdate.maxSurge ??= '25%'
  }
  spec.revisionHistoryLimit ??= REVISION_HISTORY_LIMIT
  spec.progressDeadlineSeconds ??= PROGRESS_DEADLINE_SECONDS
}

export function setReplicaSetDefaults(replicaSet: ReplicaSet): void {
  replicaSet.spec ??= { selector: {} }
  replicaSet.spec.template ??= {}
  setPodTemplateDefaults(replicaSet.spec.template)
  replicaSet.spec.replicas ??= 1
}

/** The generation of a DaemonSet's template, for old clients. */
export const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation'

export function setDaemonSetDefaults(daemonSet: DaemonSet): void {
  // Upstream's conversion shows it always: whoever creates a DaemonSet owns it, too.
  daemonSet.metadata.annotations = { [TEMPLATE_GENERATION]: '0', ...daemonSet.metadata.annotations }
  daemonSet.spec ??= EMPTY_SPEC()
  const { spec } = daemonSet
  spec.template ??= {}
  setPodTemplateDefaults(spec.template)
  spec.updateStrategy ??= {}
  spec.updateStrategy.type ||= 'RollingUpdate'
  if (spec.updateStrategy.type === 'RollingUpdate') {
    spec.updateStrategy.rollingUpdate ??= {}
    spec.updateStrategy.rollingUpdate.maxUnavailable ??= 1
    spec.updateStrategy.rollingUpdate.maxSurge ??= 0
  }
  spec.revisionHistoryLimit ??= REVISION_HISTORY_LIMIT
}

export function setStatefulSetDefaults(statefulSet: StatefulSet, isGateEnabled: IsGateEnabled): void {
  statefulSet.spec ??= EMPTY_SPEC()
  const { spec } = statefulSet
  spec.template ??= {}
  setPodTemplateDefaults(spec.template)
  spec.podManagementPolicy ||= 'OrderedReady'
  spec.updateStrategy ??= {}
  if (spec.updateStrategy.type === undefined || spec.updateStrategy.type === '') {
    spec.updateStrategy.type = 'RollingUpdate'
    spec.updateStrategy.rollingUpdate ??= {}
  }
  const rollingUpdate = spec.updateStrategy.rollingUpdate
  if (spec.updateStrategy.type === 'RollingUpdate' && rollingUpdate !== undefined) {
    rollingUpdate.partition ??= 0
    if (isGateEnabled('MaxUnavailableStatefulSet')) rollingUpdate.maxUnavailable ??= 1
  }
  spec.persistentVolumeClaimRetentionPolicy ??= {}
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain'
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain'
  spec.replicas ??= 1
  spec.revisionHistoryLimit ??= REVISION_HISTORY_LIMIT
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion ||= 'v1'
    claim.kind ||= 'PersistentVolumeClaim'
    setPersistentVolumeClaimDefaults(claim)
  }
}
