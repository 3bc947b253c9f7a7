/** What a node may write of its own Node: no taints, no labels that would draw workloads to it. Upstream: noderestriction admitNode. */
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { admissionForbidden } from '../forbidden.ts'
import type { AdmissionAttributes } from '../interfaces.ts'

type Labels = Readonly<Record<string, string>> | undefined

const RESTRICTED = 'node-restriction.kubernetes.io'
/** Upstream: k8s.io/kubelet/pkg/apis/well_known_labels.go. */
const KUBELET_LABELS: ReadonlySet<string> = new Set([
  'kubernetes.io/hostname',
  'topology.kubernetes.io/zone',
  'topology.kubernetes.io/region',
  'failure-domain.beta.kubernetes.io/zone',
  'failure-domain.beta.kubernetes.io/region',
  'beta.kubernetes.io/instance-type',
  'node.kubernetes.io/instance-type',
  'kubernetes.io/os',
  'beta.kubernetes.io/os',
  'kubernetes.io/arch',
  'beta.kubernetes.io/arch',
])
const KUBELET_NAMESPACES = ['kubelet.kubernetes.io', 'node.kubernetes.io']

export function checkNode(nodeName: string, attributes: AdmissionAttributes): void {
  const { operation, name, object, oldObject } = attributes
  const requested = operation === 'CREATE' && name === '' ? (object?.metadata.name ?? '') : name
  if (requested !== nodeName) {
    throw admissionForbidden(attributes, `node "${nodeName}" is not allowed to modify node "${requested}"`)
  }
  if (operation === 'DELETE') return
  const node = object as Node
  const old = oldObject as DeepReadonly<Node> | undefined
  const why = old === undefined ? wrongAtCreation(nodeName, node) : wrongChange(nodeName, node, old)
  if (why !== undefined) throw admissionForbidden(attributes, why)
}

function wrongAtCreation(nodeName: string, node: Node): string | undefined {
  if (node.spec?.configSource !== undefined) {
    return `node "${nodeName}" is not allowed to create pods with a non-nil configSource`
  }
  const labels = forbiddenLabels(node.metadata.labels, undefined)
  return labels === '' ? undefined : `node "${nodeName}" is not allowed to set the following labels: ${labels}`
}

function wrongChange(nodeName: string, node: Node, old: DeepReadonly<Node>): string | undefined {
  const { configSource, taints = [] } = node.spec ?? {}
  if (configSource !== undefined && !deepEqual(configSource, old.spec?.configSource)) {
    return `node "${nodeName}" is not allowed to update configSource to a new non-nil configSource`
  }
  if (!deepEqual(taints, old.spec?.taints ?? [])) return `node "${nodeName}" is not allowed to modify taints`
  // Its owner's end would be its own, and that of all that runs on it.
  if (!deepEqual(node.metadata.ownerReferences ?? [], old.metadata.ownerReferences ?? []))
    return `node "${nodeName}" is not allowed to modify ownerReferences`
  const labels = forbiddenLabels(node.metadata.labels, old.metadata.labels)
  return labels === '' ? undefined : `is not allowed to modify labels: ${labels}`
}

function forbiddenLabels(now: Labels = {}, before: Labels = {}): string {
  const changed = new Set([...Object.keys(now), ...Object.keys(before)])
  return [...changed]
    .filter((key) => now[key] !== before[key] && isForbidden(key))
    .sort()
    .join(', ')
}

function isForbidden(label: string): boolean {
  const namespace = label.includes('/') ? label.slice(0, label.indexOf('/')) : ''
  const isIn = (domain: string): boolean => namespace === domain || namespace.endsWith(`.${domain}`)
  if (isIn(RESTRICTED)) return true
  if (!isIn('kubernetes.io') && !isIn('k8s.io')) return false
  return !KUBELET_LABELS.has(label) && !KUBELET_NAMESPACES.some(isIn)
}
