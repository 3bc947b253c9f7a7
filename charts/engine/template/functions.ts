// The functions templates may call.

import type { GoFunc } from '../gotypes/value.ts'

export type FunctionTable = ReadonlyMap<string, GoFunc>

/** Functions whose implementation gets the State as its first argument. */
const stateful = new WeakSet<GoFunc>()

export function withState(func: GoFunc): GoFunc {
  stateful.add(func)
  return func
}

export function isStateful(func: GoFunc): boolean {
  return stateful.has(func)
}
