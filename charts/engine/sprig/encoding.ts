// sprig's encodings, hashes that need no key, and JSON. Upstream: sprig v3.3.0 strings.go, crypto.go, defaults.go.

import { createHash } from 'node:crypto'
import { GoError } from '../gotypes/error.ts'
import { fromBytes, toBytes } from '../gotypes/utf8.ts'
import { defineFunc, type GoFunc, type GoValue } from '../gotypes/value.ts'
import { toJson } from '../yaml/json.ts'

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** base64.StdEncoding: padding required, line breaks ignored, the error names the offending byte. */
export function decodeBase64(text: string): Buffer {
  const bad = (at: number): GoError => new GoError(`illegal base64 data at input byte ${at}`)
  const positions: number[] = []
  let body = ''
  let padding = 0
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string
    if (char === '\n' || char === '\r') continue
    if (char === '=') {
      if (body.length % 4 < 2 && padding === 0) throw bad(i)
      padding++
      if ((body.length + padding) % 4 === 0 && i + 1 < text.length && /[^\r\n]/.test(text.slice(i + 1)))
        throw bad(i + 1)
      continue
    }
    if (padding > 0 || !/[A-Za-z0-9+/]/.test(char)) throw bad(i)
    body += char
    positions.push(i)
  }
  if ((body.length + padding) % 4 !== 0) throw bad(body.length - (body.length % 4))
  return Buffer.from(body, 'base64')
}

function base32Encode(text: string): string {
  let bits = ''
  for (const byte of toBytes(text)) bits += byte.toString(2).padStart(8, '0')
  let out = ''
  for (let i = 0; i < bits.length; i += 5) out += BASE32[Number.parseInt(bits.slice(i, i + 5).padEnd(5, '0'), 2)]
  return out.padEnd(Math.ceil(out.length / 8) * 8, '=')
}

function base32Decode(text: string): string {
  const clean = text.replace(/[\r\n]/g, '')
  const body = clean.replace(/=+$/, '')
  for (let i = 0; i < body.length; i++) {
    if (!BASE32.includes(body[i] as string)) return `illegal base32 data at input byte ${i}`
  }
  if (clean.length % 8 !== 0) return `illegal base32 data at input byte ${body.length}`
  let bits = ''
  for (const char of body) bits += BASE32.indexOf(char).toString(2).padStart(5, '0')
  const bytes: number[] = []
  for (let i = 0; i + 8 <= bits.length; i += 8) bytes.push(Number.parseInt(bits.slice(i, i + 8), 2))
  return fromBytes(Buffer.from(bytes))
}

function orMessage(decode: (text: string) => string): (text: string) => string {
  return (text) => {
    try {
      return decode(text)
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }
}

function adler32(text: string): string {
  let a = 1
  let b = 0
  for (const byte of toBytes(text)) {
    a = (a + byte) % 65521
    b = (b + a) % 65521
  }
  return String(b * 65536 + a)
}

const hash =
  (algorithm: string) =>
  (text: string): string =>
    createHash(algorithm).update(toBytes(text)).digest('hex')

const quiet =
  (encode: (value: GoValue) => string) =>
  (value: GoValue): string => {
    try {
      return encode(value)
    } catch {
      return '' // The forms without must drop the error.
    }
  }

const pretty = (value: GoValue): string => toJson(value, { escapeHtml: true, indent: '  ' })
const raw = (value: GoValue): string => toJson(value, { escapeHtml: false })

export const ENCODING_FUNCTIONS: readonly GoFunc[] = [
  defineFunc('b64enc', 'string', 'string', (text: string) => toBytes(text).toString('base64')),
  defineFunc(
    'b64dec',
    'string',
    'string',
    orMessage((text) => fromBytes(decodeBase64(text))),
  ),
  defineFunc('b32enc', 'string', 'string', base32Encode),
  defineFunc('b32dec', 'string', 'string', base32Decode),
  defineFunc('sha1sum', 'string', 'string', hash('sha1')),
  defineFunc('sha256sum', 'string', 'string', hash('sha256')),
  defineFunc('sha512sum', 'string', 'string', hash('sha512')),
  defineFunc('adler32sum', 'string', 'string', adler32),
  defineFunc('toPrettyJson', 'any', 'string', quiet(pretty)),
  defineFunc('mustToPrettyJson', 'any', 'string', pretty),
  defineFunc('toRawJson', 'any', 'string', raw),
  defineFunc('mustToRawJson', 'any', 'string', raw),
]
