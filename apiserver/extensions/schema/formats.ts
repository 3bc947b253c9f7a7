/**
 * String formats that custom resource schemas enforce; unknown ones are ignored (and warned of when the CRD is written).
 * Upstream: apiextensions-apiserver pkg/apiserver/validation/formats.go, kube-openapi pkg/validation/strfmt.
 */
import { isIP, isIPv6 } from 'node:net'

export type FormatCheck = (text: string) => boolean

const UUID = (version: string, variant: string): RegExp =>
  new RegExp(`^[0-9a-f]{8}-?[0-9a-f]{4}-?${version}-?${variant}-?[0-9a-f]{12}$`, 'i')
const UUID_ANY = UUID('[0-9a-f]{4}', '[0-9a-f]{4}')
const UUID_3 = UUID('3[0-9a-f]{3}', '[0-9a-f]{4}')
const UUID_4 = UUID('4[0-9a-f]{3}', '[89ab][0-9a-f]{3}')
const UUID_5 = UUID('5[0-9a-f]{3}', '[89ab][0-9a-f]{3}')
const HEX_COLOR = /^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$/
const RGB_NUMBER = '\\s*(0|[1-9]\\d?|1\\d\\d?|2[0-4]\\d|25[0-5])\\s*'
const RGB_COLOR = new RegExp(`^rgb\\(${RGB_NUMBER},${RGB_NUMBER},${RGB_NUMBER}\\)$`)
const SSN = /^\d{3}[- ]?\d{2}[- ]?\d{4}$/
const CREDIT_CARD =
  /^(?:4[0-9]{12}(?:[0-9]{3})?|5[1-5][0-9]{14}|6(?:011|5[0-9][0-9])[0-9]{12}|3[47][0-9]{13}|3(?:0[0-5]|[68][0-9])[0-9]{11}|(?:2131|1800|35\d{3})\d{11})$/
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/
const HOSTNAME_LABEL = /^[a-zA-Z0-9\p{S}\p{L}](?:[a-zA-Z0-9\p{S}\p{L}-]{0,61}[a-zA-Z0-9\p{S}\p{L}])?$/u
const TOP_LEVEL_DOMAIN = /^[a-zA-Z\p{L}]{2,63}$/u
const DATE = /^(\d{4})-(\d{2})-(\d{2})$/
const TIME = /^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$/
const MAC = /^(?:[0-9a-f]{2}([:-]))(?:[0-9a-f]{2}\1)*[0-9a-f]{2}$/i
const MAC_DOTTED = /^[0-9a-f]{4}(?:\.[0-9a-f]{4})*$/i
const SHORT_NAME = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/
const OBJECT_ID = /^[0-9a-f]{24}$/i
const GO_DURATION = /^[-+]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/
/** Longer texts are no durations: the search below is quadratic in digits. */
const DURATION_LENGTH_MAX = 1024
const WORD_DURATION = /(\d+)\s*([A-Za-zµ]+)/g

/** Keys without dashes, as upstream normalizes them. */
const CHECKS: ReadonlyMap<string, FormatCheck> = new Map<string, FormatCheck>([
  ['bsonobjectid', (text) => OBJECT_ID.test(text)],
  ['uri', isRequestUri],
  ['email', isEmail],
  ['hostname', isHostname],
  ['ipv4', (text) => isIP(withoutLeadingZeros(text)) !== 0 && text.includes('.')],
  ['ipv6', (text) => isIPv6(text) && !text.includes('%')],
  ['cidr', isCidr],
  ['mac', isMac],
  ['uuid', (text) => UUID_ANY.test(text)],
  ['uuid3', (text) => UUID_3.test(text)],
  ['uuid4', (text) => UUID_4.test(text)],
  ['uuid5', (text) => UUID_5.test(text)],
  ['isbn', (text) => isIsbn10(text) || isIsbn13(text)],
  ['isbn10', isIsbn10],
  ['isbn13', isIsbn13],
  ['creditcard', isCreditCard],
  ['ssn', (text) => SSN.test(text)],
  ['hexcolor', (text) => HEX_COLOR.test(text)],
  ['rgbcolor', (text) => RGB_COLOR.test(text)],
  ['byte', (text) => BASE64.test(text)],
  ['password', () => true],
  ['date', isDate],
  ['duration', isDuration],
  ['datetime', isDateTime],
  ['k8sshortname', (text) => text.length <= 63 && SHORT_NAME.test(text)],
  ['k8slongname', (text) => text.length <= 253 && text.split('.').every((part) => SHORT_NAME.test(part))],
])

/** The format that is enforced for these types, '' for none. */
export function effectiveFormat(types: readonly string[], format: string): string {
  if (format === '') return ''
  const type = types.length === 1 ? types[0] : ''
  if (type === '' || type === 'string') return CHECKS.has(format.replaceAll('-', '')) ? format : ''
  if (type === 'integer') return format === 'int32' || format === 'int64' ? format : ''
  if (type === 'number') return format === 'float' || format === 'double' ? format : ''
  return ''
}

export function formatCheck(format: string): FormatCheck | undefined {
  return format === '' ? undefined : CHECKS.get(format.replaceAll('-', ''))
}

