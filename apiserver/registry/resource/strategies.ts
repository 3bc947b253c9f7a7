/**
 * ResourceClaims and their templates: what the rules of validation need from other objects, and what a status leaves
 * behind. Upstream: pkg/registry/resource/{resourceclaim,resourceclaimtemplate}/strategy.go.
 */
import {
  validateResourceClaim,
  validateResourceClaimStatusUpdate,
  validateResourceClaimTemplate,
  validateResourceClaimTemplateUpdate,
  validateResourceClaimUpdate,
} from '#apiserver/apis/resource/validation.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { ResourceClaim, ResourceClaimTemplate } from '#machinery/api/resource/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { RegistryDeps } from '../deps.ts'
import type { Strategy } from '../generic/interfaces.ts'
import { checkAdminRequests, checkAdminResults } from './admin-access.ts'
import { checkStatusWriter } from './status-authorization.ts'

type FrozenClaim = DeepReadonly<ResourceClaim>
type FrozenTemplate = DeepReadonly<ResourceClaimTemplate>

export const claimStrategy = ({ objects }: RegistryDeps): Strategy => ({
  validate(object, { namespace }) {
    const claim = object as FrozenClaim
    return [...checkAdminRequests('spec', claim.spec?.devices, namespace, objects), ...validateResourceClaim(claim)]
  },
  validateUpdate: (object, old) => validateResourceClaimUpdate(object as FrozenClaim, old as FrozenClaim),
})

export const claimStatusStrategy = ({ objects, authorizer }: RegistryDeps): Strategy => ({
  prepareForUpdate(draft, old) {
    keepMetadata(draft, old)
    dropStatusOfLostDevices(draft as ResourceClaim, old as FrozenClaim)
  },
  validateUpdate(object, old, context) {
    const [next, before] = [object as FrozenClaim, old as FrozenClaim]
    return [
      ...checkAdminResults(next, before, objects),
      ...validateResourceClaimStatusUpdate(next, before),
      ...(authorizer === undefined ? [] : checkStatusWriter(next, before, context, authorizer)),
    ]
  },
})

export const templateStrategy = ({ objects }: RegistryDeps): Strategy => ({
  validate(object, { namespace }) {
    const template = object as FrozenTemplate
    return [
      ...checkAdminRequests('spec.spec', template.spec?.spec?.devices, namespace, objects),
      ...validateResourceClaimTemplate(template),
    ]
  },
  validateUpdate: (object, old) => validateResourceClaimTemplateUpdate(object as FrozenTemplate, old as FrozenTemplate),
})

/** Upstream's ResetObjectMetaForStatus: a driver that reports must not let go of a finalizer. */
function keepMetadata(draft: KubeObject, old: DeepReadonly<KubeObject>): void {
  for (const member of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const) {
    if (old.metadata[member] === undefined) delete draft.metadata[member]
    else Object.assign(draft.metadata, { [member]: old.metadata[member] })
  }
}

/** What drivers said of devices that are not the claim's any more. */
function dropStatusOfLostDevices({ status }: ResourceClaim, old: FrozenClaim): void {
  if (status?.devices === undefined) return
  const devicesOf = ({ status: of }: FrozenClaim | ResourceClaim): string[] =>
    (of?.allocation?.devices?.results ?? []).map(idOf)
  const lost = new Set(devicesOf(old))
  for (const id of devicesOf({ status } as ResourceClaim)) lost.delete(id)
  status.devices = status.devices.filter((device) => !lost.has(idOf(device)))
  if (status.devices.length === 0) delete status.devices
}

const idOf = ({
  driver,
  pool,
  device,
}: {
  readonly driver: string
  readonly pool: string
  readonly device: string
}): string => `${driver}/${pool}/${device}`
