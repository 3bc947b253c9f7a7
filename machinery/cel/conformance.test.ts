/** The conformance suite of the CEL specification, against the libraries Kubernetes has. */
import { tests as suite } from '@bufbuild/cel-spec/testdata/conformance.js'
import { describe, expect, it } from 'vitest'
import { CelEnvironment } from './environment.ts'
import { BINDINGS_LIBRARY } from './library/bindings.ts'
import { TWO_VARIABLE_COMPREHENSIONS } from './library/comprehensions.ts'
import { OPTIONAL_LIBRARY } from './library/optional.ts'
import { STANDARD_LIBRARY } from './library/standard.ts'
import { STRING_REVERSE, STRINGS_LIBRARY } from './library/strings-ext.ts'
import { equals } from './equality.ts'
import { type CelType, DYN, listType, mapType, optionalType, parseType } from './types.ts'
import { ArrayList, CelTypeValue, CelUint, type CelValue, EntryMap, typeNameOf } from './values.ts'

/** Sections left out whole, and why. */
const SKIPPED_SECTIONS: Readonly<Record<string, string>> = {
  block_ext: 'cel.block: made by optimizers, not in Kubernetes',
  encoders_ext: 'base64: not in Kubernetes',
  math_ext: 'math.*: not in Kubernetes',
  network_ext: 'net.*: Kubernetes has its own, see kubernetes/',
  dynamic: 'protobuf wrappers and Any',
  enums: 'protobuf enums',
  proto2: 'protobuf messages',
  proto2_ext: 'protobuf messages',
  proto3: 'protobuf messages',
  wrappers: 'protobuf wrappers',
  namespace: 'containers: Kubernetes has none',
}

/** Single tests left out, and why. */
const SKIPPED_TESTS: Readonly<Record<string, string>> = {
  indexof_out_of_range: 'cel-go answers -1 past the end, and leaves the test out as well',
  lastindexof_out_of_range: 'cel-go answers -1 past the end, and leaves the test out as well',
}

/** What a test uses that is not there: messages, containers, functions of its own. */
const UNSUPPORTED =
  /TestAllTypes|NestedTestAllTypes|google\.protobuf\.(?!Timestamp\b|Duration\b)|google\.protobuf\.(?:Timestamp|Duration)\{|cel\.expr|GlobalEnum|objectValue|messageType|wrapper"|wellKnown":"ANY|"function":/

interface Test {
  readonly name?: string
  readonly expr: string
  readonly typeEnv?: readonly { readonly name: string; readonly ident?: { readonly type: unknown } }[]
  readonly bindings?: Readonly<Record<string, { readonly value: Json }>>
  readonly value?: Json
  readonly evalError?: unknown
  readonly container?: string
  readonly checkOnly?: boolean
  readonly disableCheck?: boolean
  readonly typedResult?: { readonly result?: Json }
}

type Json = Readonly<Record<string, unknown>>

const LIBRARIES = [
  BINDINGS_LIBRARY,
  STANDARD_LIBRARY,
  OPTIONAL_LIBRARY,
  STRINGS_LIBRARY,
  STRING_REVERSE,
  TWO_VARIABLE_COMPREHENSIONS,
]

function celValue(json: Json): CelValue {
  const [[kind = '', value] = []] = Object.entries(json)
  switch (kind) {
    case 'int64Value':
      return BigInt(value as string)
    case 'uint64Value':
      return new CelUint(BigInt(value as string))
    case 'doubleValue':
      return Number(value)
    case 'bytesValue':
      return Buffer.from(value as string, 'base64')
    case 'listValue':
      return new ArrayList(((value as { values?: Json[] }).values ?? []).map(celValue))
    case 'mapValue': {
      const { entries = [] } = value as { entries?: { key: Json; value: Json }[] }
      return EntryMap.of(entries.map((entry) => [celValue(entry.key), celValue(entry.value)]))
    }
    case 'typeValue':
      return new CelTypeValue(value as string)
    default:
      return value as CelValue
  }
}

function typeOf(json: unknown): CelType {
  const [[kind = '', value] = []] = Object.entries(json as Json)
  switch (kind) {
    case 'primitive':
      return parseType((value as string).toLowerCase().replace('64', ''))
    case 'wellKnown':
      return parseType((value as string).toLowerCase())
    case 'listType':
      return listType(typeOf((value as { elemType: unknown }).elemType))
    case 'mapType': {
      const { keyType, valueType } = value as { keyType: unknown; valueType: unknown }
      return mapType(typeOf(keyType), typeOf(valueType))
    }
    case 'abstractType':
      return optionalType(typeOf((value as { parameterTypes: unknown[] }).parameterTypes[0]))
    default:
      return DYN
  }
}

function testsOf(section: (typeof suite.suites & object)[number]): Test[] {
  const own = (section.tests ?? []).map(({ original }) => original as unknown as Test)
  return [...own, ...(section.suites ?? []).flatMap(testsOf)]
}

interface Outcome {
  readonly value?: CelValue
  readonly problem?: string
}

function run({ expr, typeEnv = [], bindings = {}, checkOnly = false }: Test): Outcome {
  const variables = Object.fromEntries(
    typeEnv.flatMap(({ name, ident }) => (ident ? [[name, typeOf(ident.type)]] : [])),
  )
  const environment = new CelEnvironment({
    libraries: LIBRARIES,
    variables,
    allowsMixedLiterals: true,
    allowsQuotedFields: true,
  })
  const { program, problem } = environment.compile(expr)
  if (program === undefined) return { problem }
  if (checkOnly) return { value: null }
  const values = Object.fromEntries(Object.entries(bindings).map(([name, { value }]) => [name, celValue(value)]))
  const { value, error } = program.evaluate(values, { costLimit: Number.POSITIVE_INFINITY })
  return value === undefined ? { problem: error } : { value }
}

const isUsable = (test: Test): boolean =>
  !UNSUPPORTED.test(JSON.stringify(test)) && test.container === undefined && !((test.name ?? '') in SKIPPED_TESTS)

/** What went otherwise than the test wants; undefined if nothing did. */
function failureOf(test: Test): unknown {
  const { value, problem } = run(test)
  if (test.evalError !== undefined) return problem === undefined ? { ...test, value } : undefined
  // Here everything is checked, also what these tests have in them only to be met at run time.
  if (test.disableCheck && problem?.startsWith('ERROR: ')) return undefined
  if (value === undefined) return { ...test, problem }
  const wanted = celValue(test.value ?? test.typedResult?.result ?? { boolValue: true })
  return test.checkOnly || isSame(value, wanted) ? undefined : { ...test, value, wanted }
}

describe('CEL conformance', () => {
  for (const section of suite.suites ?? []) {
    if (section.name in SKIPPED_SECTIONS) continue
    const usable = testsOf(section).filter(isUsable)
    if (usable.length === 0) continue
    it(`${section.name}: ${usable.length} tests`, () => {
      expect(usable.map(failureOf).filter((failure) => failure !== undefined)).toEqual([])
    })
  }
})

/** Equal, of one type; NaN is itself here. */
function isSame(value: CelValue, wanted: CelValue): boolean {
  if (typeNameOf(value) !== typeNameOf(wanted)) return false
  return equals(value, wanted) || (typeof value === 'number' && Object.is(value, wanted))
}
