import { describe, expect, it } from 'vitest'
import type { Device } from '#machinery/api/resource/v1/types.gen.ts'
import { compileDeviceSelector } from './device-selector.ts'

const GPU: Device = {
  name: 'gpu-0',
  attributes: {
    model: { string: 'a100' },
    numa: { int: 1 },
    healthy: { bool: true },
    'gpu.example.com/driverVersion': { version: '1.10.0' },
    'other.example.com/family': { string: 'x' },
  },
  capacity: { memory: { value: '40Gi' }, 'other.example.com/lanes': { value: '4' } },
}

function evaluate(expression: string, device: Device = GPU): boolean {
  const selector = compileDeviceSelector(expression)
  if (typeof selector === 'string') throw new Error(selector)
  return selector.evaluate('gpu.example.com', device).isMatch
}

describe('a device selector', () => {
  it.each<[string, boolean]>([
    ['true', true],
    ['device.driver == "gpu.example.com"', true],
    ['device.attributes["gpu.example.com"].model == "a100"', true],
    ['device.attributes["gpu.example.com"].numa > 1', false],
    ['device.attributes["gpu.example.com"].healthy', true],
    ['device.attributes["other.example.com"].family == "x"', true],
    ['device.attributes["gpu.example.com"].driverVersion.isGreaterThan(semver("1.9.3"))', true],
    ['device.capacity["gpu.example.com"].memory.compareTo(quantity("40Gi")) >= 0', true],
    ['device.capacity["other.example.com"].lanes.isGreaterThan(quantity("4"))', false],
    ['"other.example.com" in device.attributes', true],
    ['has(device.attributes["gpu.example.com"].color)', false],
    ['"color" in device.attributes["nobody.example.com"]', false],
    ['device.attributes["nobody.example.com"].?color.orValue("red") == "red"', true],
    ['cel.bind(gpu, device.attributes["gpu.example.com"], gpu.healthy && gpu.numa == 1)', true],
    ['device.allowMultipleAllocations', false],
    ['device.attributes["gpu.example.com"].model.matches("^a[0-9]+$")', true],
  ])('%s: %s', (expression, expected) => expect(evaluate(expression)).toBe(expected))

  it.each<[string, RegExp]>([
    ['device.attributes["gpu.example.com"].color == "red"', /no such key: color/],
    ['device.attributes["gpu.example.com"].model', /could not be converted to bool/],
    ['device.driver', /must evaluate to bool or the unknown type, not string/],
    ['device.', /compilation failed: /],
    ['device.color == "red"', /compilation failed: .*undefined field 'color'/],
    [
      '[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, a+b+c+d+e > 0)))))',
      /cost/,
    ],
    ['cel.bind("x", 1, true)', /variable names must be simple identifiers/],
  ])('%s fails: %s', (expression, problem) => expect(() => evaluate(expression)).toThrow(problem))

  it('says which attribute it cannot read', () => {
    const bad = { name: 'b', attributes: { v: { version: 'one' } } }
    expect(() => evaluate('true', bad)).toThrow(
      'attribute v: parse semantic version: No Major.Minor.Patch elements found',
    )
    expect(() => evaluate('true', { name: 'b', attributes: { list: { ints: [1] } } })).toThrow(
      'attribute list: unsupported attribute value',
    )
  })
})
