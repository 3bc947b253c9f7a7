/** Strategies of dynamic resource allocation. Upstream: pkg/registry/resource/<kind>/strategy.go. */
import type { IsGateEnabled } from '#apiserver/apis/feature-gates.ts'
import { checkAdminAccess, checkAdminAccessStatus } from '#apiserver/apis/resource/admin-access.ts'
import { hasLists } from '#apiserver/apis/resource/attribute-validation.ts'
import { validateResourceSlice } from '#apiserver/apis/resource/slice-validation.ts'
import { validateResourceClaimStatusUpdate } from '#apiserver/apis/resource/status-validation.ts'
import {
  validateDeviceClass,
  validateResourceClaim,
  validateResourceClaimTemplate,
  validateResourceClaimTemplateUpdate,
  validateResourceClaimUpdate,
} from '#apiserver/apis/resource/validation.ts'
import type {
  Device,
  DeviceClass,
  DeviceRequestAllocationResult,
  ResourceClaim,
  ResourceClaimTemplate,
  ResourceSlice,
} from '#machinery/api/resource/v1/types.gen.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { RegistryDeps, StoredObjects } from '../deps.ts'
import type { Strategy } from '../generic/interfaces.ts'
import { withStoredMetadata } from '../strategy.ts'
import { checkStatusWriter } from './status-authorization.ts'

type FrozenClaim = DeepReadonly<ResourceClaim>
type FrozenTemplate = DeepReadonly<ResourceClaimTemplate>
type FrozenClass = DeepReadonly<DeviceClass>
type FrozenSlice = DeepReadonly<ResourceSlice>
type Labels = () => Readonly<Record<string, string>> | undefined

const labelsOf =
  (objects: StoredObjects, namespace: string | undefined): Labels =>
  () =>
    objects.peek('', 'namespaces', '', namespace ?? '')?.metadata.labels

export const deviceClassStrategy: Strategy = {
  returnsDeletedObject: true,
  validate: (object) => validateDeviceClass(object as FrozenClass),
  validateUpdate: (object, old) => validateDeviceClass(object as FrozenClass, old as FrozenClass),
}

export const resourceClaimStrategy = (objects: StoredObjects): Strategy => ({
  returnsDeletedObject: true,
  validate(object) {
    const claim = object as FrozenClaim
    const errors = checkAdminAccess(claim.spec?.devices, labelsOf(objects, claim.metadata.namespace))
    return [...errors, ...validateResourceClaim(claim)]
  },
  validateUpdate: (object, old) => validateResourceClaimUpdate(object as FrozenClaim, old as FrozenClaim),
})

export const resourceClaimStatusStrategy = ({ objects, authorizer }: RegistryDeps): Strategy =>
  withStoredMetadata({
    prepareForUpdate: (draft, old) => dropDeallocated(draft as ResourceClaim, old as FrozenClaim),
    validateUpdate(object, old, context) {
      const claim = object as FrozenClaim
      const before = old as FrozenClaim
      const labels = labelsOf(objects, claim.metadata.namespace)
      return [
        ...checkAdminAccessStatus(claim.status, before.status, labels),
        ...validateResourceClaimStatusUpdate(claim, before),
        ...(authorizer === undefined ? [] : checkStatusWriter(claim, before, context, authorizer)),
      ]
    },
  })

/** The status of a device goes with its allocation. */
function dropDeallocated({ status }: ResourceClaim, old: FrozenClaim): void {
  if (status?.devices === undefined) return
  const allocated = new Set(status.allocation?.devices?.results?.map(idOf))
  const gone = new Set(old.status?.allocation?.devices?.results?.map(idOf))
  const kept = status.devices.filter((device) => allocated.has(idOf(device)) || !gone.has(idOf(device)))
  if (kept.length === 0) delete status.devices
  else status.devices = kept
}

type Located = DeepReadonly<Pick<DeviceRequestAllocationResult, 'driver' | 'pool' | 'device' | 'shareID'>>

const idOf = ({ driver, pool, device, shareID = '' }: Located): string =>
  JSON.stringify([driver, pool, device, shareID])

export const resourceClaimTemplateStrategy = (objects: StoredObjects): Strategy => ({
  returnsDeletedObject: true,
  validate(object) {
    const template = object as FrozenTemplate
    const errors = checkAdminAccess(template.spec?.spec?.devices, labelsOf(objects, template.metadata.namespace))
    return [...errors, ...validateResourceClaimTemplate(template)]
  },
  validateUpdate: (object, old) => validateResourceClaimTemplateUpdate(object as FrozenTemplate, old as FrozenTemplate),
})

export const resourceSliceStrategy = (isGateEnabled: IsGateEnabled): Strategy => ({
  returnsDeletedObject: true,
  prepareForCreate(draft, { clock }) {
    prepareDevices(draft as ResourceSlice, undefined, isGateEnabled, clock)
  },
  prepareForUpdate(draft, old, { clock }) {
    prepareDevices(draft as ResourceSlice, old as FrozenSlice, isGateEnabled, clock)
  },
  warnings: (object) => driverNameWarnings((object as FrozenSlice).spec?.driver ?? ''),
  validate: (object) => validateResourceSlice(object as FrozenSlice),
  validateUpdate: (object, old) => validateResourceSlice(object as FrozenSlice, old as FrozenSlice),
})

/** Taints get a time; members behind gates that are off go, unless the stored slice has some. */
function prepareDevices(
  { spec }: ResourceSlice,
  old: FrozenSlice | undefined,
  isGateEnabled: IsGateEnabled,
  clock: Clock,
): void {
  const before = old?.spec?.devices ?? []
  const keepsLists = isGateEnabled('DRAListTypeAttributes') || before.some(usesLists)
  const keepsMappings = isGateEnabled('DRANodeAllocatableResources') || before.some(usesMappings)
  for (const device of spec?.devices ?? []) {
    for (const taint of device.taints ?? []) taint.timeAdded ??= formatTime(clock.now())
    if (!keepsLists) dropLists(device)
    if (!keepsMappings) delete device.nodeAllocatableResourceMappings
  }
}

const usesLists = ({ attributes }: DeepReadonly<Device>): boolean => Object.values(attributes ?? {}).some(hasLists)

const usesMappings = ({ nodeAllocatableResourceMappings: mappings }: DeepReadonly<Device>): boolean =>
  Object.keys(mappings ?? {}).length > 0

function dropLists({ attributes }: Device): void {
  for (const attribute of Object.values(attributes ?? {})) {
    for (const member of ['ints', 'bools', 'strings', 'versions'] as const) delete attribute[member]
  }
}

function driverNameWarnings(driver: string): string[] {
  if (driver === driver.toLowerCase()) return []
  const shown = JSON.stringify(driver)
  return [`spec.driver: driver names should be lowercase; ${shown} contains uppercase characters`]
}
