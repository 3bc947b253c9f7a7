/**
 * Formats of names, labels, ports and addresses. Every `isX` returns upstream's messages; an empty list means valid.
 * Fast path first: the regular expressions are compiled once and a valid value allocates nothing.
 * Upstream: apimachinery pkg/util/validation/{validation,ip}.go, pkg/api/validate/content.
 */
import { isIP } from 'node:net'

const VALID: string[] = []
Object.freeze(VALID)

const DNS_1123_LABEL_FORMAT = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const DNS_1123_SUBDOMAIN_FORMAT = `${DNS_1123_LABEL_FORMAT}(\\.${DNS_1123_LABEL_FORMAT})*`
const UNDERSCORE_LABEL_FORMAT = '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?'
const UNDERSCORE_SUBDOMAIN_FORMAT = `${UNDERSCORE_LABEL_FORMAT}(\\.${UNDERSCORE_LABEL_FORMAT})*`
const DNS_1035_LABEL_FORMAT = '[a-z]([-a-z0-9]*[a-z0-9])?'
const WILDCARD_FORMAT = `\\*\\.${DNS_1123_SUBDOMAIN_FORMAT}`
const LABEL_KEY_FORMAT = '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'
const LABEL_VALUE_FORMAT = `(${LABEL_KEY_FORMAT})?`
const ENV_VAR_CHARACTERS = /^[\x20-\x3c\x3e-\x7e]*$/
const CONFIG_KEY_FORMAT = '[-._a-zA-Z0-9]+'
const C_IDENTIFIER_FORMAT = '[A-Za-z_][A-Za-z0-9_]*'
const PERCENT_FORMAT = '[0-9]+%'
const HTTP_HEADER_FORMAT = '[-A-Za-z0-9]+'

const whole = (format: string): RegExp => new RegExp(`^(?:${format})$`)

const DNS_1123_LABEL = whole(DNS_1123_LABEL_FORMAT)
const DNS_1123_SUBDOMAIN = whole(DNS_1123_SUBDOMAIN_FORMAT)
const UNDERSCORE_SUBDOMAIN = whole(UNDERSCORE_SUBDOMAIN_FORMAT)
const DNS_1035_LABEL = whole(DNS_1035_LABEL_FORMAT)
const WILDCARD_SUBDOMAIN = whole(WILDCARD_FORMAT)
const LABEL_KEY = whole(LABEL_KEY_FORMAT)
const LABEL_VALUE = whole(LABEL_VALUE_FORMAT)
const CONFIG_KEY = whole(CONFIG_KEY_FORMAT)
const C_IDENTIFIER = whole(C_IDENTIFIER_FORMAT)
const DECIMAL_INTEGER = /^(?:0|-?[1-9][0-9]*)$/
const PERCENT = whole(PERCENT_FORMAT)
const HTTP_HEADER = whole(HTTP_HEADER_FORMAT)

/** The usual port name; anything else is taken apart. */
const SIMPLE_PORT_NAME = /^[a-z][a-z0-9]*$/

const LABEL_MAX_LENGTH = 63
const SUBDOMAIN_MAX_LENGTH = 253
const USER_ID_MAX = 2 ** 31 - 1

const DNS_1123_LABEL_MESSAGE =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character"
const DNS_1123_SUBDOMAIN_MESSAGE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character"
const UNDERSCORE_SUBDOMAIN_MESSAGE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character"
const DNS_1035_LABEL_MESSAGE =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character"
const WILDCARD_MESSAGE =
  "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character"
const LABEL_KEY_MESSAGE =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
const LABEL_VALUE_MESSAGE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"

const maxLengthMessage = (length: number): string => `must be no more than ${length} characters`
const maxBytesMessage = (length: number): string => `must be no more than ${length} bytes`
export const inclusiveRangeMessage = (low: number, high: number): string =>
  `must be between ${low} and ${high}, inclusive`

/** Upstream's RegexError. */
function regexMessage(message: string, format: string, ...examples: readonly string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${format}')`
  const quoted = examples.map((example) => `'${example}', `).join(' or ')
  return `${message} (e.g. ${quoted}regex used for validation is '${format}')`
}

function isTooLong(value: string, maxBytes: number): boolean {
  return value.length > maxBytes || (value.length * 3 > maxBytes && Buffer.byteLength(value) > maxBytes)
}

