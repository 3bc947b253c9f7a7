/**
 * Finds members that occur twice in an object of raw JSON text, which JSON.parse hides. Runs once over the text and
 * allocates one small list per object. The text must be valid JSON.
 * Upstream: sigs.k8s.io/json strict decoding.
 */

const QUOTE = 34
const COMMA = 44
const COLON = 58
const OPEN_BRACKET = 91
const BACKSLASH = 92
const CLOSE_BRACKET = 93
const OPEN_BRACE = 123
const CLOSE_BRACE = 125

/** Upstream stops counting here as well. */
const MAX_REPORTED = 100
const LINEAR_SEARCH_LIMIT = 16

/** Paths such as `spec.containers[0].image`, in order of their second occurrence; each path once. */
export function duplicateFields(jsonText: string): string[] {
  return fieldsInOrder(jsonText, NO_FIELDS)
}

/** Those, and where `fields` occur first, in the order of the text. What is there twice and one of these is found once. */
export function fieldsInOrder(jsonText: string, fields: ReadonlySet<string>): string[] {
  const scanner = new Scanner(jsonText, fields)
  scanner.value()
  return [...new Set(scanner.found)]
}

const NO_FIELDS: ReadonlySet<string> = new Set()

class Scanner {
  readonly found: string[] = []
  readonly #text: string
  readonly #path: (string | number)[] = []
  readonly #fields: ReadonlySet<string>
  #at = 0

  constructor(text: string, fields: ReadonlySet<string>) {
    this.#text = text
    this.#fields = fields
  }

  value(): void {
    this.#skipSpace()
    const code = this.#text.charCodeAt(this.#at)
    if (code === OPEN_BRACE) this.#object()
    else if (code === OPEN_BRACKET) this.#array()
    else if (code === QUOTE) this.#skipString()
    else this.#skipLiteral()
  }

  #object(): void {
    this.#at++
    const keys: string[] = []
    let index: Set<string> | undefined
    const depth = this.#path.length
    this.#path.push('')
    for (;;) {
      this.#skipSpace()
      const code = this.#text.charCodeAt(this.#at)
      if (code !== QUOTE) {
        if (code === COMMA) {
          this.#at++
          continue
        }
        this.#at++
        break
      }
      const key = this.#key()
      this.#path[depth] = key
      const isKnown = index === undefined ? keys.includes(key) : index.has(key)
      if (isKnown) {
        this.#report()
      } else {
        if (this.#fields.size > 0) this.#reportNamed()
        if (index !== undefined) index.add(key)
        else if (keys.push(key) > LINEAR_SEARCH_LIMIT) index = new Set(keys)
      }
      this.#skipSpace()
      if (this.#text.charCodeAt(this.#at) === COLON) this.#at++
      this.value()
    }
    this.#path.length = depth
  }

  #array(): void {
    this.#at++
    const depth = this.#path.length
    let element = 0
    for (;;) {
      this.#skipSpace()
      const code = this.#text.charCodeAt(this.#at)
      if (code === COMMA) {
        this.#at++
        element++
        continue
      }
      if (code === CLOSE_BRACKET || Number.isNaN(code)) {
        this.#at++
        break
      }
      this.#path[depth] = element
      this.value()
    }
    this.#path.length = depth
  }

  #report(): void {
    if (this.found.length < MAX_REPORTED) this.found.push(this.#pathText())
  }

  #reportNamed(): void {
    const path = this.#pathText()
    if (this.#fields.has(path)) this.found.push(path)
  }

  #pathText(): string {
    let path = ''
    for (const step of this.#path) {
      if (typeof step === 'number') path += `[${step}]`
      else path += path === '' ? step : `.${step}`
    }
    return path
  }

  #key(): string {
    const start = this.#at
    const hasEscape = this.#skipString()
    const raw = this.#text.slice(start + 1, this.#at - 1)
    return hasEscape ? (JSON.parse(`"${raw}"`) as string) : raw
  }

  /** Steps over a string; true when it holds an escape. */
  #skipString(): boolean {
    const text = this.#text
    let hasEscape = false
    let at = this.#at + 1
    while (at < text.length) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) break
      if (code === BACKSLASH) {
        hasEscape = true
        at++
      }
      at++
    }
    this.#at = at + 1
    return hasEscape
  }

  #skipLiteral(): void {
    const text = this.#text
    const start = this.#at
    while (this.#at < text.length) {
      const code = text.charCodeAt(this.#at)
      if (code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET || code <= 32) break
      this.#at++
    }
    // Not JSON: step on, so that the scan always ends.
    if (this.#at === start) this.#at++
  }

  #skipSpace(): void {
    while (this.#text.charCodeAt(this.#at) <= 32) this.#at++
  }
}
