import { describe, expect, it } from 'vitest'
import {
  isConfigMapKey,
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isEnvVarName,
  isLabelValue,
  isPathSegmentName,
  isQualifiedName,
  isValidCidr,
  isValidIp,
  isValidPercent,
  isValidPortName,
  isWildcardDns1123Subdomain,
} from './validation.ts'

describe('names', () => {
  it.each([
    ['label', isDns1123Label, 'a-1'],
    ['63 characters', isDns1123Label, 'a'.repeat(63)],
    ['subdomain', isDns1123Subdomain, 'a.b-c.1'],
    ['DNS-1035 label', isDns1035Label, 'web-1'],
    ['qualified name', isQualifiedName, 'example.com/My_Name.1'],
    ['bare qualified name', isQualifiedName, 'app'],
    ['empty label value', isLabelValue, ''],
    ['wildcard', isWildcardDns1123Subdomain, '*.example.com'],
    ['port name', isValidPortName, 'http-2'],
    ['environment variable', isEnvVarName, 'a b!'],
    ['config key', isConfigMapKey, '.bashrc'],
    ['percent', isValidPercent, '25%'],
    ['IPv6 address', isValidIp, '2001:db8::1'],
    ['CIDR', isValidCidr, '10.0.0.0/8'],
    ['RBAC name', isPathSegmentName, 'system:node'],
  ])('accepts a %s', (_name, check, value) => {
    expect(check(value)).toEqual([])
  })

  it.each([
    [
      'upper case',
      isDns1123Label,
      'Web',
      /lowercase RFC 1123 label must consist of.*'my-name', {2}or '123-abc', regex used/,
    ],
    ['dots in a label', isDns1123Label, 'a.b', /^must not contain dots$/],
    ['64 characters', isDns1123Label, 'a'.repeat(64), /^must be no more than 63 characters$/],
    ['254 characters', isDns1123Subdomain, 'a'.repeat(254), /^must be no more than 253 characters$/],
    ['a leading digit in DNS-1035', isDns1035Label, '1a', /a DNS-1035 label must consist/],
    ['an empty prefix', isQualifiedName, '/a', /^prefix part must be non-empty$/],
    ['two slashes', isQualifiedName, 'a/b/c', /^a valid label key must consist of/],
    ['a newline at the end', isDns1123Subdomain, 'a\n', /lowercase RFC 1123 subdomain/],
    ['a label value ending in a dash', isLabelValue, 'a-', /^a valid label must be an empty string/],
    ['a port name without letters', isValidPortName, '80', /^must contain at least one letter/],
    ['an environment variable with =', isEnvVarName, 'A=B', /printable ASCII characters other than '='$/],
    ['dot dot as key', isConfigMapKey, '..', /^must not be '..'$/],
    ['a zoned address', isValidIp, 'fe80::1%eth0', /^must be a valid IP address/],
    ['a prefix too long', isValidCidr, '10.0.0.0/33', /^must be a valid CIDR value/],
    ['a slash in a path segment', isPathSegmentName, 'a/b', /^may not contain '\/'$/],
  ])('refuses %s', (_name, check, value, message) => {
    expect(check(value).some((text) => message.test(text))).toBe(true)
  })
})
