/** Lists that grow at their end without being copied, which is what folds do all the time. */
import { ArrayList, CelList, type CelValue } from './values.ts'

/**
 * The first `size` values of an array that later lists may have grown. Only the list that ends where the array ends grows
 * it; any other copies. So no list ever sees a change.
 */
class GrownList extends CelList {
  readonly #values: CelValue[]
  readonly size: number

  constructor(values: CelValue[]) {
    super()
    this.#values = values
    this.size = values.length
  }

  at(index: number): CelValue | undefined {
    return index < this.size ? this.#values[index] : undefined
  }

  override plus(more: CelList): CelList {
    const values = this.#values.length === this.size ? this.#values : this.#values.slice(0, this.size)
    for (const value of more) values.push(value)
    return new GrownList(values)
  }
}

export function concatenate(a: CelList, b: CelList): CelList {
  if (a.plus !== undefined) return a.plus(b)
  if (b.size === 0) return a
  if (a.size === 0) return b instanceof ArrayList || b instanceof GrownList ? new GrownList([...b]) : b
  return new GrownList([...a, ...b])
}
