/**
 * Device selectors with a memory: a device is one object as long as its slice does not change, so each expression is
 * evaluated once for it.
 */
import type { DeviceSelectors, FrozenDevice } from './allocator/interfaces.ts'

/** Of one device; more are users' one-off expressions. */
const ANSWERS_MAX = 64

export class RememberingSelectors implements DeviceSelectors {
  readonly #selectors: DeviceSelectors
  readonly #answers = new WeakMap<FrozenDevice, Map<string, boolean>>()

  constructor(selectors: DeviceSelectors) {
    this.#selectors = selectors
  }

  matches(expression: string, driver: string, device: FrozenDevice): boolean {
    const answers = this.#answers.get(device) ?? new Map<string, boolean>()
    const known = answers.get(expression)
    if (known !== undefined) return known
    const answer = this.#selectors.matches(expression, driver, device)
    if (answers.size >= ANSWERS_MAX) answers.clear()
    answers.set(expression, answer)
    this.#answers.set(device, answers)
    return answer
  }
}

/** While nothing can evaluate CEL: a Pod that needs it is held back in words. */
export const NO_SELECTORS: DeviceSelectors = {
  matches() {
    throw new Error('CEL compile error: device selectors are not supported')
  },
}
