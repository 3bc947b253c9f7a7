/** Strategies of the core kinds that are little more than their validation. Upstream: pkg/registry/core/<kind>. */

import { REPLICATION_CONTROLLER_COUNTERS, validateCounters } from '#apiserver/apis/apps/status-validation.ts'
import { validateReplicationController } from '#apiserver/apis/apps/validation.ts'
import {
  validateConfigMap,
  validateConfigMapUpdate,
  validateSecret,
  validateSecretUpdate,
} from '#apiserver/apis/core/config-validation.ts'
import { endpointsWarnings, validateEndpoints } from '#apiserver/apis/core/endpoints-validation.ts'
import {
  validateEvent,
  validateEventStrictly,
  validateEventUpdateStrictly,
} from '#apiserver/apis/core/event-validation.ts'
import { validateLimitRange } from '#apiserver/apis/core/limits-validation.ts'
import { nodeWarnings, validateNode, validateNodeUpdate } from '#apiserver/apis/core/node-validation.ts'
import {
  validatePersistentVolumeClaim,
  validatePersistentVolumeClaimStatusUpdate,
  validatePersistentVolumeClaimUpdate,
} from '#apiserver/apis/core/persistent-volume/claim-validation.ts'
import { prepareDataSources } from '#apiserver/apis/core/persistent-volume/data-source.ts'
import {
  validatePersistentVolume,
  validatePersistentVolumeUpdate,
} from '#apiserver/apis/core/persistent-volume/validation.ts'
import { claimWarnings, persistentVolumeWarnings } from '#apiserver/apis/core/persistent-volume/warnings.ts'
import { validatePodTemplateObject } from '#apiserver/apis/core/pod/validation.ts'
import { labelNameWarnings, podTemplateWarnings } from '#apiserver/apis/core/pod/warnings.ts'
import {
  quotaWarnings,
  validateResourceQuota,
  validateResourceQuotaStatusUpdate,
  validateResourceQuotaUpdate,
} from '#apiserver/apis/core/quota-validation.ts'
import { secretWarnings } from '#apiserver/apis/core/secret-warnings.ts'
import type { IsGateEnabled } from '#apiserver/apis/feature-gates.ts'
import type {
  ConfigMap,
  Endpoints,
  Event,
  LimitRange,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  PodTemplate,
  ReplicationController,
  ResourceQuota,
  Secret,
  ServiceAccount,
} from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { isLongName } from '#machinery/meta/validation.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Strategy } from '../generic/interfaces.ts'
import { templatedStrategy } from '../pod-templates.ts'

const MOUNTABLE = 'kubernetes.io/enforce-mountable-secrets'

export const configMapStrategy: Strategy = {
  validate: (object) => validateConfigMap(object as DeepReadonly<ConfigMap>),
  validateUpdate: (object, old) =>
    validateConfigMapUpdate(object as DeepReadonly<ConfigMap>, old as DeepReadonly<ConfigMap>),
}

export const endpointsStrategy: Strategy = {
  allowCreateOnUpdate: true,
  warnings: (object) => endpointsWarnings(object as DeepReadonly<Endpoints>),
  validate: (object) => validateEndpoints(object as DeepReadonly<Endpoints>),
  validateUpdate: (object, old) => validateEndpoints(object as DeepReadonly<Endpoints>, old as DeepReadonly<Endpoints>),
}

export const secretStrategy: Strategy = {
  prepareForUpdate(draft, old) {
    // Old clients leave the type out; it cannot have changed.
    const type = (old as DeepReadonly<Secret>).type
    if (((draft as Secret).type ?? '') === '' && type !== undefined) (draft as Secret).type = type
  },
  warnings: (object) => secretWarnings(object as DeepReadonly<Secret>),
  validate: (object) => validateSecret(object as DeepReadonly<Secret>),
  validateUpdate: (object, old) => validateSecretUpdate(object as DeepReadonly<Secret>, old as DeepReadonly<Secret>),
}

