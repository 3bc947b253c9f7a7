/** Strategies of the workload kinds. Upstream: pkg/registry/apps/<kind>/strategy.go. */

import { TEMPLATE_GENERATION } from '#apiserver/apis/apps/defaults.ts'
import {
  DAEMON_SET_COUNTERS,
  DEPLOYMENT_COUNTERS,
  REPLICA_SET_COUNTERS,
  STATEFUL_SET_COUNTERS,
  validateCounters,
} from '#apiserver/apis/apps/status-validation.ts'
import {
  validateControllerRevision,
  validateControllerRevisionUpdate,
  validateDaemonSet,
  validateDaemonSetUpdate,
  validateDeployment,
  validateDeploymentUpdate,
  validateReplicaSet,
  validateReplicaSetUpdate,
  validateStatefulSet,
  validateStatefulSetUpdate,
} from '#apiserver/apis/apps/validation.ts'
import { claimSpecWarnings } from '#apiserver/apis/core/persistent-volume/warnings.ts'
import { labelNameWarnings, podTemplateWarnings } from '#apiserver/apis/core/pod/warnings.ts'
import type { IsGateEnabled } from '#apiserver/apis/feature-gates.ts'
import type {
  ControllerRevision,
  DaemonSet,
  Deployment,
  ReplicaSet,
  StatefulSet,
} from '#machinery/api/apps/v1/types.gen.ts'
import type { PodTemplateSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject, LabelSelector } from '#machinery/api/meta/v1.ts'
import { formatLabelSelector } from '#machinery/selectors/label.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ScaleMapping, Strategy } from '../generic/interfaces.ts'
import { scaleTable } from '../table.ts'
import { templatedStrategy } from '../pod-templates.ts'
import { restoreMetadataMember } from '../strategy.ts'

interface Templated {
  readonly spec?: { readonly template?: DeepReadonly<PodTemplateSpec> }
}

/** What is worth saying of a template, when it may be new. Upstream: GetWarningsForPodTemplate. */
const templateWarnings: NonNullable<Strategy['warnings']> = (object, old) => {
  const { template } = (object as unknown as Templated).spec ?? {}
  const isNew = old === undefined || old.metadata.generation !== object.metadata.generation
  return isNew ? podTemplateWarnings('spec.template', template) : []
}

/** Pods are named after these, and a Pod's name is its hostname. */
const namingWarnings: NonNullable<Strategy['warnings']> = (object, old) => [
  ...(old === undefined ? labelNameWarnings(object.metadata) : []),
  ...templateWarnings(object, old),
]

export const deploymentStrategy = (isGateEnabled: IsGateEnabled): Strategy =>
  templatedStrategy<Deployment>(isGateEnabled, {
    specOf: ({ spec }) => spec.template?.spec,
    validate: validateDeployment,
    validateUpdate: validateDeploymentUpdate,
    others: { warnings: namingWarnings },
  })

export const replicaSetStrategy = (isGateEnabled: IsGateEnabled): Strategy =>
  templatedStrategy<ReplicaSet>(isGateEnabled, {
    specOf: ({ spec }) => spec.template?.spec,
    validate: validateReplicaSet,
    validateUpdate: validateReplicaSetUpdate,
    others: { warnings: namingWarnings },
  })

const DAEMON_SET: Strategy = {
  prepareForCreate(draft) {
    // The generation of the template; kept for old clients, which may bring one.
    setTemplateGeneration(draft, Math.max(templateGenerationOf(draft), 1))
  },
  prepareForUpdate(draft, old) {
    const isSame = deepEqual((draft as DaemonSet).spec.template, (old as DeepReadonly<DaemonSet>).spec.template)
    setTemplateGeneration(draft, templateGenerationOf(old) + (isSame ? 0 : 1))
  },
  warnings: (object, old) =>
    old !== undefined && templateGenerationOf(old) === templateGenerationOf(object)
      ? []
      : podTemplateWarnings('spec.template', (object as DeepReadonly<DaemonSet>).spec.template),
}

export const daemonSetStrategy = (isGateEnabled: IsGateEnabled): Strategy =>
  templatedStrategy<DaemonSet>(isGateEnabled, {
    specOf: ({ spec }) => spec.template?.spec,
    validate: validateDaemonSet,
    validateUpdate: validateDaemonSetUpdate,
    others: DAEMON_SET,
  })