/** Go's IsRequestURI: an absolute URL or an absolute path. */
function isRequestUri(text: string): boolean {
  if (text === '' || hasControlOrSpace(text) || /%(?![0-9a-fA-F]{2})/.test(text)) return false
  if (text.startsWith('/')) return true
  const scheme = /^[a-zA-Z][a-zA-Z0-9+.-]*:/.exec(text)
  if (scheme === null) return false
  const rest = text.slice(scheme[0].length)
  if (!rest.startsWith('//')) return rest !== ''
  const authority = rest.slice(2).split(/[/?#]/, 1)[0] ?? ''
  return /^(?:[^@<>"\\^`{|}]*@)?(?:\[[^\]]*\]|[^:[\]<>"\\^`{|}]*)(?::\d*)?$/.test(authority)
}

function hasControlOrSpace(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code <= 0x20 || code === 0x7f) return true
  }
  return false
}

const ATOM = '[^\\s()<>\\[\\]:;@\\\\,."]+'
const ADDRESS = new RegExp(`^(?:${ATOM}(?:\\.${ATOM})*|"[^"\\\\]+")@(?:${ATOM}(?:\\.${ATOM})*|\\[[^\\]]+\\])$`)

/** An address as Go's net/mail reads it: bare, or `Display Name <address>`. */
function isEmail(text: string): boolean {
  const trimmed = text.trim()
  if (!trimmed.endsWith('>')) return ADDRESS.test(trimmed)
  const open = trimmed.lastIndexOf('<')
  const name = trimmed.slice(0, Math.max(open, 0)).trim()
  return open >= 0 && /^(?:[^<>()@,;:\\"[\]]*|"[^"]*")$/.test(name) && ADDRESS.test(trimmed.slice(open + 1, -1))
}

function isHostname(text: string): boolean {
  if (Buffer.byteLength(text) > 255) return false
  const labels = text.split('.')
  if (labels.some((label) => Buffer.byteLength(label) > 63 || !HOSTNAME_LABEL.test(label))) return false
  return labels.length === 1 || TOP_LEVEL_DOMAIN.test(labels.at(-1) ?? '')
}

/** Go before 1.17 read 010.0.0.1 as 10.0.0.1, and upstream still does for stored objects. */
function withoutLeadingZeros(text: string): string {
  return text.includes('.') ? text.replace(/(^|[.:])0+(?=\d)/g, '$1') : text
}

function isCidr(text: string): boolean {
  const slash = text.indexOf('/')
  if (slash < 0) return false
  const family = isIP(withoutLeadingZeros(text.slice(0, slash)))
  const bits = text.slice(slash + 1)
  return family !== 0 && !text.includes('%') && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)
}

function isMac(text: string): boolean {
  const digits = text.replaceAll(/[:.-]/g, '').length
  if (digits !== 12 && digits !== 16 && digits !== 40) return false
  return MAC.test(text) || MAC_DOTTED.test(text)
}

function isIsbn10(text: string): boolean {
  const digits = text.replaceAll(/[\s-]+/g, '')
  if (!/^(?:[0-9]{9}X|[0-9]{10})$/.test(digits)) return false
  let sum = 0
  for (let i = 0; i < 10; i++) sum += (digits[i] === 'X' ? 10 : Number(digits[i])) * (i + 1)
  return sum % 11 === 0
}

function isIsbn13(text: string): boolean {
  const digits = text.replaceAll(/[\s-]+/g, '')
  if (!/^[0-9]{13}$/.test(digits)) return false
  let sum = 0
  for (let i = 0; i < 12; i++) sum += Number(digits[i]) * (i % 2 === 0 ? 1 : 3)
  return (10 - (sum % 10)) % 10 === Number(digits[12])
}

function isCreditCard(text: string): boolean {
  const digits = text.replaceAll(/[^0-9]+/g, '')
  if (!CREDIT_CARD.test(digits)) return false
  let sum = 0
  for (let i = digits.length - 1, doubled = false; i >= 0; i--, doubled = !doubled) {
    const digit = Number(digits[i]) * (doubled ? 2 : 1)
    sum += digit > 9 ? digit - 9 : digit
  }
  return sum % 10 === 0
}

function isDate(text: string): boolean {
  const match = DATE.exec(text)
  if (match === null) return false
  const [, year, month, day] = match.map(Number)
  if (year === undefined || month === undefined || day === undefined || month < 1 || month > 12) return false
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  const days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 0
  return day >= 1 && day <= days
}

function isDateTime(text: string): boolean {
  const [date = '', time] = text.toLowerCase().split('t')
  if (time === undefined || !isDate(date)) return false
  const match = TIME.exec(time)
  return match !== null && Number(match[1]) <= 23 && Number(match[2]) <= 59 && Number(match[3]) <= 59
}

const DURATION_UNITS: readonly (readonly string[])[] = [
  ['ns', 'nano'],
  ['us', 'µs', 'micro'],
  ['ms', 'milli'],
  ['s', 'sec'],
  ['m', 'min'],
  ['h', 'hr', 'hour'],
  ['d', 'day'],
  ['w', 'wk', 'week'],
]

/** Go's time.ParseDuration, or numbers with a unit in words anywhere in the text ("3 days"). */
function isDuration(text: string): boolean {
  if (text.length > DURATION_LENGTH_MAX) return false
  if (text === '0' || text === '+0' || text === '-0' || GO_DURATION.test(text)) return true
  for (const match of text.matchAll(WORD_DURATION)) {
    const unit = (match[2] ?? '').toLowerCase()
    if (DURATION_UNITS.some((names) => names.includes(unit) || unit.startsWith(names.at(-1) ?? '?'))) return true
  }
  return false
}
