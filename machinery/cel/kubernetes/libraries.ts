/** What every CEL expression of Kubernetes 1.36 may use. Upstream: apiserver pkg/cel/environment/base.go. */
import type { CelLibrary } from '../functions.ts'
import { TWO_VARIABLE_COMPREHENSIONS } from '../library/comprehensions.ts'
import { LISTS_LIBRARY } from '../library/lists.ts'
import { OPTIONAL_LIBRARY } from '../library/optional.ts'
import { SETS_LIBRARY } from '../library/sets.ts'
import { STANDARD_LIBRARY } from '../library/standard.ts'
import { STRINGS_LIBRARY } from '../library/strings-ext.ts'

export const KUBERNETES_LIBRARIES: readonly CelLibrary[] = [
  STANDARD_LIBRARY,
  OPTIONAL_LIBRARY,
  STRINGS_LIBRARY,
  SETS_LIBRARY,
  LISTS_LIBRARY,
  TWO_VARIABLE_COMPREHENSIONS,
]
