/** What allocated claims have of the devices, counted claim by claim. Upstream: plugins/dynamicresources/allocateddevices.go. */
import { tryParseQuantity, type Quantity, ZERO_QUANTITY } from '#machinery/quantity/quantity.ts'
import type { DeviceUse, FrozenAllocation } from './allocator/interfaces.ts'
import { deviceId } from './allocator/interfaces.ts'

interface SharedUse {
  parts: number
  readonly consumed: Map<string, Quantity>
}

export class CountedDeviceUse implements DeviceUse {
  /** More than one only when somebody else writes allocations. */
  readonly #taken = new Map<string, number>()
  readonly #shared = new Map<string, SharedUse>()

  isTaken(id: string): boolean {
    return this.#taken.has(id)
  }

  isShared(id: string): boolean {
    return this.#shared.has(id)
  }

  consumed(id: string): ReadonlyMap<string, Quantity> {
    return this.#shared.get(id)?.consumed ?? NOTHING
  }

  add(allocation: FrozenAllocation): void {
    this.#count(allocation, 1)
  }

  /** What was added before. */
  remove(allocation: FrozenAllocation): void {
    this.#count(allocation, -1)
  }

  /** Admin access takes nothing from anybody. */
  #count(allocation: FrozenAllocation, sign: 1 | -1): void {
    for (const result of allocation.devices?.results ?? []) {
      if (result.adminAccess === true) continue
      const id = deviceId(result.driver, result.pool, result.device)
      if (result.shareID !== undefined) this.#countPart(id, result.consumedCapacity ?? {}, sign)
      else addTo(this.#taken, id, sign)
    }
  }

  #countPart(id: string, capacity: Readonly<Record<string, string>>, sign: 1 | -1): void {
    const use = this.#shared.get(id) ?? { parts: 0, consumed: new Map<string, Quantity>() }
    use.parts += sign
    for (const [name, text] of Object.entries(capacity)) {
      const amount = tryParseQuantity(text) ?? ZERO_QUANTITY
      const before = use.consumed.get(name) ?? ZERO_QUANTITY
      use.consumed.set(name, sign === 1 ? before.add(amount) : before.sub(amount))
    }
    if (use.parts <= 0) this.#shared.delete(id)
    else this.#shared.set(id, use)
  }
}

const NOTHING: ReadonlyMap<string, Quantity> = new Map()

function addTo(counts: Map<string, number>, id: string, sign: 1 | -1): void {
  const count = (counts.get(id) ?? 0) + sign
  if (count <= 0) counts.delete(id)
  else counts.set(id, count)
}
