// strconv.Quote and strconv.Unquote.

const SIMPLE: Record<string, string> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
}

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]$/u
const FAST = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

export function quote(text: string, asciiOnly = false): string {
  return quoteWith(text, '"', asciiOnly)
}

export function quoteRune(code: number, asciiOnly = false): string {
  const valid = code >= 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
  return quoteWith(valid ? String.fromCodePoint(code) : '\ufffd', "'", asciiOnly)
}

function quoteWith(text: string, delimiter: string, asciiOnly: boolean): string {
  if (delimiter === '"' && FAST.test(text)) return `"${text}"`
  let out = delimiter
  for (const char of text) out += escapeRune(char, delimiter, asciiOnly)
  return out + delimiter
}

function escapeRune(char: string, delimiter: string, asciiOnly: boolean): string {
  if (char === delimiter) return `\\${char}`
  const simple = Object.hasOwn(SIMPLE, char) ? SIMPLE[char] : undefined
  if (simple !== undefined) return simple
  const code = char.codePointAt(0) ?? 0
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${hex(code - 0xdc00, 2)}`
  if (code >= 0x20 && code < 0x7f) return char
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`
  if (!asciiOnly && isPrint(char)) return char
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`
}

/** unicode.IsPrint for a character above ASCII. */
export function isPrint(char: string): boolean {
  return PRINTABLE.test(char)
}

function hex(value: number, width: number): string {
  return value.toString(16).padStart(width, '0')
}

const ESCAPES: Record<string, string> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
}

/** strconv.Unquote for "…", `…` and '…'; undefined when the text is not a valid Go literal. */
export function unquote(text: string): string | undefined {
  if (text.length < 2) return undefined
  const delimiter = text[0] as string
  if (text[text.length - 1] !== delimiter) return undefined
  const body = text.slice(1, -1)
  if (delimiter === '`') return body.includes('`') ? undefined : body.replaceAll('\r', '')
  if (delimiter !== '"' && delimiter !== "'") return undefined
  if (body.includes('\n')) return undefined
  if (!body.includes('\\')) return body.includes(delimiter) ? undefined : body
  return unescapeBody(body, delimiter)
}

function unescapeBody(body: string, delimiter: string): string | undefined {
  let out = ''
  let i = 0
  while (i < body.length) {
    const char = body[i] as string
    if (char === delimiter) return undefined
    if (char !== '\\') {
      out += char
      i++
      continue
    }
    const step = readEscape(body, i + 1, delimiter)
    if (step === undefined) return undefined
    out += step.text
    i = step.next
  }
  return mergeBytes(out)
}

function readEscape(body: string, i: number, delimiter: string): { text: string; next: number } | undefined {
  const kind = body[i]
  if (kind === undefined) return undefined
  const simple = Object.hasOwn(ESCAPES, kind) ? ESCAPES[kind] : undefined
  if (simple !== undefined) return { text: simple, next: i + 1 }
  if (kind === delimiter) return { text: kind, next: i + 1 }
  const width = kind === 'x' ? 2 : kind === 'u' ? 4 : kind === 'U' ? 8 : 0
  if (width > 0) {
    const digits = body.slice(i + 1, i + 1 + width)
    if (digits.length !== width || !/^[0-9a-fA-F]+$/.test(digits)) return undefined
    const code = Number.parseInt(digits, 16)
    if (kind === 'x')
      return { text: code < 0x80 ? String.fromCharCode(code) : String.fromCharCode(0xdc00 + code), next: i + 3 }
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined
    return { text: String.fromCodePoint(code), next: i + 1 + width }
  }
  const octal = body.slice(i, i + 3)
  if (!/^[0-7]{3}$/.test(octal)) return undefined
  const code = Number.parseInt(octal, 8)
  if (code > 255) return undefined
  return { text: code < 0x80 ? String.fromCharCode(code) : String.fromCharCode(0xdc00 + code), next: i + 3 }
}

/** Runs of escaped bytes that together are UTF-8 become the characters they encode. */
function mergeBytes(text: string): string {
  return text.replace(/[\udc80-\udcff]+/g, (run) =>
    fromEscaped(Buffer.from(Array.from({ length: run.length }, (_, i) => run.charCodeAt(i) - 0xdc00))),
  )
}

function fromEscaped(bytes: Buffer): string {
  const decoded = bytes.toString('utf8')
  if (!decoded.includes('\ufffd')) return decoded
  return Array.from(bytes, (byte) => String.fromCharCode(0xdc00 + byte)).join('')
}