function templateGenerationOf({ metadata }: DeepReadonly<KubeObject>): number {
  const generation = Number(metadata.annotations?.[TEMPLATE_GENERATION] ?? 0)
  return Number.isSafeInteger(generation) ? generation : 0
}

function setTemplateGeneration({ metadata }: KubeObject, generation: number): void {
  metadata.annotations = { ...metadata.annotations, [TEMPLATE_GENERATION]: String(generation) }
}

/** Upstream's path of a claim template differs between create and update. */
function statefulSetWarnings({ spec }: DeepReadonly<StatefulSet>, isNew: boolean): string[] {
  const warnings: string[] = []
  spec?.volumeClaimTemplates?.forEach((claim, i) => {
    warnings.push(...claimSpecWarnings(`spec.volumeClaimTemplates[${i}]${isNew ? '' : '.Spec'}`, claim.spec))
  })
  if ((spec?.revisionHistoryLimit ?? 0) < 0) {
    const detail = 'a negative value retains all historical revisions; a value >= 0 is recommended'
    warnings.push(`spec.revisionHistoryLimit: ${detail}`)
  }
  return warnings
}

/** A field behind a gate that is off is not taken from clients, but stays where it is stored. */
function dropMaxUnavailable(draft: StatefulSet, old?: DeepReadonly<StatefulSet>): void {
  if (old?.spec.updateStrategy?.rollingUpdate?.maxUnavailable !== undefined) return
  delete draft.spec.updateStrategy?.rollingUpdate?.maxUnavailable
}

export const statefulSetStrategy = (isGateEnabled: IsGateEnabled): Strategy =>
  templatedStrategy<StatefulSet>(isGateEnabled, {
    specOf: ({ spec }) => spec.template?.spec,
    validate: validateStatefulSet,
    validateUpdate: validateStatefulSetUpdate,
    others: {
      prepareForCreate(draft) {
        if (!isGateEnabled('MaxUnavailableStatefulSet')) dropMaxUnavailable(draft as StatefulSet)
      },
      prepareForUpdate(draft, old) {
        if (isGateEnabled('MaxUnavailableStatefulSet')) return
        dropMaxUnavailable(draft as StatefulSet, old as DeepReadonly<StatefulSet>)
      },
      warnings: (object, old) => [
        ...templateWarnings(object, old),
        ...statefulSetWarnings(object as DeepReadonly<StatefulSet>, old === undefined),
      ],
    },
  })

export const controllerRevisionStrategy: Strategy = {
  validate: (object) => validateControllerRevision(object as DeepReadonly<ControllerRevision>),
  validateUpdate: (object, old) =>
    validateControllerRevisionUpdate(
      object as DeepReadonly<ControllerRevision>,
      old as DeepReadonly<ControllerRevision>,
    ),
}

function countersStrategy(rules: Parameters<typeof validateCounters>[0]): Strategy {
  const statusOf = (object: unknown): Readonly<Record<string, unknown>> | undefined =>
    (object as { readonly status?: Readonly<Record<string, unknown>> }).status
  return { validateUpdate: (object, old) => validateCounters(rules, statusOf(object), statusOf(old)) }
}

export const deploymentStatusStrategy: Strategy = {
  ...countersStrategy(DEPLOYMENT_COUNTERS),
  resetFields: ['spec', 'metadata.labels'],
  prepareForUpdate: (draft, old) => restoreMetadataMember(draft, old, 'labels'),
}
export const replicaSetStatusStrategy: Strategy = countersStrategy(REPLICA_SET_COUNTERS)
export const statefulSetStatusStrategy: Strategy = countersStrategy(STATEFUL_SET_COUNTERS)
export const daemonSetStatusStrategy: Strategy = countersStrategy(DAEMON_SET_COUNTERS)

interface Selecting {
  readonly spec: { readonly selector?: DeepReadonly<LabelSelector> }
}

export const SELECTOR_SCALE: ScaleMapping = {
  specReplicasPath: '.spec.replicas',
  statusReplicasPath: '.status.replicas',
  table: scaleTable,
  selector(object) {
    const { selector } = (object as unknown as Selecting).spec
    return selector === undefined ? '' : formatLabelSelector(selector)
  },
}
