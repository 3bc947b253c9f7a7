/** The query string as Go's url.Values reads it, without URLSearchParams' cost: most requests have none. */

import type { Query } from './interfaces.ts'

const NONE: readonly string[] = []

const EMPTY: Query = { get: () => '', has: () => false, all: () => NONE }

export function parseQuery(query: string): Query {
  return query === '' ? EMPTY : new ParsedQuery(query)
}

class ParsedQuery implements Query {
  readonly #values = new Map<string, string[]>()

  constructor(query: string) {
    let start = 0
    while (start <= query.length) {
      const ampersand = query.indexOf('&', start)
      const end = ampersand === -1 ? query.length : ampersand
      if (end > start) this.#add(query.slice(start, end))
      start = end + 1
    }
  }

  get(name: string): string {
    return this.#values.get(name)?.[0] ?? ''
  }

  has(name: string): boolean {
    return this.#values.has(name)
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? NONE
  }

  #add(pair: string): void {
    const equals = pair.indexOf('=')
    const name = unescapeText(equals === -1 ? pair : pair.slice(0, equals))
    const value = equals === -1 ? '' : unescapeText(pair.slice(equals + 1))
    if (name === undefined || value === undefined) return // As Go: a malformed pair is left out.
    const values = this.#values.get(name)
    if (values === undefined) this.#values.set(name, [value])
    else values.push(value)
  }
}

function unescapeText(text: string): string | undefined {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    return undefined
  }
}
