// sprig's reflection functions. Upstream: sprig v3.3.0 reflect.go.

import { deepEqual } from '../gotypes/equal.ts'
import { kindOf, typeOf } from '../gotypes/kind.ts'
import { defineFunc, type GoFunc, type GoValue } from '../gotypes/value.ts'

export const TYPE_FUNCTIONS: readonly GoFunc[] = [
  defineFunc('kindOf', 'any', 'string', kindOf),
  defineFunc('kindIs', 'string, any', 'bool', (target: string, value: GoValue) => kindOf(value) === target),
  defineFunc('typeOf', 'any', 'string', typeOf),
  defineFunc('typeIs', 'string, any', 'bool', (target: string, value: GoValue) => typeOf(value) === target),
  defineFunc('typeIsLike', 'string, any', 'bool', (target: string, value: GoValue) => {
    const type = typeOf(value)
    return type === target || type === `*${target}`
  }),
  defineFunc('deepEqual', 'any, any', 'bool', deepEqual),
]
