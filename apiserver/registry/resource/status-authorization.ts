/**
 * Who may write which part of a claim's status: allocation and reservations take permission for `resourceclaims/binding`,
 * what drivers report of devices takes permission for `resourceclaims/driver`, driver by driver, on the claim's node or on
 * any. Upstream: pkg/registry/resource/utils.go AuthorizedForBinding, AuthorizedForDeviceStatus (gate
 * DRAResourceClaimGranularStatusAuthorization).
 */
import type { AllocatedDeviceStatus, ResourceClaim } from '#machinery/api/resource/v1/types.gen.ts'
import { newForbidden } from '#machinery/meta/errors.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden } from '#machinery/meta/field-error.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { EXTRA_NODE_NAME } from '../../authentication/serviceaccount/names.ts'
import type { SyncAuthorizer } from '../../authorization/chain.ts'
import type { RequestContext } from '../generic/interfaces.ts'

type FrozenClaim = DeepReadonly<ResourceClaim>

const RESOURCE = { group: 'resource.k8s.io', resource: 'resourceclaims' }
const SERVICE_ACCOUNT = /^system:serviceaccount:[^:]+:[^:]+$/

interface Question {
  readonly verb: string
  readonly subresource: 'binding' | 'driver'
  readonly namespace: string
  readonly name: string
}

export function checkStatusWriter(
  next: FrozenClaim,
  old: FrozenClaim,
  context: RequestContext,
  authorizer: SyncAuthorizer,
): FieldError[] {
  return [...checkBinding(next, old, context, authorizer), ...checkDrivers(next, old, context, authorizer)]
}

function checkBinding(
  { status: next }: FrozenClaim,
  { status: old }: FrozenClaim,
  context: RequestContext,
  authorizer: SyncAuthorizer,
): FieldError[] {
  if (deepEqual(next?.allocation, old?.allocation) && deepEqual(next?.reservedFor ?? [], old?.reservedFor ?? []))
    return []
  const verb = context.verb ?? 'update'
  const refusal = ask({ verb, subresource: 'binding', namespace: '', name: '' }, context, authorizer)
  if (refusal === undefined) return []
  const needed = `changing status.allocation or status.reservedFor requires resource="resourceclaims/binding", verb="${verb}" permission`
  return [fieldForbidden('status', `${needed}: ${refusal}`)]
}

function checkDrivers(
  next: FrozenClaim,
  old: FrozenClaim,
  context: RequestContext,
  authorizer: SyncAuthorizer,
): FieldError[] {
  const verb = context.verb ?? 'update'
  const isOnNode = isOfNode(context, nodeOf(next))
  const verbs = [...(isOnNode ? [`associated-node:${verb}`] : []), `arbitrary-node:${verb}`]
  return changedDrivers(next, old).flatMap((driver) => {
    const question = { subresource: 'driver', namespace: context.namespace, name: driver } as const
    const refusals = verbs.map((asked) => ask({ ...question, verb: asked }, context, authorizer))
    const [first] = refusals
    if (first === undefined || refusals.includes(undefined)) return []
    const needed = `changing status.devices requires resource="resourceclaims/driver", verb="[${verbs.join(' ')}]" permission`
    return [fieldForbidden('status', `${needed}: ${first}`)]
  })
}

/** Why not. */
function ask(
  { verb, subresource, namespace, name }: Question,
  { user }: RequestContext,
  authorizer: SyncAuthorizer,
): string | undefined {
  const attributes = { user, verb, isResourceRequest: true, apiGroup: RESOURCE.group, apiVersion: 'v1', path: '' }
  const { decision, reason } = authorizer.authorize({
    ...attributes,
    resource: RESOURCE.resource,
    subresource,
    namespace,
    name,
  })
  if (decision === 'Allow') return undefined
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`
  const what = `resource "${RESOURCE.resource}/${subresource}" in API group "${RESOURCE.group}"`
  const text = `User "${user.name}" cannot ${verb} ${what} ${where}`
  return newForbidden(RESOURCE, name, reason === '' ? text : `${text}: ${reason}`).message
}

/** Whose entries were added, changed or removed, by name. Entries that go with their devices are nobody's to keep. */
function changedDrivers({ status: next }: FrozenClaim, { status: old }: FrozenClaim): string[] {
  const before = new Map((old?.devices ?? []).map((device) => [idOf(device), device]))
  const changed = new Set<string>()
  for (const device of next?.devices ?? []) {
    if (!deepEqual(before.get(idOf(device)), device)) changed.add(device.driver)
    before.delete(idOf(device))
  }
  const isLost = lostDevices(next, old)
  for (const device of before.values()) if (!isLost.has(deviceIdOf(device))) changed.add(device.driver)
  return [...changed].sort()
}

/** Allocated before, and not any more. */
function lostDevices(next: FrozenClaim['status'], old: FrozenClaim['status']): ReadonlySet<string> {
  const lost = new Set((old?.allocation?.devices?.results ?? []).map(deviceIdOf))
  for (const result of next?.allocation?.devices?.results ?? []) lost.delete(deviceIdOf(result))
  return lost
}

interface DeviceReference {
  readonly driver: string
  readonly pool: string
  readonly device: string
}

const deviceIdOf = ({ driver, pool, device }: DeviceReference): string => `${driver}/${pool}/${device}`

const idOf = ({ driver, pool, device, shareID = '' }: DeepReadonly<AllocatedDeviceStatus>): string =>
  `${driver}/${pool}/${device}/${shareID}`

/** The one node the claim can be used on. */
function nodeOf({ status }: FrozenClaim): string | undefined {
  const [term, ...terms] = status?.allocation?.nodeSelector?.nodeSelectorTerms ?? []
  const [field, ...fields] = term?.matchFields ?? []
  if (terms.length + fields.length + (term?.matchExpressions ?? []).length > 0) return undefined
  if (field?.key !== 'metadata.name' || field.operator !== 'In' || field.values?.length !== 1) return undefined
  return field.values[0]
}

/** A service account whose token is bound to a Pod there. */
function isOfNode({ user }: RequestContext, node: string | undefined): boolean {
  const names = user.extra.get(EXTRA_NODE_NAME) ?? []
  return node !== undefined && SERVICE_ACCOUNT.test(user.name) && names.length === 1 && names[0] === node
}