export function isDns1123Label(value: string): string[] {
  const isLong = isTooLong(value, LABEL_MAX_LENGTH)
  const isMatch = DNS_1123_LABEL.test(value)
  if (isMatch && !isLong) return VALID
  const errors = isLong ? [maxLengthMessage(LABEL_MAX_LENGTH)] : []
  if (isMatch) return errors
  if (DNS_1123_SUBDOMAIN.test(value)) errors.push('must not contain dots')
  else errors.push(regexMessage(DNS_1123_LABEL_MESSAGE, DNS_1123_LABEL_FORMAT, 'my-name', '123-abc'))
  return errors
}

export function isDns1123Subdomain(value: string): string[] {
  return subdomainMessages(value, maxLengthMessage)
}

/** The same rule where upstream's newer package words it. Upstream: content.IsDNS1123Subdomain. */
export function isLongName(value: string): string[] {
  return subdomainMessages(value, maxBytesMessage)
}

function subdomainMessages(value: string, tooLong: (length: number) => string): string[] {
  const isLong = isTooLong(value, SUBDOMAIN_MAX_LENGTH)
  const isMatch = DNS_1123_SUBDOMAIN.test(value)
  if (isMatch && !isLong) return VALID
  const errors = isLong ? [tooLong(SUBDOMAIN_MAX_LENGTH)] : []
  if (!isMatch) errors.push(regexMessage(DNS_1123_SUBDOMAIN_MESSAGE, DNS_1123_SUBDOMAIN_FORMAT, 'example.com'))
  return errors
}

/** DNS search paths: a subdomain whose labels may hold underscores. */
export function isDns1123SubdomainWithUnderscore(value: string): string[] {
  const errors = isTooLong(value, SUBDOMAIN_MAX_LENGTH) ? [maxLengthMessage(SUBDOMAIN_MAX_LENGTH)] : []
  if (UNDERSCORE_SUBDOMAIN.test(value)) return errors
  errors.push(regexMessage(UNDERSCORE_SUBDOMAIN_MESSAGE, UNDERSCORE_SUBDOMAIN_FORMAT, 'example.com'))
  return errors
}

export function isDns1035Label(value: string): string[] {
  const isLong = isTooLong(value, LABEL_MAX_LENGTH)
  const isMatch = DNS_1035_LABEL.test(value)
  if (isMatch && !isLong) return VALID
  const errors = isLong ? [maxLengthMessage(LABEL_MAX_LENGTH)] : []
  if (!isMatch) errors.push(regexMessage(DNS_1035_LABEL_MESSAGE, DNS_1035_LABEL_FORMAT, 'my-name', 'abc-123'))
  return errors
}

export function isWildcardDns1123Subdomain(value: string): string[] {
  const errors = isTooLong(value, SUBDOMAIN_MAX_LENGTH) ? [maxLengthMessage(SUBDOMAIN_MAX_LENGTH)] : []
  if (!WILDCARD_SUBDOMAIN.test(value)) errors.push(regexMessage(WILDCARD_MESSAGE, WILDCARD_FORMAT, '*.example.com'))
  return errors
}

/** Upstream: content.IsCIdentifier. */
export function isCIdentifier(value: string): string[] {
  if (C_IDENTIFIER.test(value)) return VALID
  const message =
    "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'"
  return [regexMessage(message, C_IDENTIFIER_FORMAT, 'my_name', 'MY_NAME', 'MyName')]
}

/** Without sign or zeros that need not be there. Upstream: content.IsDecimalInteger. */
export function isDecimalInteger(value: string): string[] {
  if (DECIMAL_INTEGER.test(value)) return VALID
  return [value === '' ? 'must be non-empty' : 'must be a valid decimal integer in canonical form']
}

