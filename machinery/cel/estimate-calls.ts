/** The most a call can cost, and how large its result can be. Upstream: functionCost of cel-go checker/cost.go, cost.go. */
import type { CallExpr, Expr } from './ast.ts'
import { LIST_COST } from './cost.ts'
import type { Overload } from './functions.ts'
import type { CelType } from './types.ts'

/** What is not bounded. Sums and products stop here. */
export const UNBOUNDED_COST: number = 2 ** 64

export const bounded = (value: number): number => Math.min(value, UNBOUNDED_COST)

/** Of what a list or map holds. */
export interface EntrySizes {
  readonly isList: boolean
  readonly key: number
  readonly value: number
}

/** What the estimate of a call looks at. */
export interface Argument {
  readonly expr: Expr
  readonly type: CelType
  readonly size: number
  readonly entries: EntrySizes | undefined
  readonly cost: number
}

interface CallEstimate {
  readonly cost: number
  readonly size?: number | undefined
}

/** Without the arguments' own cost. */
type Estimate = (args: readonly Argument[], overload: Overload) => CallEstimate

const ONE: CallEstimate = { cost: 1 }
const sizeAt = (args: readonly Argument[], index: number): number => args[index]?.size ?? UNBOUNDED_COST
const walk = (size: number, times = 1): number => bounded(Math.ceil(size * times * 0.1))
const pattern = (size: number): number => Math.ceil(size * 0.25)
const isText = (type: CelType | undefined): boolean => type?.name === 'string' || type?.name === 'bytes'
const isList = (type: CelType | undefined): boolean => type?.kind === 'list'

const walked =
  (index = 0, times = 1): Estimate =>
  (args) => ({ cost: walk(sizeAt(args, index), times) })

/** Walking over the first, which the result is not larger than. */
const transformed: Estimate = (args) => ({ cost: walk(sizeAt(args, 0)), size: sizeAt(args, 0) })

const compared: Estimate = (args, { parameters }) => {
  if (!isText(parameters[0]) && parameters[0]?.kind !== 'parameter') return ONE
  return args[0]?.type.kind === 'opaque' ? ONE : { cost: walk(Math.min(sizeAt(args, 0), sizeAt(args, 1))) }
}

const added: Estimate = (args, { parameters }) => {
  const size = bounded(sizeAt(args, 0) + sizeAt(args, 1))
  if (isList(parameters[0])) return { cost: 1, size }
  return isText(parameters[0]) ? { cost: walk(size), size } : ONE
}

const aggregated: Estimate = (args) => {
  const size = sizeAt(args, 0)
  if (!isList(args[0]?.type)) return { cost: walk(size) }
  const item = args[0]?.type.parameters[0]
  const itemSize = args[0]?.entries?.value ?? UNBOUNDED_COST
  return { cost: bounded(size * (isText(item) ? bounded(1 + walk(itemSize)) : 1)) }
}

const replaced: Estimate = (args) => {
  const [size, replacement] = [sizeAt(args, 0), sizeAt(args, 2)]
  const old = args[1]?.expr
  const oldMin = old?.kind === 'literal' ? sizeAt(args, 1) : 0
  const cost = walk(size, 2)
  if (oldMin === 0) return { cost, size: bounded((size + 1) * replacement + size) }
  return { cost, size: replacement <= oldMin ? size : bounded(Math.ceil(size / oldMin) * replacement) }
}

const joined: Estimate = (args) => {
  const count = sizeAt(args, 0)
  const items = bounded(count * (args[0]?.entries?.value ?? UNBOUNDED_COST))
  const separators = args.length > 1 ? Math.max(0, count - 1) * sizeAt(args, 1) : 0
  const size = bounded(items + separators)
  return { cost: walk(size), size }
}

const matched: Estimate = (args) => ({
  cost: bounded(walk(bounded(sizeAt(args, 0) + 1)) * pattern(sizeAt(args, 1))),
  size: sizeAt(args, 0),
})

const within: Estimate = (args, { parameters }) => (isList(parameters[1]) ? { cost: sizeAt(args, 1) } : ONE)

/** A list that is made, each element for `factor`. */
const made = (size: number, factor = 1): CallEstimate => ({ cost: bounded(size * factor + 1 + LIST_COST), size })

const compareAll =
  (index: number): Estimate =>
  (args) => {
    const size = sizeAt(args, index)
    const factor = isText(args[index]?.type.parameters[0]) ? 2.1 : 2
    return { ...made(bounded(size * size), factor), size }
  }

const literalAt = (args: readonly Argument[], index: number, otherwise: number): number => {
  const expr = args[index]?.expr
  return expr?.kind === 'literal' && typeof expr.value === 'bigint' ? Math.max(0, Number(expr.value)) : otherwise
}

