/**
 * Whether a node takes a Pod in, and what the Pods it has taken in use of it. A kubelet looks again after the scheduler: others
 * may bind as well. Upstream: pkg/kubelet/lifecycle/predicate.go.
 */
import type { Node, Pod, Taint } from '#machinery/api/core/v1/types.gen.ts'
import type { Quantity } from '#machinery/quantity/quantity.ts'
import { tryParseQuantity, ZERO_QUANTITY } from '#machinery/quantity/quantity.ts'
import type { Amounts } from '#machinery/quota/pod-resources.ts'
import { podRequests } from '#machinery/quota/pod-resources.ts'
import { requiredNodeMatcher } from '#machinery/scheduling/node-affinity.ts'
import { findUntoleratedTaint } from '#machinery/scheduling/tolerations.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { PodFailure } from './pod-run.ts'

type FrozenPod = DeepReadonly<Pod>
type FrozenNode = DeepReadonly<Node>

export class NodeUsage {
  readonly #byPod = new Map<string, Amounts>()
  readonly #ports = new Map<string, string>()
  readonly #used = new Map<string, Quantity>()

  /** Why the node does not take the Pod in; undefined: it does. */
  refusal(pod: FrozenPod, node: FrozenNode): PodFailure | undefined {
    const { os, nodeName } = pod.spec
    if (os !== undefined && os.name !== 'linux')
      return { reason: 'PodOSNotSupported', message: "Failed to admit pod as the OS field doesn't match node OS" }
    const short = this.#shortage(pod, node)
    if (short !== undefined) return short
    if (nodeName !== node.metadata.name) return predicate('NodeName', "node(s) didn't match the requested node name")
    if (!requiredNodeMatcher(pod).matches(node))
      return predicate('NodeAffinity', "node(s) didn't match Pod's node affinity/selector")
    if (hostPorts(pod).some((port) => this.#ports.has(port)))
      return predicate('NodePorts', "node(s) didn't have free ports for the requested pod ports")
    // The API server refuses tolerations that compare numbers while their feature gate is off.
    const isNoExecute = ({ effect }: DeepReadonly<Taint>): boolean => effect === 'NoExecute'
    const evicts = findUntoleratedTaint(node.spec?.taints, pod.spec.tolerations, isNoExecute, true)
    if (evicts !== undefined) return predicate('TaintToleration', "node(s) had taints that the pod didn't tolerate")
    return undefined
  }

  add(pod: FrozenPod): void {
    const uid = pod.metadata.uid ?? ''
    if (this.#byPod.has(uid)) return
    const amounts = podRequests(pod)
    this.#byPod.set(uid, amounts)
    for (const [name, amount] of amounts) this.#used.set(name, (this.#used.get(name) ?? ZERO_QUANTITY).add(amount))
    for (const port of hostPorts(pod)) this.#ports.set(port, uid)
  }

  remove(uid: string): void {
    const amounts = this.#byPod.get(uid)
    if (amounts === undefined) return
    this.#byPod.delete(uid)
    for (const [name, amount] of amounts) this.#used.set(name, (this.#used.get(name) ?? ZERO_QUANTITY).sub(amount))
    for (const [port, owner] of this.#ports) if (owner === uid) this.#ports.delete(port)
  }

  #shortage(pod: FrozenPod, { status }: FrozenNode): PodFailure | undefined {
    const allocatable = status?.allocatable ?? {}
    const podsMax = Number(allocatable['pods'] ?? Number.POSITIVE_INFINITY)
    if (this.#byPod.size + 1 > podsMax) return shortage('pods', 1, this.#byPod.size, podsMax)
    for (const [name, requested] of podRequests(pod)) {
      if (requested.isZero) continue
      const text = allocatable[name]
      // Cluster-level resources are unknown to nodes.
      if (text === undefined && name.includes('/')) continue
      const capacity = tryParseQuantity(text ?? '0') ?? ZERO_QUANTITY
      const used = this.#used.get(name) ?? ZERO_QUANTITY
      if (used.add(requested).compare(capacity) <= 0) continue
      const count = (amount: Quantity): number => Number(name === 'cpu' ? amount.milliValue() : amount.value())
      return shortage(name, count(requested), count(used), count(capacity))
    }
    return undefined
  }
}

function shortage(name: string, requested: number, used: number, capacity: number): PodFailure {
  const numbers = `requested: ${requested}, used: ${used}, capacity: ${capacity}`
  return { reason: `OutOf${name}`, message: `Node didn't have enough resource: ${name}, ${numbers}` }
}

const predicate = (name: string, why: string): PodFailure => ({
  reason: name,
  message: `Predicate ${name} failed: ${why}`,
})

function hostPorts({ spec }: FrozenPod): string[] {
  return spec.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort = 0, hostIP = '', protocol = 'TCP' }) =>
      hostPort === 0 ? [] : [`${hostIP === '0.0.0.0' ? '' : hostIP}/${protocol}/${hostPort}`],
    ),
  )
}
