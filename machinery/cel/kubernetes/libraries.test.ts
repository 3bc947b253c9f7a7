import { describe, expect, it } from 'vitest'
import { parseQuantity } from '../../quantity/quantity.ts'
import type { CelValue } from '../values.ts'
import { createKubernetesEnvironment, PER_CALL_LIMIT } from './libraries.ts'
import { CelQuantity } from './quantity.ts'
import { parseSemver } from './semver.ts'

const environment = createKubernetesEnvironment({
  variables: { device: 'map(string, kubernetes.Semver)', text: 'string', memory: 'kubernetes.Quantity' },
})

function evaluate(expression: string): CelValue | { readonly error: string } {
  const { program, problem } = environment.compile(expression)
  if (program === undefined) throw new Error(problem)
  const variables = {
    device: { version: parseSemver('1.2.3') },
    text: 'abc',
    memory: new CelQuantity(parseQuantity('8Gi')),
  }
  const { value, error } = program.evaluate(variables, { costLimit: PER_CALL_LIMIT })
  return value ?? { error: error ?? '' }
}

describe('the libraries of Kubernetes', () => {
  it.each([
    // Quantities.
    'quantity("1Gi").compareTo(quantity("1024Mi")) == 0 && quantity("1Gi") == quantity("1024Mi")',
    'quantity("1.5").isGreaterThan(quantity("1")) && quantity("50m").isLessThan(quantity("1"))',
    'quantity("50k").asInteger() == 50000 && !quantity("1500m").isInteger()',
    'quantity("1500m").asApproximateFloat() == 1.5 && sign(quantity("-1")) == -1',
    'quantity("1").add(quantity("500m")) == quantity("1500m") && quantity("1").sub(2) == quantity("-1")',
    'isQuantity("1Gi") && !isQuantity("1GiB") && type(quantity("1")) == kubernetes.Quantity',
    'memory.compareTo(quantity("4Gi")) > 0',
    // Versions.
    'device.version.compareTo(semver("1.10.0")) == -1 && device.version.major() == 1',
    'semver("1.0.0-alpha.1").isLessThan(semver("1.0.0")) && semver("1.0.0-2").isLessThan(semver("1.0.0-10"))',
    'semver("1.0.0+a") == semver("1.0.0+b") && semver("v01.2", true) == semver("1.2.0")',
    '!isSemver("1.0") && isSemver("1.0", true) && !isSemver("v1.0.0") && !isSemver("1.0.0-")',
    // Addresses.
    'ip("192.168.0.1").family() == 4 && ip("::1").isLoopback() && !isIP("192.168.00.1") && !isIP("::ffff:1.2.3.4")',
    'ip.isCanonical("::1") && !ip.isCanonical("::01") && string(ip("0:0:0:0:0:0:0:1")) == "::1"',
    'ip("10.0.0.1").isGlobalUnicast() && !ip("255.255.255.255").isGlobalUnicast() && ip("fe80::1").isLinkLocalUnicast()',
    'cidr("10.0.0.0/8").containsIP("10.1.2.3") && !cidr("10.0.0.0/8").containsIP(ip("11.0.0.1"))',
    'cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16") && !cidr("10.1.0.0/16").containsCIDR(cidr("10.0.0.0/8"))',
    'cidr("10.1.2.3/8").masked() == cidr("10.0.0.0/8") && cidr("10.1.2.3/8").ip() == ip("10.1.2.3")',
    'string(cidr("10.1.2.3/8")) == "10.1.2.3/8" && cidr("::/0").prefixLength() == 0 && !isCIDR("10.0.0.0/08")',
    // Lists.
    '[1, 2].isSorted() && ![2, 1].isSorted() && [1, 2].sum() == 3 && [1.5, 2.0].sum() == 3.5 && [1, 1].indexOf(1) == 0',
    '["b", "a"].min() == "a" && [2, 3].max() == 3 && [1, 1].lastIndexOf(1) == 1 && [duration("1s")].sum() == duration("1s")',
    // Patterns.
    '"abc 123".find("[0-9]+") == "123" && "abc".find("[0-9]") == "" && "1 2 3".findAll("[0-9]", 2) == ["1", "2"]',
    // URLs.
    'url("https://u:p@host:80/a b?k=1&k=2#f").getHost() == "host:80" && isURL("/a") && !isURL("a/b") && !isURL("http://h/%zz")',
    'url("https://[::1]:80/").getHostname() == "::1" && url("https://h:80").getPort() == "80" && url("/").getScheme() == ""',
    'url("https://h/a b").getEscapedPath() == "/a%20b" && url("/?k=1&k=a%20b").getQuery() == {"k": ["1", "a b"]}',
    // Formats.
    '!format.dns1123Label().validate("my-name").hasValue() && format.dns1123Label().validate("My").hasValue()',
    'format.named("uuid").value().validate("x").value() == ["does not match the UUID format"]',
    '!format.named("nothing").hasValue() && !format.date().validate("2021-02-28").hasValue()',
    '!format.dns1035LabelPrefix().validate("a-").hasValue() && format.byte().validate("a").hasValue()',
  ])('%s', (expression) => {
    expect(evaluate(expression)).toBe(true)
  })

  it.each([
    ['quantity("1GiB")', /^quantities must match the regular expression|^unable to parse quantity's suffix/],
    ['quantity("500m").asInteger()', /^cannot convert value to integer$/],
    ['semver("1.2")', /^No Major\.Minor\.Patch elements found$/],
    ['ip("1.2.3.4.5")', /^IP Address "1\.2\.3\.4\.5" parse error during conversion from string: /],
    ['ip("::ffff:1.2.3.4")', /^IPv4-mapped IPv6 address "::ffff:1\.2\.3\.4" is not allowed$/],
    ['url("nothing")', /^URL parse error during conversion from string: parse "nothing": invalid URI for request$/],
    ['[text].map(t, int(t)).sum()', /^type conversion error from 'abc' to 'int'$/],
    ['[1].filter(i, i > 1).min()', /^min called on empty list$/],
  ])('%s fails', (expression, error) => {
    expect(evaluate(expression)).toEqual({ error: expect.stringMatching(error) })
  })

  it.each([
    ['duration("1 h") > duration("1h")', 'invalid duration argument'],
    ['timestamp("yesterday") > timestamp(0)', 'invalid timestamp argument'],
    ['text.matches("(")', 'invalid matches argument'],
    ['base64.encode(b"a")', "undeclared reference to 'base64' (in container '')"],
  ])('%s is not compiled', (expression, problem) => {
    expect(environment.compile(expression).problem).toContain(problem)
  })
})
