/** One simulated node: whether it lives, its addresses, the Pods it has taken in and what they use of it. No requests here. */
import type { Lease } from '#machinery/api/coordination/v1/types.gen.ts'
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { SimulatedNodeSpec } from './interfaces.ts'
import { ANNOTATION_PREFIX } from './interfaces.ts'
import type { NodeUsage } from './node-usage.ts'
import { AddressRange } from './pod-addresses.ts'
import { newest } from './versions.ts'

export class SimulatedNode {
  readonly spec: SimulatedNodeSpec
  readonly address: string
  readonly usage: NodeUsage
  #object: DeepReadonly<Node> | undefined
  /** UID of the Node object that was deleted last. */
  #lostUid: string | undefined
  lease: DeepReadonly<Lease> | undefined
  /** UIDs of the Pods bound to it. */
  readonly pods = new Set<string>()
  readonly #sharedRange: AddressRange
  #range: { readonly cidr: string; readonly addresses: AddressRange } | undefined

  constructor(spec: SimulatedNodeSpec, address: string, sharedRange: AddressRange, usage: NodeUsage) {
    this.spec = spec
    this.address = address
    this.usage = usage
    this.#sharedRange = sharedRange
  }

  get name(): string {
    return this.spec.name
  }

  /** As last read or written; undefined: not registered, or deleted. */
  get object(): DeepReadonly<Node> | undefined {
    return this.#object
  }

  /** An answer that was on its way when the node was deleted does not bring it back. */
  learn(object: DeepReadonly<Node>): void {
    if (object.metadata.uid !== this.#lostUid) this.#object = newest(this.#object, object)
  }

  lose(uid: string | undefined): void {
    this.#lostUid = uid
    this.#object = undefined
    this.lease = undefined
  }

  /** A dead node renews no lease, reports nothing, and what runs on it does not change. */
  get isAlive(): boolean {
    return (
      this.object !== undefined && this.object.metadata.annotations?.[`${ANNOTATION_PREFIX}heartbeat`] !== 'stopped'
    )
  }

  /** From the node's Pod network when it has one. Undefined when that is full. */
  takeAddress(pod: DeepReadonly<Pod>): string | undefined {
    if (pod.spec.hostNetwork === true) return this.address
    return this.#addresses().take()
  }

  reserveAddress(address: string): void {
    if (address !== this.address && !this.#addresses().reserve(address)) this.#sharedRange.reserve(address)
  }

  releaseAddress(address: string): void {
    if (address === this.address) return
    this.#range?.addresses.release(address)
    this.#sharedRange.release(address)
  }

  #addresses(): AddressRange {
    const cidr = this.object?.spec?.podCIDR
    if (cidr !== undefined && cidr !== '' && this.#range?.cidr !== cidr) {
      const addresses = AddressRange.parse(cidr)
      if (addresses !== undefined) this.#range = { cidr, addresses }
    }
    return this.#range?.addresses ?? this.#sharedRange
  }
}
