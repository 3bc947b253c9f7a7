/** What every CEL expression of Kubernetes 1.36 may use. Upstream: apiserver pkg/cel/environment/base.go. */
import { CelEnvironment } from '../environment.ts'
import type { CelLibrary } from '../functions.ts'
import { TWO_VARIABLE_COMPREHENSIONS } from '../library/comprehensions.ts'
import { LISTS_LIBRARY } from '../library/lists.ts'
import { OPTIONAL_LIBRARY } from '../library/optional.ts'
import { SETS_LIBRARY } from '../library/sets.ts'
import { STANDARD_LIBRARY } from '../library/standard.ts'
import { STRINGS_LIBRARY } from '../library/strings-ext.ts'
import type { CelType } from '../types.ts'
import { FORMAT_LIBRARY } from './format.ts'
import { LIST_AGGREGATES } from './lists.ts'
import { literalIssues } from './literals.ts'
import { NETWORK_LIBRARY } from './network.ts'
import { QUANTITY_LIBRARY } from './quantity.ts'
import { REGEX_LIBRARY } from './regex.ts'
import { SEMVER_LIBRARY } from './semver.ts'
import { URL_LIBRARY } from './url.ts'

const KUBERNETES_LIBRARIES: readonly CelLibrary[] = [
  STANDARD_LIBRARY,
  OPTIONAL_LIBRARY,
  STRINGS_LIBRARY,
  SETS_LIBRARY,
  LISTS_LIBRARY,
  TWO_VARIABLE_COMPREHENSIONS,
  LIST_AGGREGATES,
  REGEX_LIBRARY,
  URL_LIBRARY,
  QUANTITY_LIBRARY,
  NETWORK_LIBRARY,
  FORMAT_LIBRARY,
  SEMVER_LIBRARY,
]

/** Cost limit of one evaluation: about a tenth of a second upstream. */
export const PER_CALL_LIMIT = 1_000_000

export interface KubernetesEnvironmentOptions {
  /** Name → type, or the type's text. */
  readonly variables: Readonly<Record<string, CelType | string>>
  /** Libraries besides Kubernetes' own. */
  readonly libraries?: readonly CelLibrary[]
}

export function createKubernetesEnvironment(options: KubernetesEnvironmentOptions): CelEnvironment {
  return new CelEnvironment({
    variables: options.variables,
    libraries: [...KUBERNETES_LIBRARIES, ...(options.libraries ?? [])],
    validate: literalIssues,
  })
}
