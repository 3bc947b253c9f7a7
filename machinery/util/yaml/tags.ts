/** A scalar's value by its tag, or by YAML 1.1 resolution when it has none. */
import { yamlError } from './error.ts'
import { type YamlScalar, resolvePlain } from './resolve.ts'
import type { Token } from './scan.ts'

export function scalarValue(token: Token, tag: string | undefined): YamlScalar {
  if (tag === undefined) {
    if (!token.isPlain) return token.value
    return checkFinite(resolvePlain(token.value), token)
  }
  return taggedScalar(token, tag)
}

function taggedScalar(token: Token, tag: string): YamlScalar {
  switch (tag) {
    case '!':
    case '!!str':
      return token.value
    case '!!binary':
      return decodeBinary(token)
    case '!!null':
      return null
    case '!!int':
    case '!!float':
    case '!!bool':
    case '!!timestamp':
      return checkTagged(token, tag)
    default:
      return token.value
  }
}

function checkTagged(token: Token, tag: string): YamlScalar {
  const value = checkFinite(resolvePlain(token.value), token)
  const fits =
    tag === '!!bool'
      ? typeof value === 'boolean'
      : tag === '!!timestamp'
        ? typeof value === 'string'
        : typeof value === 'number'
  if (!fits) throw yamlError(`cannot decode !!str ${JSON.stringify(token.value)} as a ${tag}`, token)
  return value
}

function decodeBinary(token: Token): string {
  const clean = token.value.replace(/[\r\n]/g, '')
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(clean) || clean.length % 4 !== 0) {
    throw yamlError('!!binary value contains invalid base64 data', token)
  }
  return Buffer.from(clean, 'base64').toString('utf8')
}

function checkFinite(value: YamlScalar, token: Token): YamlScalar {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw yamlError(`json: unsupported value: ${Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'}`, token, '')
  }
  // JSON has no negative zero integer: -0 reads back as 0.
  return Object.is(value, -0) ? 0 : value
}
