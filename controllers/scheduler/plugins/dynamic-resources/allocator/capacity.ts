/**
 * Consumable capacity: what a request takes of a device, by the device's policy, and whether that is left.
 * Upstream: dynamic-resource-allocation/structured/internal/…/consumable_capacity.go.
 */
import type {
  CapacityRequestPolicy,
  CapacityRequirements,
  DeviceCapacity,
} from '#machinery/api/resource/v1/types.gen.ts'
import { parseQuantity, Quantity } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenDevice } from './interfaces.ts'

type Capacity = DeepReadonly<DeviceCapacity>
type Policy = DeepReadonly<CapacityRequestPolicy>
type Requirements = DeepReadonly<CapacityRequirements> | undefined

export type Amounts = ReadonlyMap<string, Quantity>

/**
 * What the request takes of each capacity of the device. Undefined: the device lacks what is asked for, its policy forbids
 * it, or `used` leaves too little.
 */
export function consumedCapacity(
  device: FrozenDevice,
  wanted: Requirements,
  used: readonly Amounts[],
): Amounts | undefined {
  const capacities = device.capacity ?? {}
  const requests = wanted?.requests ?? {}
  // The whole device, whatever is in it.
  if (wanted === undefined && device.allowMultipleAllocations !== true) return ALL_OF_IT
  if (Object.keys(requests).some((name) => capacities[name] === undefined)) return undefined
  const amounts = new Map<string, Quantity>()
  for (const [name, capacity] of Object.entries(capacities)) {
    const amount = amountOf(requests[name], capacity)
    if (isForbidden(amount, capacity.requestPolicy)) return undefined
    let total = amount
    for (const other of used) total = total.add(other.get(name) ?? NOTHING)
    if (total.compare(parseQuantity(capacity.value)) > 0) return undefined
    amounts.set(name, amount)
  }
  return amounts
}

const NOTHING = Quantity.fromValue(0)
const ALL_OF_IT: Amounts = new Map()

/** Nothing asked for is the default, or all of it. */
function amountOf(requested: string | undefined, { value, requestPolicy }: Capacity): Quantity {
  if (requested === undefined) return parseQuantity(requestPolicy?.default ?? value)
  const amount = parseQuantity(requested)
  const { validRange, validValues } = requestPolicy ?? {}
  if (validRange?.min !== undefined) return roundUpToStep(amount, parseQuantity(validRange.min), validRange.step)
  if (validValues === undefined) return amount
  return validValues.map((text) => parseQuantity(text)).find((valid) => amount.compare(valid) <= 0) ?? amount
}

/** Whole units, as upstream counts steps. */
function roundUpToStep(amount: Quantity, min: Quantity, step: string | undefined): Quantity {
  if (amount.compare(min) < 0) return min
  if (step === undefined) return amount
  const size = parseQuantity(step).value()
  const steps = Math.ceil((amount.value() - min.value()) / size)
  return Quantity.fromValue(min.value() + steps * size, /i$/.test(step) ? 'BinarySI' : 'DecimalSI')
}

function isForbidden(amount: Quantity, policy: Policy | undefined): boolean {
  if (policy === undefined) return false
  const { default: usual, validRange, validValues = [] } = policy
  if (usual !== undefined && amount.equals(parseQuantity(usual))) return false
  if (validRange !== undefined) {
    const { min = '0', max, step } = validRange
    if (max !== undefined && amount.compare(parseQuantity(max)) > 0) return true
    return step !== undefined && (amount.value() - parseQuantity(min).value()) % parseQuantity(step).value() !== 0
  }
  return validValues.length > 0 && !validValues.some((text) => amount.equals(parseQuantity(text)))
}
