/** What is written into a claim's status for the devices it gets. Upstream: dynamic-resource-allocation/structured Allocate. */
import type { NodeSelector, NodeSelectorRequirement } from '#machinery/api/core/v1/types.gen.ts'
import type {
  AllocationResult,
  DeviceAllocationConfiguration,
  DeviceConfiguration,
  DeviceRequestAllocationResult,
  DeviceToleration,
} from '#machinery/api/resource/v1/types.gen.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenClaim } from './interfaces.ts'
import type { Grant } from './search.ts'

/** `newShareId`: a UUID for each part of a shared device. */
export function allocationResult(
  claim: FrozenClaim,
  grants: readonly Grant[],
  nodeName: string,
  newShareId: () => string,
): AllocationResult {
  const config = [...classConfiguration(grants), ...claimConfiguration(claim, grants)]
  const nodeSelector = nodeSelectorOf(grants, nodeName)
  return {
    devices: {
      results: grants.map((grant) => resultOf(grant, newShareId)),
      ...(config.length === 0 ? {} : { config }),
    },
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
  }
}

function resultOf(grant: Grant, newShareId: () => string): DeviceRequestAllocationResult {
  const { request, candidate, consumed } = grant
  const { device, slice } = candidate
  const result: DeviceRequestAllocationResult = {
    request: request.name,
    driver: slice.spec.driver,
    pool: slice.spec.pool.name,
    device: device.name,
  }
  if (request.isAdmin) result.adminAccess = true
  if (request.tolerations !== undefined) result.tolerations = deepCopy<DeviceToleration[]>(request.tolerations)
  if (device.bindingConditions !== undefined) result.bindingConditions = [...device.bindingConditions]
  if (device.bindingFailureConditions !== undefined)
    result.bindingFailureConditions = [...device.bindingFailureConditions]
  if (consumed !== undefined) {
    result.shareID = newShareId()
    if (consumed.size > 0)
      result.consumedCapacity = Object.fromEntries([...consumed].map(([name, amount]) => [name, amount.toString()]))
  }
  return result
}

/** Of each class once, for all requests of that class. */
function classConfiguration(grants: readonly Grant[]): DeviceAllocationConfiguration[] {
  const requestsOfClass = new Map<Grant['request']['class'], string[]>()
  for (const { request } of grants) {
    const known = requestsOfClass.get(request.class) ?? []
    if (!known.includes(request.name)) requestsOfClass.set(request.class, [...known, request.name])
  }
  return [...requestsOfClass].flatMap(([{ spec }, requests]) =>
    (spec?.config ?? []).map((config) => ({ ...newConfiguration('FromClass', config), requests: [...requests] })),
  )
}

/** What is for all requests, or for one that got devices; of the alternatives only the one that was taken counts. */
function claimConfiguration({ spec }: FrozenClaim, grants: readonly Grant[]): DeviceAllocationConfiguration[] {
  const taken = grants.map(({ request }) => request.name)
  return (spec?.devices?.config ?? []).flatMap((config): DeviceAllocationConfiguration[] => {
    const { requests = [] } = config
    if (requests.length === 0) return [newConfiguration('FromClaim', config)]
    return (spec?.devices?.requests ?? [])
      .filter(({ name }) => requests.includes(name) || requests.some((wanted) => isPartOf(wanted, name, taken)))
      .map(() => ({ ...newConfiguration('FromClaim', config), requests: [...requests] }))
  })
}

const isPartOf = (wanted: string, request: string, taken: readonly string[]): boolean =>
  wanted.startsWith(`${request}/`) && taken.includes(wanted)

function newConfiguration(
  source: string,
  { opaque }: DeepReadonly<DeviceConfiguration>,
): DeviceAllocationConfiguration {
  if (opaque === undefined) return { source }
  return { source, opaque: deepCopy<NonNullable<DeviceConfiguration['opaque']>>(opaque) }
}

/** Where the claim can be used: on this node, on what all its devices can be reached from, or (undefined) everywhere. */
function nodeSelectorOf(grants: readonly Grant[], nodeName: string): NodeSelector | undefined {
  const matchFields: NodeSelectorRequirement[] = []
  const matchExpressions: NodeSelectorRequirement[] = []
  for (const { device, slice } of grants.map(({ candidate }) => candidate)) {
    const selection = slice.spec.perDeviceNodeSelection === true ? device : slice.spec
    if (selection.nodeName !== undefined || device.bindsToNode === true) return onlyNode(nodeName)
    const terms = selection.nodeSelector?.nodeSelectorTerms ?? []
    if (terms.length > 1) throw new Error(`unsupported ResourceSlice.NodeSelector with ${terms.length} terms`)
    addRequirements(matchFields, terms[0]?.matchFields)
    addRequirements(matchExpressions, terms[0]?.matchExpressions)
  }
  if (matchFields.length + matchExpressions.length === 0) return undefined
  const fields = matchFields.length === 0 ? {} : { matchFields }
  const expressions = matchExpressions.length === 0 ? {} : { matchExpressions }
  return { nodeSelectorTerms: [{ ...expressions, ...fields }] }
}

const onlyNode = (name: string): NodeSelector => ({
  nodeSelectorTerms: [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: [name] }] }],
})

function addRequirements(
  all: NodeSelectorRequirement[],
  added: readonly DeepReadonly<NodeSelectorRequirement>[] = [],
): void {
  const shapeOf = ({ key, operator, values = [] }: DeepReadonly<NodeSelectorRequirement>): unknown => [
    key,
    operator,
    [...values].sort(),
  ]
  for (const requirement of added) {
    if (!all.some((known) => deepEqual(shapeOf(known), shapeOf(requirement))))
      all.push(deepCopy<NodeSelectorRequirement>(requirement))
  }
}
