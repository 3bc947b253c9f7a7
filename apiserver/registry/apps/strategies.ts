/** Strategies of the workload kinds. Upstream: pkg/registry/apps/<kind>/strategy.go. */
import type { DaemonSet, Deployment, ReplicaSet, StatefulSet } from '#machinery/api/apps/v1/types.gen.ts'
import type { LabelSelector } from '#machinery/api/meta/v1.ts'
import { formatLabelSelector } from '#machinery/selectors/label.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import {
  validateDaemonSet,
  validateDaemonSetUpdate,
  validateDeployment,
  validateDeploymentUpdate,
  validateReplicaSet,
  validateReplicaSetUpdate,
  validateStatefulSet,
  validateStatefulSetUpdate,
} from '#apiserver/apis/apps/validation.ts'
import type { ScaleMapping, Strategy } from '../generic/interfaces.ts'

export const deploymentStrategy: Strategy = {
  validate: (object) => validateDeployment(object as DeepReadonly<Deployment>),
  validateUpdate: (object, old) =>
    validateDeploymentUpdate(object as DeepReadonly<Deployment>, old as DeepReadonly<Deployment>),
}

export const replicaSetStrategy: Strategy = {
  validate: (object) => validateReplicaSet(object as DeepReadonly<ReplicaSet>),
  validateUpdate: (object, old) =>
    validateReplicaSetUpdate(object as DeepReadonly<ReplicaSet>, old as DeepReadonly<ReplicaSet>),
}

export const daemonSetStrategy: Strategy = {
  prepareForCreate(draft) {
    // The first generation of the template; kept for old clients.
    const daemonSet = draft as DaemonSet
    daemonSet.metadata.annotations = { ...daemonSet.metadata.annotations, [TEMPLATE_GENERATION]: '1' }
  },
  prepareForUpdate(draft, old) {
    const generation = old.metadata.annotations?.[TEMPLATE_GENERATION]
    const before = generation === undefined ? 0 : Number(generation)
    const isChanged =
      JSON.stringify((draft as DaemonSet).spec.template) !== JSON.stringify((old as DaemonSet).spec.template)
    draft.metadata.annotations = {
      ...draft.metadata.annotations,
      [TEMPLATE_GENERATION]: String(before + (isChanged ? 1 : 0)),
    }
  },
  validate: (object) => validateDaemonSet(object as DeepReadonly<DaemonSet>),
  validateUpdate: (object, old) =>
    validateDaemonSetUpdate(object as DeepReadonly<DaemonSet>, old as DeepReadonly<DaemonSet>),
}

const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation'

export const statefulSetStrategy: Strategy = {
  validate: (object) => validateStatefulSet(object as DeepReadonly<StatefulSet>),
  validateUpdate: (object, old) =>
    validateStatefulSetUpdate(object as DeepReadonly<StatefulSet>, old as DeepReadonly<StatefulSet>),
}

interface Selecting {
  readonly spec: { readonly selector?: DeepReadonly<LabelSelector> }
}

export const SELECTOR_SCALE: ScaleMapping = {
  specReplicasPath: '.spec.replicas',
  statusReplicasPath: '.status.replicas',
  selector(object) {
    const { selector } = (object as unknown as Selecting).spec
    return selector === undefined ? '' : formatLabelSelector(selector)
  },
}
