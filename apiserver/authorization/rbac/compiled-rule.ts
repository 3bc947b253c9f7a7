/**
 * PolicyRules compiled for matching: sets instead of lists, wildcards as flags.
 * Upstream: pkg/apis/rbac/v1/evaluation_helpers.go.
 */
import type { AuthorizationAttributes, PolicyRule } from '../interfaces.ts'

const ALL = '*'
const NONE: readonly string[] = []

/** What does not change from rule to rule, computed once per decision. */
export interface RequestedAction {
  readonly attributes: AuthorizationAttributes
  /** `pods` or `pods/status`. */
  readonly combinedResource: string
  /** Of a subresource: `*` + `/status`. */
  readonly anyResource: string
}

export function requestedAction(attributes: AuthorizationAttributes): RequestedAction {
  const { resource, subresource } = attributes
  if (subresource === '') return { attributes, combinedResource: resource, anyResource: '' }
  return { attributes, combinedResource: `${resource}/${subresource}`, anyResource: `*/${subresource}` }
}

export class CompiledRule {
  readonly #verbs: StringMatcher
  readonly #apiGroups: StringMatcher
  readonly #resources: StringMatcher
  readonly #resourceNames: ReadonlySet<string> | undefined
  readonly #urls: StringMatcher
  readonly #urlPrefixes: readonly string[]

  constructor(rule: PolicyRule) {
    const { resourceNames = NONE, nonResourceURLs = NONE } = rule
    this.#verbs = new StringMatcher(rule.verbs)
    this.#apiGroups = new StringMatcher(rule.apiGroups ?? NONE)
    this.#resources = new StringMatcher(rule.resources ?? NONE)
    this.#resourceNames = resourceNames.length === 0 ? undefined : new Set(resourceNames)
    this.#urls = new StringMatcher(nonResourceURLs)
    this.#urlPrefixes = nonResourceURLs.filter((url) => url.endsWith(ALL)).map(withoutTrailingStars)
  }

  allows({ attributes, combinedResource, anyResource }: RequestedAction): boolean {
    if (!this.#verbs.has(attributes.verb)) return false
    if (!attributes.isResourceRequest) return this.#allowsPath(attributes.path)
    return (
      this.#apiGroups.has(attributes.apiGroup) &&
      (this.#resources.has(combinedResource) || (anyResource !== '' && this.#resources.has(anyResource))) &&
      (this.#resourceNames === undefined || this.#resourceNames.has(attributes.name))
    )
  }

  #allowsPath(path: string): boolean {
    return this.#urls.has(path) || this.#urlPrefixes.some((prefix) => path.startsWith(prefix))
  }
}

class StringMatcher {
  readonly #matchesAll: boolean
  readonly #values: ReadonlySet<string>

  constructor(values: readonly string[]) {
    this.#matchesAll = values.includes(ALL)
    this.#values = new Set(values)
  }

  has(value: string): boolean {
    return this.#matchesAll || this.#values.has(value)
  }
}

export function withoutTrailingStars(url: string): string {
  let end = url.length
  while (end > 0 && url.charAt(end - 1) === ALL) end--
  return url.slice(0, end)
}
