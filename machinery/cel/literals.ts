/** Literal tokens → values. Upstream: cel-go parser/unescape.go. Throws an Error with its text. */

const SIMPLE: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  '\\': 92,
  "'": 39,
  '"': 34,
  '`': 96,
  '?': 63,
}

interface Body {
  readonly text: string
  readonly isRaw: boolean
}

function bodyOf(token: string): Body {
  const isRaw = /^[rR]/.test(token)
  const quoted = (isRaw ? token.slice(1) : token).replace(/\r\n?/g, '\n')
  const width = /^("""|''')/.test(quoted) && quoted.length >= 6 ? 3 : 1
  return { text: quoted.slice(width, -width), isRaw }
}

export function stringLiteral(token: string): string {
  const { text, isRaw } = bodyOf(token)
  if (isRaw || !text.includes('\\')) return text
  let value = ''
  scan(text, {
    onText: (part) => {
      value += part
    },
    onEscape: (code) => {
      if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw new Error('invalid unicode code point')
      value += String.fromCodePoint(code)
    },
  })
  return value
}

/** Escapes of bytes are bytes; anything else is UTF-8. */
export function bytesLiteral(token: string): Uint8Array {
  const { text, isRaw } = bodyOf(token.slice(1))
  if (isRaw || !text.includes('\\')) return Buffer.from(text, 'utf8')
  const parts: Uint8Array[] = []
  scan(text, {
    onText: (part) => parts.push(Buffer.from(part, 'utf8')),
    onEscape: (code, kind) => {
      if (kind === 'u' || kind === 'U') throw new Error('unable to unescape string')
      parts.push(Uint8Array.of(code))
    },
  })
  return Buffer.concat(parts)
}

interface EscapeHandlers {
  readonly onText: (text: string) => void
  readonly onEscape: (code: number, kind: string) => void
}

/** The lexer let only whole escapes through. */
function scan(text: string, { onText, onEscape }: EscapeHandlers): void {
  const pattern = /\\(?:([xX])([0-9a-fA-F]{2})|(u)([0-9a-fA-F]{4})|(U)([0-9a-fA-F]{8})|([0-3][0-7]{2})|(.))/gsu
  let end = 0
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) onText(text.slice(end, match.index))
    end = match.index + match[0].length
    const [, , hex, , short, , long, octal, simple = ''] = match
    if (octal !== undefined) onEscape(Number.parseInt(octal, 8), 'o')
    else if (hex !== undefined) onEscape(Number.parseInt(hex, 16), 'x')
    else if (short !== undefined) onEscape(Number.parseInt(short, 16), 'u')
    else if (long !== undefined) onEscape(Number.parseInt(long, 16), 'U')
    else onEscape(SIMPLE[simple] ?? 0, simple)
  }
  if (end < text.length) onText(text.slice(end))
}