export const limitRangeStrategy: Strategy = {
  allowCreateOnUpdate: true,
  prepareForCreate({ metadata }, { random }) {
    if ((metadata.name ?? '') === '') metadata.name = random.uuid()
  },
  validate: (object) => validateLimitRange(object as DeepReadonly<LimitRange>),
  validateUpdate: (object) => validateLimitRange(object as DeepReadonly<LimitRange>),
}

export const resourceQuotaStrategy: Strategy = {
  returnsDeletedObject: true,
  warnings: (object, old) => (old === undefined ? quotaWarnings(object as DeepReadonly<ResourceQuota>) : []),
  validate: (object) => validateResourceQuota(object as DeepReadonly<ResourceQuota>),
  validateUpdate: (object, old) =>
    validateResourceQuotaUpdate(object as DeepReadonly<ResourceQuota>, old as DeepReadonly<ResourceQuota>),
}

export const resourceQuotaStatusStrategy: Strategy = {
  validateUpdate: (object) => validateResourceQuotaStatusUpdate(object as DeepReadonly<ResourceQuota>),
}

/** Secrets are of the account's namespace: names are all that counts. */
function keepSecretNames(draft: KubeObject): void {
  const account = draft as ServiceAccount
  if (account.secrets === undefined) return
  account.secrets = account.secrets.map(({ name }) => (name === undefined ? {} : { name }))
}

export const serviceAccountStrategy: Strategy = {
  returnsDeletedObject: true,
  prepareForCreate: keepSecretNames,
  prepareForUpdate: keepSecretNames,
  warnings(object, old) {
    const isNew =
      object.metadata.annotations?.[MOUNTABLE] !== undefined && old?.metadata.annotations?.[MOUNTABLE] === undefined
    const advice = 'prefer separate namespaces to isolate access to mounted secrets'
    return isNew ? [`metadata.annotations[${MOUNTABLE}]: deprecated in v1.32+; ${advice}`] : []
  },
}

export const persistentVolumeStrategy = (isGateEnabled: IsGateEnabled): Strategy => ({
  returnsDeletedObject: true,
  prepareForCreate(draft, { clock }) {
    ;(draft as PersistentVolume).status = { phase: 'Pending', lastPhaseTransitionTime: formatTime(clock.now()) }
  },
  warnings: (object) => persistentVolumeWarnings(object as DeepReadonly<PersistentVolume>),
  validate: (object) => validatePersistentVolume(object as DeepReadonly<PersistentVolume>),
  validateUpdate: (object, old) =>
    validatePersistentVolumeUpdate(
      object as DeepReadonly<PersistentVolume>,
      old as DeepReadonly<PersistentVolume>,
      isGateEnabled('MutablePVNodeAffinity'),
    ),
})

export const persistentVolumeStatusStrategy: Strategy = {
  prepareForUpdate(draft, old, { clock }) {
    const { status } = draft as PersistentVolume
    const before = (old as DeepReadonly<PersistentVolume>).status
    if (status === undefined) return
    const { phase, lastPhaseTransitionTime: stored } = before ?? {}
    const { lastPhaseTransitionTime: chosen } = status
    if (status.phase === phase) {
      if (chosen === undefined && stored !== undefined) status.lastPhaseTransitionTime = stored
    } else if (chosen === undefined || chosen === stored) status.lastPhaseTransitionTime = formatTime(clock.now())
  },
}

export const persistentVolumeClaimStrategy = (isGateEnabled: IsGateEnabled): Strategy => ({
  returnsDeletedObject: true,
  prepareForCreate: (draft) => prepareDataSources((draft as PersistentVolumeClaim).spec, undefined, isGateEnabled),
  prepareForUpdate: (draft, old) =>
    prepareDataSources(
      (draft as PersistentVolumeClaim).spec,
      (old as DeepReadonly<PersistentVolumeClaim>).spec,
      isGateEnabled,
    ),
  warnings: (object) => claimWarnings(object as DeepReadonly<PersistentVolumeClaim>),
  validate: (object) => validatePersistentVolumeClaim(object as DeepReadonly<PersistentVolumeClaim>),
  validateUpdate: (object, old) =>
    validatePersistentVolumeClaimUpdate(
      object as DeepReadonly<PersistentVolumeClaim>,
      old as DeepReadonly<PersistentVolumeClaim>,
    ),
})

