/** `quantity("1Gi").compareTo(quantity("1G"))`. Upstream: apiserver pkg/cel/library/quantity.go. */
import { parseQuantity, Quantity, tryParseQuantity } from '../../quantity/quantity.ts'
import { traversalOf } from '../cost.ts'
import { type CelLibrary, define, defineMember } from '../functions.ts'
import { type CelType, opaqueType } from '../types.ts'
import { CelOpaque, type CelValue, EvaluationError } from '../values.ts'

const QUANTITY_TYPE: CelType = opaqueType('kubernetes.Quantity')

export class CelQuantity extends CelOpaque {
  readonly type = QUANTITY_TYPE
  readonly quantity: Quantity

  constructor(quantity: Quantity) {
    super()
    this.quantity = quantity
  }

  equals(other: CelValue): boolean {
    return other instanceof CelQuantity && other.quantity.equals(this.quantity)
  }
}

function quantityOf(text: string): CelQuantity {
  try {
    return new CelQuantity(parseQuantity(text))
  } catch (err: unknown) {
    throw new EvaluationError((err as Error).message)
  }
}

function integerOf({ quantity }: CelQuantity): bigint {
  const value = quantity.asInteger()
  if (value === undefined) throw new EvaluationError('cannot convert value to integer')
  return value
}

const compare = (a: CelQuantity, b: CelQuantity): -1 | 0 | 1 => a.quantity.compare(b.quantity)
const ofInteger = (value: bigint): Quantity => Quantity.fromValue(value, 'DecimalExponent')

const Q = 'kubernetes.Quantity'

export const QUANTITY_LIBRARY: CelLibrary = {
  overloads: [
    define(`quantity(string): ${Q}`, quantityOf, traversalOf()),
    define('isQuantity(string): bool', (text: string) => tryParseQuantity(text) !== undefined, traversalOf()),
    define(`sign(${Q}): int`, ({ quantity }: CelQuantity) => BigInt(quantity.sign)),
    defineMember(`${Q}.isGreaterThan(${Q}): bool`, (a: CelQuantity, b: CelQuantity) => compare(a, b) > 0),
    defineMember(`${Q}.isLessThan(${Q}): bool`, (a: CelQuantity, b: CelQuantity) => compare(a, b) < 0),
    defineMember(`${Q}.compareTo(${Q}): int`, (a: CelQuantity, b: CelQuantity) => BigInt(compare(a, b))),
    defineMember(`${Q}.asApproximateFloat(): double`, ({ quantity }: CelQuantity) => quantity.approximate()),
    defineMember(`${Q}.asInteger(): int`, integerOf),
    defineMember(`${Q}.isInteger(): bool`, ({ quantity }: CelQuantity) => quantity.asInteger() !== undefined),
    defineMember(
      `${Q}.add(${Q}): ${Q}`,
      (a: CelQuantity, b: CelQuantity) => new CelQuantity(a.quantity.add(b.quantity)),
    ),
    defineMember(`${Q}.add(int): ${Q}`, (a: CelQuantity, b: bigint) => new CelQuantity(a.quantity.add(ofInteger(b)))),
    defineMember(
      `${Q}.sub(${Q}): ${Q}`,
      (a: CelQuantity, b: CelQuantity) => new CelQuantity(a.quantity.sub(b.quantity)),
    ),
    defineMember(`${Q}.sub(int): ${Q}`, (a: CelQuantity, b: bigint) => new CelQuantity(a.quantity.sub(ofInteger(b)))),
  ],
  types: [QUANTITY_TYPE],
}