/** A label key: optional DNS subdomain prefix, '/', name. */
export function isQualifiedName(value: string): string[] {
  const slash = value.indexOf('/')
  if (slash !== -1 && value.indexOf('/', slash + 1) !== -1) {
    const shape = regexMessage(LABEL_KEY_MESSAGE, LABEL_KEY_FORMAT, 'MyName', 'my.name', '123-abc')
    return [`a valid label key ${shape} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  }
  const name = slash === -1 ? value : value.slice(slash + 1)
  if (slash === -1 && name.length <= LABEL_MAX_LENGTH && LABEL_KEY.test(name)) return VALID
  const errors: string[] = []
  if (slash === 0) errors.push('prefix part must be non-empty')
  else if (slash > 0) errors.push(...isLongName(value.slice(0, slash)).map((text) => `prefix part ${text}`))
  if (name === '') errors.push('name part must be non-empty')
  else if (isTooLong(name, LABEL_MAX_LENGTH)) errors.push(`name part ${maxBytesMessage(LABEL_MAX_LENGTH)}`)
  if (!LABEL_KEY.test(name)) {
    errors.push(`name part ${regexMessage(LABEL_KEY_MESSAGE, LABEL_KEY_FORMAT, 'MyName', 'my.name', '123-abc')}`)
  }
  return errors
}

export function isLabelValue(value: string): string[] {
  const isLong = isTooLong(value, LABEL_MAX_LENGTH)
  const isMatch = LABEL_VALUE.test(value)
  if (isMatch && !isLong) return VALID
  const errors = isLong ? [maxBytesMessage(LABEL_MAX_LENGTH)] : []
  if (!isMatch) errors.push(regexMessage(LABEL_VALUE_MESSAGE, LABEL_VALUE_FORMAT, 'MyValue', 'my_value', '12345'))
  return errors
}

export function isValidPortNumber(port: number): string[] {
  return isInRange(port, 1, 65535)
}

function isInRange(value: number, low: number, high: number): string[] {
  return value >= low && value <= high ? VALID : [inclusiveRangeMessage(low, high)]
}

export function isValidUserId(id: number): string[] {
  return isInRange(id, 0, USER_ID_MAX)
}

/** IANA_SVC_NAME. */
export function isValidPortName(port: string): string[] {
  if (port.length <= 15 && SIMPLE_PORT_NAME.test(port)) return VALID
  const errors: string[] = []
  if (port.length > 15) errors.push(maxLengthMessage(15))
  if (!/^[-a-z0-9]+$/.test(port)) {
    errors.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  }
  if (!/[a-z]/.test(port)) errors.push('must contain at least one letter (a-z)')
  if (port.includes('--')) errors.push('must not contain consecutive hyphens')
  if (port.startsWith('-') || port.endsWith('-')) errors.push('must not begin or end with a hyphen')
  return errors
}

export function isValidPercent(value: string): string[] {
  if (PERCENT.test(value)) return VALID
  const message = "a valid percent string must be a numeric string followed by an ending '%'"
  return [regexMessage(message, PERCENT_FORMAT, '1%', '93%')]
}

export function isHttpHeaderName(value: string): string[] {
  if (HTTP_HEADER.test(value)) return VALID
  const message = "a valid HTTP header must consist of alphanumeric characters or '-'"
  return [regexMessage(message, HTTP_HEADER_FORMAT, 'X-Header-Name')]
}

/** Environment variable names as RelaxedEnvironmentVariableValidation (on by default) allows them. */
export function isEnvVarName(value: string): string[] {
  if (value !== '' && ENV_VAR_CHARACTERS.test(value)) return VALID
  const errors: string[] = []
  if (value === '') errors.push('environment variable name must be non-empty')
  if (!ENV_VAR_CHARACTERS.test(value)) {
    errors.push("a valid environment variable name must consist only of printable ASCII characters other than '='")
  }
  return errors
}

/** Keys of ConfigMaps and Secrets. */
export function isConfigMapKey(value: string): string[] {
  const errors: string[] = []
  if (isTooLong(value, SUBDOMAIN_MAX_LENGTH)) errors.push(maxLengthMessage(SUBDOMAIN_MAX_LENGTH))
  if (!CONFIG_KEY.test(value)) {
    const message = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
    errors.push(regexMessage(message, CONFIG_KEY_FORMAT, 'key.name', 'KEY_NAME', 'key-name'))
  }
  if (value === '.') errors.push("must not be '.'")
  else if (value === '..') errors.push("must not be '..'")
  else if (value.startsWith('..')) errors.push("must not start with '..'")
  return errors
}

/** Object names that become one URL path segment and nothing else (RBAC, for example). */
export function isPathSegmentName(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`]
  const errors: string[] = []
  if (value.includes('/')) errors.push("may not contain '/'")
  if (value.includes('%')) errors.push("may not contain '%'")
  return errors
}

export function isValidIp(value: string): string[] {
  return isIP(value) === 0 || value.includes('%')
    ? ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']
    : VALID
}

export function isValidCidr(value: string): string[] {
  const slash = value.indexOf('/')
  const address = slash === -1 ? '' : value.slice(0, slash)
  const bits = slash === -1 ? '' : value.slice(slash + 1)
  const family = address.includes('%') ? 0 : isIP(address)
  const isValid = family !== 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)
  return isValid ? VALID : ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']
}