export const persistentVolumeClaimStatusStrategy: Strategy = {
  validateUpdate: (object) => validatePersistentVolumeClaimStatusUpdate(object as DeepReadonly<PersistentVolumeClaim>),
}

export const podTemplateStrategy = (isGateEnabled: IsGateEnabled): Strategy =>
  templatedStrategy<PodTemplate>(isGateEnabled, {
    specOf: ({ template }) => template?.spec,
    validate: validatePodTemplateObject,
    validateUpdate: (object, _old, rules) => validatePodTemplateObject(object, rules),
    others: {
      returnsDeletedObject: true,
      warnings: (object, old) =>
        old !== undefined && old.metadata.generation === object.metadata.generation
          ? []
          : podTemplateWarnings('template', (object as DeepReadonly<PodTemplate>).template),
    },
  })

export const replicationControllerStrategy = (isGateEnabled: IsGateEnabled): Strategy =>
  templatedStrategy<ReplicationController>(isGateEnabled, {
    specOf: ({ spec }) => spec.template?.spec,
    validate: validateReplicationController,
    validateUpdate: (object, _old, rules) => validateReplicationController(object, rules),
    others: {
      defaultGarbageCollection: 'Orphan',
      validateName: isLongName,
      warnings(object, old) {
        if (old === undefined) {
          const { metadata, spec } = object as DeepReadonly<ReplicationController>
          return [...labelNameWarnings(metadata), ...podTemplateWarnings('spec.template', spec.template)]
        }
        if (old.metadata.generation === object.metadata.generation) return []
        // Upstream looks at the template that is replaced.
        return podTemplateWarnings('spec.template', (old as DeepReadonly<ReplicationController>).spec.template)
      },
    },
  })

export const replicationControllerStatusStrategy: Strategy = {
  validateUpdate: (object, old) =>
    validateCounters(
      REPLICATION_CONTROLLER_COUNTERS,
      (object as unknown as Counted).status,
      (old as unknown as Counted).status,
    ),
}

interface Counted {
  readonly status?: Readonly<Record<string, unknown>>
}

export const nodeStrategy: Strategy = {
  prepareForCreate(draft) {
    const node = draft as Node
    node.status ??= {}
    // Dynamic kubelet configuration is gone; what is stored of it stays.
    delete node.spec?.configSource
    delete node.status.config
  },
  prepareForUpdate(draft, old) {
    if ((old as DeepReadonly<Node>).spec?.configSource === undefined) delete (draft as Node).spec?.configSource
  },
  warnings: (object) => nodeWarnings(object as DeepReadonly<Node>),
  validate: (object) => validateNode(object as DeepReadonly<Node>),
  // What both find is said twice, as upstream does.
  validateUpdate: (object, old) => [
    ...validateNode(object as DeepReadonly<Node>),
    ...validateNodeUpdate(object as DeepReadonly<Node>, old as DeepReadonly<Node>),
  ],
}

export const nodeStatusStrategy: Strategy = {
  prepareForUpdate(draft, old) {
    if ((old as DeepReadonly<Node>).status?.config === undefined) delete (draft as Node).status?.config
  },
  validateUpdate: (object, old) => validateNodeUpdate(object as DeepReadonly<Node>, old as DeepReadonly<Node>),
}

export const eventStrategy: Strategy = {
  allowCreateOnUpdate: true,
  defaultGarbageCollection: 'Unsupported',
  validate: (object) => validateEvent(object as DeepReadonly<Event>),
  validateUpdate: (object) => validateEvent(object as DeepReadonly<Event>),
}

/** Of events.k8s.io/v1. */
export const strictEventStrategy: Strategy = {
  ...eventStrategy,
  validate: (object) => validateEventStrictly(object as DeepReadonly<Event>),
  validateUpdate: (object, old) =>
    validateEventUpdateStrictly(object as DeepReadonly<Event>, old as DeepReadonly<Event>),
}
