/**
 * Device selectors with a memory: a device is one object as long as its slice does not change, so each expression is
 * evaluated once for it. Upstream: dynamic-resource-allocation/cel Cache.
 */
import type { DeviceSelector } from '#machinery/devices/device-selector.ts'
import { compileDeviceSelector } from '#machinery/devices/device-selector.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { Budget } from './allocator/budget.ts'
import type { DeviceSelectors, FrozenDevice } from './allocator/interfaces.ts'

/** Compiled expressions; those used last. */
const PROGRAMS_MAX = 100
/** Of one device; more are users' one-off expressions. */
const ANSWERS_MAX = 64
/** CEL's cost units in a step of the search. */
const COST_PER_STEP = 200

export class CelSelectors implements DeviceSelectors {
  readonly #programs = new Map<string, DeviceSelector | string>()
  readonly #answers = new WeakMap<FrozenDevice, Map<string, boolean>>()

  matches(expression: string, driver: string, device: FrozenDevice, budget: Budget): boolean {
    const answers = this.#answers.get(device) ?? new Map<string, boolean>()
    const known = answers.get(expression)
    if (known !== undefined) return known
    const program = this.#programOf(expression)
    if (typeof program === 'string') throw new Error(`CEL compile error: ${program}`)
    const answer = evaluate(program, driver, device, budget)
    if (answers.size >= ANSWERS_MAX) answers.clear()
    answers.set(expression, answer)
    this.#answers.set(device, answers)
    return answer
  }

  #programOf(expression: string): DeviceSelector | string {
    const program = this.#programs.get(expression) ?? compileDeviceSelector(expression)
    this.#programs.delete(expression)
    this.#programs.set(expression, program)
    const [oldest] = this.#programs.keys()
    if (this.#programs.size > PROGRAMS_MAX && oldest !== undefined) this.#programs.delete(oldest)
    return program
  }
}

/** Paid for when it is done: who cannot pay any more has the answer the next time. */
function evaluate(program: DeviceSelector, driver: string, device: FrozenDevice, budget: Budget): boolean {
  try {
    const { isMatch, cost } = program.evaluate(driver, device)
    budget.charge(Math.floor(cost / COST_PER_STEP))
    return isMatch
  } catch (err: unknown) {
    throw new Error(`CEL runtime error: ${errorMessage(err)}`, { cause: err })
  }
}
