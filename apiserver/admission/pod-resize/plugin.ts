/**
 * A Pod on a node is not resized beyond what the node has, nor on a node that is not Linux.
 * Upstream: plugin/pkg/admission/podresize (PodResizeValidator).
 */
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Quantity } from '#machinery/quantity/quantity.ts'
import { tryParseQuantity, ZERO_QUANTITY } from '#machinery/quantity/quantity.ts'
import { podRequests } from '#machinery/quota/pod-resources.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionDeps } from '../deps.ts'
import { admissionForbidden } from '../forbidden.ts'
import type { AdmissionPlugin } from '../interfaces.ts'

type FrozenNode = DeepReadonly<Node>

export function createPodResizeValidator(deps: Pick<AdmissionDeps, 'peek'>): AdmissionPlugin {
  return {
    name: 'PodResizeValidator',
    handles: (operation) => operation === 'UPDATE',
    validate(attributes) {
      const { group, resource, subresource, object, oldObject } = attributes
      if (group !== '' || resource !== 'pods' || subresource !== 'resize' || object === undefined) return
      const pod = object as Pod
      const { nodeName = '' } = pod.spec
      if (nodeName === '' || deepEqual((oldObject as DeepReadonly<Pod> | undefined)?.spec, pod.spec)) return
      const node = deps.peek('', 'nodes', '', nodeName) as FrozenNode | undefined
      if (node === undefined) throw admissionForbidden(attributes, `node "${nodeName}" not found`)
      const platform = node.metadata.labels?.['kubernetes.io/os'] ?? 'linux'
      if (platform !== 'linux') {
        const why = `pod resize is only supported on linux nodes, node "${nodeName}" is "${platform}"`
        throw admissionForbidden(attributes, why, { reason: 'UnsupportedPlatform' })
      }
      const lacking = lackingOn(node, pod)
      if (lacking.length === 0) return
      const why = `node didn't have enough allocatable resources: ${lacking.join('; ')}`
      throw admissionForbidden(attributes, why, { reason: 'NodeCapacity' })
    },
  }
}

function lackingOn({ status }: FrozenNode, { status: _now, ...wanted }: Pod): string[] {
  const requests = podRequests(wanted)
  const units: readonly (readonly [string, (amount: Quantity) => number])[] = [
    ['cpu', (amount) => amount.milliValue()],
    ['memory', (amount) => amount.value()],
  ]
  return units.flatMap(([name, inUnits]) => {
    const requested = requests.get(name) ?? ZERO_QUANTITY
    const allocatable = tryParseQuantity(String(status?.allocatable?.[name] ?? '0')) ?? ZERO_QUANTITY
    if (requested.compare(allocatable) <= 0) return []
    return [`${name}, requested: ${inUnits(requested)}, allocatable: ${inUnits(allocatable)}`]
  })
}
