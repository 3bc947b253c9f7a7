/** What of a claim is allocated, for whom, and in what state. Upstream: pkg/apis/resource/validation validateResourceClaimStatusUpdate. */
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaim,
} from '#machinery/api/resource/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
  fieldTooMany,
} from '#machinery/meta/field-error.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { validateConditions } from '../condition-validation.ts'
import { validateNodeSelectorTerms } from '../core/pod/affinity-validation.ts'
import { checkInterfaceAddress } from '../ip-validation.ts'
import { checkDriverName, checkImmutable, checkRequired } from '../validation.ts'
import { checkRawObject, validateConfiguration } from './configuration-validation.ts'
import { validateItems } from './lists.ts'
import { checkLabel, checkPoolName, checkUid } from './names.ts'
import type { RequestNames } from './request-names.ts'
import { checkRequestName, checkRequestNames, requestNamesOf } from './request-names.ts'
import { validateBindingConditions, validateDeviceTolerations } from './taint-validation.ts'

const RESERVED_FOR_MAX = 256
const RESULTS_MAX = 32
/** Of the class and of the claim. */
const CONFIGURATIONS_MAX = 64
const CONDITIONS_MAX = 8
const ADDRESSES_MAX = 16
const INTERFACE_NAME_MAX = 256
const HARDWARE_ADDRESS_MAX = 128
const SOURCES = ['FromClaim', 'FromClass']
/** As Go prints a type whose members are private. */
const PRINTED_ID = { Driver: {}, Pool: {}, Device: {}, ShareID: {} }

type FrozenClaim = DeepReadonly<ResourceClaim>
type Located = DeepReadonly<Pick<AllocatedDeviceStatus, 'driver' | 'pool' | 'device' | 'shareID'>>

const idOf = ({ driver, pool, device, shareID = '' }: Located): string =>
  JSON.stringify([driver, pool, device, shareID])

export function validateResourceClaimStatusUpdate(next: FrozenClaim, old: FrozenClaim): FieldError[] {
  const errors: FieldError[] = []
  const { reservedFor = [], allocation, devices = [] } = next.status ?? {}
  const byUid = { max: RESERVED_FOR_MAX, keyOf: ({ uid }: { readonly uid: string }): string => uid }
  validateItems(errors, 'status.reservedFor', reservedFor, byUid, ({ resource, name, uid }, at) => {
    checkRequired(errors, `${at}.resource`, resource)
    checkRequired(errors, `${at}.name`, name)
    checkRequired(errors, `${at}.uid`, uid)
  })
  const allocated = new Set(allocation?.devices?.results?.map(idOf))
  validateItems(errors, 'status.devices', devices, { keyOf: idOf, printed: () => PRINTED_ID }, (device, at) => {
    validateDeviceStatus(errors, at, device, allocated)
  })
  checkReservations(errors, next, old)
  // What is allocated stays, and is not judged again by rules that came later.
  if (allocation === undefined) return errors
  if (old.status?.allocation !== undefined) {
    checkImmutable(errors, 'status.allocation', allocation, old.status.allocation)
  } else validateAllocation(errors, allocation, requestNamesOf(next.spec?.devices))
  return errors
}

function checkReservations(errors: FieldError[], { metadata, status }: FrozenClaim, old: FrozenClaim): void {
  const { reservedFor = [], allocation } = status ?? {}
  if (reservedFor.length === 0) return
  if (allocation === undefined) {
    errors.push(fieldForbidden('status.reservedFor', 'may not be specified when `allocated` is not set'))
    return
  }
  if (metadata.deletionTimestamp === undefined) return
  const before = old.status?.reservedFor ?? []
  if (reservedFor.every((one) => before.some((earlier) => deepEqual(one, earlier)))) return
  const detail = 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set'
  errors.push(fieldForbidden('status.reservedFor', detail))
}

function validateAllocation(
  errors: FieldError[],
  allocation: DeepReadonly<AllocationResult>,
  known: RequestNames,
): void {
  const { devices, nodeSelector } = allocation
  const at = 'status.allocation'
  validateItems(errors, `${at}.devices.results`, devices?.results ?? [], { max: RESULTS_MAX }, (result, path) => {
    validateResult(errors, path, result, known)
  })
  validateItems(errors, `${at}.devices.config`, devices?.config ?? [], { max: CONFIGURATIONS_MAX }, (one, path) => {
    checkSource(errors, `${path}.source`, one)
    checkRequestNames(errors, `${path}.requests`, one.requests, known)
    validateConfiguration(errors, path, one, false)
  })
  if (nodeSelector === undefined) return
  validateNodeSelectorTerms(errors, `${at}.nodeSelector.nodeSelectorTerms`, nodeSelector.nodeSelectorTerms)
}

function validateResult(
  errors: FieldError[],
  field: string,
  result: DeepReadonly<DeviceRequestAllocationResult>,
  known: RequestNames,
): void {
  checkRequestName(errors, `${field}.request`, result.request ?? '', known)
  checkDriverName(errors, `${field}.driver`, result.driver)
  checkPoolName(errors, `${field}.pool`, result.pool)
  checkLabel(errors, `${field}.device`, result.device)
  validateBindingConditions(errors, field, result)
  validateDeviceTolerations(errors, `${field}.tolerations`, result.tolerations)
  if (result.shareID !== undefined) checkUid(errors, `${field}.shareID`, result.shareID)
}

function checkSource(
  errors: FieldError[],
  field: string,
  { source = '' }: DeepReadonly<DeviceAllocationConfiguration>,
): void {
  if (SOURCES.includes(source)) return
  errors.push(source === '' ? fieldRequired(field, '') : fieldNotSupported(field, source, ['FromClaim', 'FromClass']))
}

function validateDeviceStatus(
  errors: FieldError[],
  field: string,
  device: DeepReadonly<AllocatedDeviceStatus>,
  allocated: ReadonlySet<string>,
): void {
  checkDriverName(errors, `${field}.driver`, device.driver)
  checkPoolName(errors, `${field}.pool`, device.pool)
  checkLabel(errors, `${field}.device`, device.device)
  if (device.shareID !== undefined) checkUid(errors, `${field}.shareID`, device.shareID)
  if (!allocated.has(idOf(device))) {
    errors.push(fieldInvalid(field, PRINTED_ID, 'must be an allocated device in the claim'))
  }
  const conditions = device.conditions ?? []
  if (conditions.length > CONDITIONS_MAX) {
    errors.push(fieldTooMany(`${field}.conditions`, conditions.length, CONDITIONS_MAX))
  }
  errors.push(...validateConditions(conditions, `${field}.conditions`))
  if (device.data !== undefined && device.data !== null) checkRawObject(errors, `${field}.data`, device.data, false)
  if (device.networkData !== undefined) validateNetworkData(errors, `${field}.networkData`, device.networkData)
}

function validateNetworkData(errors: FieldError[], field: string, data: DeepReadonly<NetworkDeviceData>): void {
  const { interfaceName = '', hardwareAddress = '', ips = [] } = data
  if (Buffer.byteLength(interfaceName) > INTERFACE_NAME_MAX) {
    errors.push(fieldTooLong(`${field}.interfaceName`, INTERFACE_NAME_MAX))
  }
  if (Buffer.byteLength(hardwareAddress) > HARDWARE_ADDRESS_MAX) {
    errors.push(fieldTooLong(`${field}.hardwareAddress`, HARDWARE_ADDRESS_MAX))
  }
  validateItems(errors, `${field}.ips`, ips, { max: ADDRESSES_MAX, keyOf: (address) => address }, (address, at) => {
    checkInterfaceAddress(errors, at, address)
  })
}
