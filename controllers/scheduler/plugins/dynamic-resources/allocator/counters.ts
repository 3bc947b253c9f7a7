/**
 * Shared counters of partitionable devices: what is left of a pool's counter sets after all devices that are allocated.
 * Upstream: dynamic-resource-allocation/structured checkAvailableCounters.
 */
import { parseQuantity, type Quantity } from '#machinery/quantity/quantity.ts'
import type { Candidate, DeviceUse, FrozenDevice, Pool } from './interfaces.ts'
import { deviceId } from './interfaces.ts'

/** `set/counter` -> amount. */
type Amounts = Map<string, Quantity>

/** One search's view: devices are taken and given back as it goes. */
export class Counters {
  readonly #use: DeviceUse
  readonly #left = new Map<Pool, Amounts>()

  constructor(use: DeviceUse) {
    this.#use = use
  }

  /** False: not enough is left; nothing has changed. */
  take({ device, pool }: Candidate): boolean {
    const left = this.#leftIn(pool)
    for (const [name, amount] of consumptionOf(device)) {
      const available = left.get(name)
      if (available === undefined || available.compare(amount) < 0) return false
    }
    subtract(left, device)
    return true
  }

  giveBack({ device, pool }: Candidate): void {
    const left = this.#leftIn(pool)
    for (const [name, amount] of consumptionOf(device)) {
      const available = left.get(name)
      if (available !== undefined) left.set(name, available.add(amount))
    }
  }

  #leftIn(pool: Pool): Amounts {
    const known = this.#left.get(pool)
    if (known !== undefined) return known
    const left: Amounts = new Map()
    for (const { name, counters = {} } of pool.counterSets.values())
      for (const [counter, { value }] of Object.entries(counters)) left.set(`${name}/${counter}`, parseQuantity(value))
    for (const { spec } of [...pool.slices, ...pool.otherSlices]) {
      for (const device of spec.devices ?? []) {
        if (device.consumesCounters === undefined) continue
        const id = deviceId(spec.driver, spec.pool.name, device.name)
        if (this.#use.isTaken(id) || this.#use.isShared(id)) subtract(left, device)
      }
    }
    this.#left.set(pool, left)
    return left
  }
}

/** May fall below zero, when the driver has made its counters smaller: then nothing is left. */
function subtract(left: Amounts, device: FrozenDevice): void {
  for (const [name, amount] of consumptionOf(device)) {
    const available = left.get(name)
    if (available !== undefined) left.set(name, available.sub(amount))
  }
}

/** A counter once, however often the device names its set. */
function consumptionOf({ consumesCounters = [] }: FrozenDevice): Amounts {
  const amounts: Amounts = new Map()
  for (const { counterSet, counters = {} } of consumesCounters) {
    for (const [counter, { value }] of Object.entries(counters)) {
      const name = `${counterSet}/${counter}`
      const amount = parseQuantity(value)
      amounts.set(name, amounts.get(name)?.add(amount) ?? amount)
    }
  }
  return amounts
}
