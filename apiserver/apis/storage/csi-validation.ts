/** CSI drivers, nodes, capacities and volume attachments. Upstream: pkg/apis/storage/validation/validation.go. */
import type {
  CSIDriver,
  CSINode,
  CSINodeDriver,
  CSIStorageCapacity,
  TokenRequest,
  VolumeAttachment,
  VolumeError,
} from '#machinery/api/storage/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import {
  fieldDuplicate,
  fieldForbidden,
  fieldInvalid,
  fieldNotSupported,
  fieldRequired,
  fieldTooLong,
} from '#machinery/meta/field-error.ts'
import { inclusiveRangeMessage, isDns1123Subdomain, isQualifiedName } from '#machinery/meta/validation.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { validateInlineVolume } from '../core/persistent-volume/validation.ts'
import {
  addInvalid,
  checkDriverName,
  checkImmutable,
  checkLabelSelector,
  checkNonNegative,
  checkRequired,
  isInvalidSelector,
  NON_NEGATIVE,
} from '../validation.ts'

const NODE_ID_MAX = 256
const METADATA_MAX_BYTES = 256 * 1024
const ERROR_MESSAGE_MAX_BYTES = 1024
const TOKEN_MIN_SECONDS = 600
const ALLOCATABLE_PERIOD_MIN_SECONDS = 10
const LIFECYCLE_MODES = ['Persistent', 'Ephemeral']

type FrozenDriver = DeepReadonly<CSIDriver>
type FrozenAttachment = DeepReadonly<VolumeAttachment>

export function validateCsiDriver({ spec }: FrozenDriver): FieldError[] {
  const errors: FieldError[] = []
  const requireSet = (field: string, value: boolean | undefined): void => {
    if (value === undefined) errors.push(fieldRequired(`spec.${field}`, ''))
  }
  requireSet('attachedRequired', spec?.attachRequired)
  requireSet('podInfoOnMount', spec?.podInfoOnMount)
  requireSet('storageCapacity', spec?.storageCapacity)
  const policies = ['File', 'None', 'ReadWriteOnceWithFSType']
  const policy = spec?.fsGroupPolicy
  if (policy !== undefined && !policies.includes(policy)) {
    errors.push(fieldNotSupported('spec.fsGroupPolicy', policy, policies))
  }
  checkTokenRequests(errors, spec?.tokenRequests ?? [])
  for (const mode of spec?.volumeLifecycleModes ?? []) {
    if (LIFECYCLE_MODES.includes(mode)) continue
    errors.push(fieldNotSupported('spec.volumeLifecycleModes', mode, LIFECYCLE_MODES))
  }
  requireSet('seLinuxMount', spec?.seLinuxMount)
  const period = spec?.nodeAllocatableUpdatePeriodSeconds
  if (period !== undefined && period < ALLOCATABLE_PERIOD_MIN_SECONDS) {
    const detail = 'must be greater than or equal to 10 seconds'
    errors.push(fieldInvalid('spec.nodeAllocatableUpdatePeriodSeconds', period, detail))
  }
  const inSecrets = spec?.serviceAccountTokenInSecrets
  if (inSecrets !== undefined && (spec?.tokenRequests ?? []).length === 0) {
    const detail = 'serviceAccountTokenInSecrets is set but no tokenRequests are specified'
    errors.push(fieldInvalid('spec.serviceAccountTokenInSecrets', inSecrets, detail))
  }
  return errors
}

function checkTokenRequests(errors: FieldError[], requests: DeepReadonly<TokenRequest[]>): void {
  const audiences = new Set<string>()
  requests.forEach(({ audience = '', expirationSeconds }, i) => {
    const field = `spec.tokenRequests[${i}]`
    if (audiences.has(audience)) {
      errors.push(fieldDuplicate(`${field}.audience`, audience))
      return
    }
    audiences.add(audience)
    if (expirationSeconds === undefined) return
    const refuse = (detail: string): void => {
      errors.push(fieldInvalid(`${field}.expirationSeconds`, expirationSeconds, detail))
    }
    if (expirationSeconds < TOKEN_MIN_SECONDS) refuse('may not specify a duration less than 10 minutes')
    if (expirationSeconds > 2 ** 32) refuse('may not specify a duration larger than 2^32 seconds')
  })
}

export function validateCsiDriverUpdate(next: FrozenDriver, old: FrozenDriver): FieldError[] {
  const errors = validateCsiDriver(next)
  checkImmutable(errors, 'spec.attachedRequired', next.spec.attachRequired, old.spec.attachRequired)
  checkImmutable(errors, 'spec.volumeLifecycleModes', next.spec.volumeLifecycleModes, old.spec.volumeLifecycleModes)
  return errors
}

export function validateCsiNode({ spec }: DeepReadonly<CSINode>): FieldError[] {
  const errors: FieldError[] = []
  const names = new Set<string>()
  spec?.drivers?.forEach((driver, i) => {
    validateNodeDriver(errors, `spec.drivers[${i}]`, driver, names)
  })
  return errors
}

