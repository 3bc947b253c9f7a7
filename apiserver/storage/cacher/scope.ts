/** Which of a resource's keys a list or watch is about, and which objects among them. */
import type { CacheEntry } from './cache-entry.ts'
import type { Selection } from './interface.ts'

export interface Scope {
  /** Everything in scope starts with it: the resource's prefix or one namespace's. Continue tokens are relative to it. */
  readonly prefix: string
  /** The one key in scope, when it is known. */
  readonly key: string | undefined
  /** Set for one name in all namespaces. */
  readonly nameSuffix: string | undefined
  readonly index: { readonly name: string; readonly value: string } | undefined
  /** undefined = all objects in scope. */
  readonly matches: ((entry: CacheEntry) => boolean) | undefined
  /** No selector of any kind: counts are exact. */
  readonly isUnselective: boolean
}

interface ScopeRequest {
  readonly namespace: string
  readonly name?: string
  readonly selection: Selection
}

/** `resourcePrefix` ends with a slash. */
export function scopeOf(resourcePrefix: string, isNamespaced: boolean, request: ScopeRequest): Scope {
  const { namespace, name, selection } = request
  const { matches, index } = selection
  const prefix = isNamespaced && namespace !== '' ? `${resourcePrefix}${namespace}/` : resourcePrefix
  const isOneKey = name !== undefined && (!isNamespaced || namespace !== '')
  return {
    prefix,
    key: isOneKey ? prefix + name : undefined,
    nameSuffix: name !== undefined && !isOneKey ? `/${name}` : undefined,
    index,
    matches: matches === undefined ? undefined : (entry) => matches(entry.object),
    isUnselective: name === undefined && matches === undefined && index === undefined,
  }
}

export function isInScope(scope: Scope, key: string): boolean {
  if (scope.key !== undefined) return key === scope.key
  if (!key.startsWith(scope.prefix)) return false
  return scope.nameSuffix === undefined || key.endsWith(scope.nameSuffix)
}

export function isSelected(scope: Scope, entry: CacheEntry): boolean {
  return isInScope(scope, entry.key) && (scope.matches === undefined || scope.matches(entry))
}