const setsOf =
  (times: number): Estimate =>
  (args) => ({ cost: bounded(sizeAt(args, 0) * sizeAt(args, 1) * times + 1) })

const ADDRESS_BYTES_MAX = 16
const NAMED_PATTERN_MAX = 128

/** Comparing two addresses, one of which may have to be read first. */
const contained =
  (more: number): Estimate =>
  (args) => {
    const read = args[1]?.type.name === 'string' ? walk(sizeAt(args, 1)) : 0
    return { cost: bounded(walk(ADDRESS_BYTES_MAX, 2) + more + read) }
  }

const ESTIMATES: ReadonlyMap<string, Estimate> = new Map<string, Estimate>([
  ['_+_', added],
  ...['_<_', '_<=_', '_>_', '_>=_', '_==_', '_!=_'].map((name) => [name, compared] as const),
  ['@in', within],
  ['contains', (args) => ({ cost: bounded(walk(sizeAt(args, 0)) * walk(sizeAt(args, 1))) })],
  ['startsWith', walked(1)],
  ['endsWith', walked(1)],
  ['matches', (args, overload) => (overload.isMember ? matched(args, overload) : ONE)],
  ['find', matched],
  ['findAll', matched],
  ['bytes', (args) => ({ cost: walk(sizeAt(args, 0)), size: bounded(sizeAt(args, 0) * 4) })],
  [
    'string',
    (args, { parameters: [from] }) =>
      from?.name === 'bytes' ? { cost: walk(sizeAt(args, 0)), size: sizeAt(args, 0) } : ONE,
  ],
  ['strings.quote', (args) => ({ cost: walk(sizeAt(args, 0)), size: bounded(sizeAt(args, 0) * 2 + 2) })],
  ['format', walked()],
  ...['lowerAscii', 'upperAscii', 'substring', 'trim', 'url'].map((name) => [name, transformed] as const),
  ...['isSorted', 'sum', 'max', 'min', 'indexOf', 'lastIndexOf'].map((name) => [name, aggregated] as const),
  ['replace', replaced],
  ['split', (args) => ({ cost: walk(sizeAt(args, 0), 2), size: sizeAt(args, 0) })],
  ['join', joined],
  ...['cidr', 'isIP', 'isCIDR', 'quantity', 'isQuantity', 'semver', 'isSemver'].map(
    (name) => [name, walked()] as const,
  ),
  ['ip', (args, overload) => (overload.isMember ? ONE : walked()(args, overload))],
  ['ip.isCanonical', walked(0, 2)],
  ['containsIP', contained(0)],
  ['containsCIDR', contained(walk(ADDRESS_BYTES_MAX) + 1)],
  ['validate', (args) => ({ cost: bounded(walk(sizeAt(args, 1)) * pattern(NAMED_PATTERN_MAX)) })],
  ['slice', (args) => made(Math.max(0, literalAt(args, 2, sizeAt(args, 0)) - literalAt(args, 1, 0)))],
  ['flatten', (args) => made(sizeAt(args, 0), args.length > 1 ? literalAt(args, 1, UNBOUNDED_COST) : 1)],
  ['lists.range', (args) => made(literalAt(args, 0, UNBOUNDED_COST))],
  ['reverse', (args) => made(sizeAt(args, 0))],
  ['distinct', compareAll(0)],
  ['sort', compareAll(0)],
  ['@sortByAssociatedKeys', compareAll(1)],
  ['sets.contains', setsOf(1)],
  ['sets.intersects', setsOf(1)],
  ['sets.equivalent', setsOf(2)],
])

export function callEstimate(
  { name, target }: CallExpr,
  overloads: readonly Overload[],
  args: readonly Argument[],
): CallEstimate {
  const spent = bounded(args.reduce((sum, arg) => sum + arg.cost, 0))
  if (name === '_&&_' || name === '_||_') return { cost: spent }
  const [condition, then, otherwise] = args
  if (name === '_?_:_') {
    const branches = Math.max(then?.cost ?? 0, otherwise?.cost ?? 0)
    return { cost: bounded((condition?.cost ?? 0) + branches), size: Math.max(sizeAt(args, 1), sizeAt(args, 2)) }
  }
  // A namespaced function is a member of its namespace as it is written.
  const qualified = overloads[0]?.name ?? name
  const estimate = ESTIMATES.get(target === undefined ? name : qualified) ?? (() => ONE)
  let [cost, size]: [number, number | undefined] = [0, undefined]
  for (const overload of overloads) {
    const one = estimate(args, overload)
    cost = Math.max(cost, one.cost)
    if (one.size !== undefined) size = Math.max(size ?? 0, one.size)
  }
  return { cost: bounded((overloads.length === 0 ? 1 : cost) + spent), size }
}