function validateNodeDriver(
  errors: FieldError[],
  field: string,
  { name = '', nodeID = '', allocatable, topologyKeys = [] }: DeepReadonly<CSINodeDriver>,
  names: Set<string>,
): void {
  checkDriverName(errors, `${field}.name`, name)
  checkRequired(errors, `${field}.nodeID`, nodeID)
  if (Buffer.byteLength(nodeID) > NODE_ID_MAX) {
    errors.push(fieldInvalid(`${field}.nodeID`, nodeID, `must be ${NODE_ID_MAX} characters or less`))
  }
  checkNonNegative(errors, `${field}.allocatable.count`, allocatable?.count)
  if (names.has(name)) errors.push(fieldDuplicate(`${field}.name`, name))
  names.add(name)
  const keys = new Set<string>()
  for (const key of topologyKeys) {
    checkRequired(errors, field, key)
    if (keys.has(key)) errors.push(fieldDuplicate(field, key))
    keys.add(key)
    addInvalid(errors, field, key, isQualifiedName(key))
  }
}

/** How many volumes a node takes may change, nothing else of an entry. */
export function validateCsiNodeUpdate(next: DeepReadonly<CSINode>, old: DeepReadonly<CSINode>): FieldError[] {
  const errors = validateCsiNode(next)
  for (const { allocatable: _before, ...before } of old.spec?.drivers ?? []) {
    for (const { allocatable: _now, ...now } of next.spec?.drivers ?? []) {
      if (before.name === now.name) checkImmutable(errors, 'spec.drivers', now, before)
    }
  }
  return errors
}

type FrozenCapacity = DeepReadonly<CSIStorageCapacity>

/** `old`: label values of a topology that was let in before stay. */
export function validateCsiStorageCapacity(object: FrozenCapacity, old?: FrozenCapacity): FieldError[] {
  const { nodeTopology, storageClassName = '', capacity } = object
  const errors: FieldError[] = []
  checkLabelSelector(errors, 'nodeTopology', nodeTopology, isInvalidSelector(old?.nodeTopology))
  addInvalid(errors, 'storageClassName', storageClassName, isDns1123Subdomain(storageClassName))
  if (capacity !== undefined && (tryParseQuantity(String(capacity))?.sign ?? 0) < 0) {
    errors.push(fieldInvalid('capacity', String(capacity), NON_NEGATIVE))
  }
  return errors
}

export function validateCsiStorageCapacityUpdate(next: FrozenCapacity, old: FrozenCapacity): FieldError[] {
  const errors = validateCsiStorageCapacity(next, old)
  checkImmutable(errors, 'nodeTopology', next.nodeTopology, old.nodeTopology)
  checkImmutable(errors, 'storageClassName', next.storageClassName, old.storageClassName)
  return errors
}

export function validateVolumeAttachmentUpdate(next: FrozenAttachment, old: FrozenAttachment): FieldError[] {
  const errors = validateVolumeAttachment(next)
  if (!deepEqual(next.spec, old.spec)) errors.push(fieldInvalid('spec', next.spec, 'field is immutable'))
  return errors
}

export function validateVolumeAttachment({ spec, status }: FrozenAttachment): FieldError[] {
  const errors: FieldError[] = []
  checkDriverName(errors, 'spec.attacher', spec?.attacher)
  const { persistentVolumeName: volume, inlineVolumeSpec: inline } = spec?.source ?? {}
  const detail = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'
  if (volume === undefined && inline === undefined) errors.push(fieldRequired('spec.source', detail))
  else if (volume !== undefined && inline !== undefined) errors.push(fieldForbidden('spec.source', detail))
  else if (volume === '') {
    const hint = 'must specify non empty persistentVolumeName'
    errors.push(fieldRequired('spec.source.persistentVolumeName', hint))
  } else if (inline !== undefined) validateInlineVolume(errors, 'spec.source.inlineVolumeSpec', inline)
  const { nodeName = '' } = spec ?? {}
  addInvalid(errors, 'spec.nodeName', nodeName, isDns1123Subdomain(nodeName))
  let bytes = 0
  for (const entry of Object.entries(status?.attachmentMetadata ?? {})) bytes += Buffer.byteLength(entry.join(''))
  if (bytes > METADATA_MAX_BYTES) errors.push(fieldTooLong('status.attachmentMetadata', METADATA_MAX_BYTES))
  checkVolumeError(errors, 'status.attachError', status?.attachError)
  checkVolumeError(errors, 'status.detachError', status?.detachError)
  if (volume !== undefined) addInvalid(errors, 'spec.source.persistentVolumeName', volume, isDns1123Subdomain(volume))
  return errors
}

function checkVolumeError(errors: FieldError[], field: string, error: DeepReadonly<VolumeError> | undefined): void {
  if (error === undefined) return
  const { message = '', errorCode } = error
  // As upstream: the limit it names is another one.
  if (Buffer.byteLength(message) > ERROR_MESSAGE_MAX_BYTES) {
    errors.push(fieldTooLong(`${field}.message`, METADATA_MAX_BYTES))
  }
  if (errorCode !== undefined && errorCode < 0) {
    errors.push(fieldInvalid(`${field}.errorCode`, errorCode, inclusiveRangeMessage(0, 2 ** 31 - 1)))
  }
}
