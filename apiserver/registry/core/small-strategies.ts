/** Strategies of the core kinds that are little more than their validation. Upstream: pkg/registry/core/<kind>. */

import { validateReplicationController } from '#apiserver/apis/apps/validation.ts'
import {
  validateConfigMap,
  validateConfigMapUpdate,
  validateSecret,
  validateSecretUpdate,
} from '#apiserver/apis/core/config-validation.ts'
import { validateEndpoints } from '#apiserver/apis/core/endpoints-validation.ts'
import {
  validateLimitRange,
  validateResourceQuota,
  validateResourceQuotaUpdate,
} from '#apiserver/apis/core/limits-validation.ts'
import {
  validatePersistentVolume,
  validatePersistentVolumeClaim,
  validatePersistentVolumeClaimUpdate,
  validatePersistentVolumeUpdate,
} from '#apiserver/apis/core/volume-validation.ts'
import type {
  ConfigMap,
  Endpoints,
  Event,
  LimitRange,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  ReplicationController,
  ResourceQuota,
  Secret,
} from '#machinery/api/core/v1/types.gen.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Strategy } from '../generic/interfaces.ts'

export const configMapStrategy: Strategy = {
  validate: (object) => validateConfigMap(object as DeepReadonly<ConfigMap>),
  validateUpdate: (object, old) =>
    validateConfigMapUpdate(object as DeepReadonly<ConfigMap>, old as DeepReadonly<ConfigMap>),
}

export const endpointsStrategy: Strategy = {
  allowCreateOnUpdate: true,
  validate: (object) => validateEndpoints(object as DeepReadonly<Endpoints>),
  validateUpdate: (object, old) => validateEndpoints(object as DeepReadonly<Endpoints>, old as DeepReadonly<Endpoints>),
}

export const secretStrategy: Strategy = {
  prepareForUpdate(draft, old) {
    // Old clients leave the type out; it cannot have changed.
    const type = (old as DeepReadonly<Secret>).type
    if (((draft as Secret).type ?? '') === '' && type !== undefined) (draft as Secret).type = type
  },
  validate: (object) => validateSecret(object as DeepReadonly<Secret>),
  validateUpdate: (object, old) => validateSecretUpdate(object as DeepReadonly<Secret>, old as DeepReadonly<Secret>),
}

export const limitRangeStrategy: Strategy = {
  validate: (object) => validateLimitRange(object as DeepReadonly<LimitRange>),
  validateUpdate: (object) => validateLimitRange(object as DeepReadonly<LimitRange>),
}

export const resourceQuotaStrategy: Strategy = {
  returnsDeletedObject: true,
  validate: (object) => validateResourceQuota(object as DeepReadonly<ResourceQuota>),
  validateUpdate: (object, old) =>
    validateResourceQuotaUpdate(object as DeepReadonly<ResourceQuota>, old as DeepReadonly<ResourceQuota>),
}

export const persistentVolumeStrategy: Strategy = {
  returnsDeletedObject: true,
  validate: (object) => validatePersistentVolume(object as DeepReadonly<PersistentVolume>),
  validateUpdate: (object, old) =>
    validatePersistentVolumeUpdate(object as DeepReadonly<PersistentVolume>, old as DeepReadonly<PersistentVolume>),
}

export const persistentVolumeClaimStrategy: Strategy = {
  returnsDeletedObject: true,
  validate: (object) => validatePersistentVolumeClaim(object as DeepReadonly<PersistentVolumeClaim>),
  validateUpdate: (object, old) =>
    validatePersistentVolumeClaimUpdate(
      object as DeepReadonly<PersistentVolumeClaim>,
      old as DeepReadonly<PersistentVolumeClaim>,
    ),
}

export const replicationControllerStrategy: Strategy = {
  defaultGarbageCollection: 'Orphan',
  validate: (object) => validateReplicationController(object as DeepReadonly<ReplicationController>),
  validateUpdate: (object) => validateReplicationController(object as DeepReadonly<ReplicationController>),
}

export const nodeStrategy: Strategy = {
  prepareForCreate(draft) {
    const node = draft as Node
    node.status ??= {}
  },
  /** The CIDR of a node's pods is assigned once. */
  validateUpdate(object, old) {
    const [next] = (object as DeepReadonly<Node>).spec?.podCIDRs ?? []
    const [before] = (old as DeepReadonly<Node>).spec?.podCIDRs ?? []
    if (before === undefined || before === next) return []
    return [fieldInvalid('spec.podCIDRs', next ?? '', 'node updates may not change podCIDR except from "" to valid')]
  },
}

export const eventStrategy: Strategy = {
  allowCreateOnUpdate: true,
  defaultGarbageCollection: 'Unsupported',
  validate(object) {
    const event = object as DeepReadonly<Event>
    const namespace = event.metadata.namespace ?? ''
    const involved = event.involvedObject?.namespace ?? ''
    if (involved === namespace || (involved === '' && namespace === 'default')) return []
    if (involved === '' && namespace === 'kube-system') return []
    return [fieldInvalid('involvedObject.namespace', involved, 'does not match event.namespace')]
  },
}
