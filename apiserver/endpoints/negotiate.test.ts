import { expect, it } from 'vitest'
import { parseAccept } from './accept.ts'
import { negotiateError, negotiateOutput, negotiateStream, negotiateWithoutTable } from './negotiate.ts'

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io'
const PROTOBUF = 'application/vnd.kubernetes.protobuf'
const PARTIAL = 'as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'

const builtIn = { protobuf: () => Buffer.alloc(0) }
const custom = { protobuf: undefined }

it.each([
  [undefined, 'json', 'Object'],
  ['*/*', 'json', 'Object'],
  ['application/*', 'json', 'Object'],
  ['application/json, */*', 'json', 'Object'],
  ['application/json;pretty=1', 'json', 'Object'],
  ['application/yaml', 'yaml', 'Object'],
  ['application/json;q=0.5,application/yaml', 'yaml', 'Object'],
  [PROTOBUF, 'protobuf', 'Object'],
  [`${PROTOBUF},application/json`, 'protobuf', 'Object'],
  [`application/json,${PROTOBUF}`, 'json', 'Object'],
  [`application/json;q=0.9,${PROTOBUF};q=0.95`, 'protobuf', 'Object'],
  [`application/json;q=nonsense,${PROTOBUF};q=0.1`, 'protobuf', 'Object'],
  [`*/*,${PROTOBUF}`, 'protobuf', 'Object'],
  [`${PROTOBUF}, */*`, 'protobuf', 'Object'],
  [`${PROTOBUF};stream=watch`, 'protobuf', 'Object'],
  [`${PROTOBUF};stream=other,application/json`, 'json', 'Object'],
  [`${PROTOBUF};sv=v9,application/json`, 'json', 'Object'],
  [`${TABLE},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`, 'json', 'Table'],
  [`${PROTOBUF};as=Table;v=v1;g=meta.k8s.io,application/json`, 'json', 'Object'],
  [`${PROTOBUF};${PARTIAL},application/json;${PARTIAL},application/json`, 'protobuf', 'PartialObjectMetadata'],
  ['application/json;as=Unheard;v=v1;g=meta.k8s.io,application/json', 'json', 'Object'],
  ['application/json;as=Table;v=v9;g=meta.k8s.io,application/json', 'json', 'Object'],
  ['application/json;v=v1,application/yaml', 'yaml', 'Object'],
])('%s is answered with %s as %s', (accept, media, as) => {
  expect(negotiateOutput(accept, builtIn)).toMatchObject({ media, as })
})

it.each([
  [`${PROTOBUF},application/json`, 'json', 'Object'],
  [`${PROTOBUF};q=1,*/*;q=0.1`, 'json', 'Object'],
  [`${PROTOBUF};${PARTIAL},application/json`, 'protobuf', 'PartialObjectMetadata'],
])('of custom resources only the metadata has a protobuf form: %s is %s as %s', (accept, media, as) => {
  expect(negotiateOutput(accept, custom)).toMatchObject({ media, as })
})

it.each([
  ['application/cbor', builtIn],
  ['text/html', builtIn],
  ['nonsense', builtIn],
  ['application/json;as=Table;v=v9;g=meta.k8s.io', builtIn],
  [`${PROTOBUF};as=Table;v=v1;g=meta.k8s.io`, builtIn],
  [PROTOBUF, custom],
])('%s is not acceptable', (accept, presenter) => {
  expect(() => negotiateOutput(accept, presenter)).toThrow(
    `only the following media types are accepted: application/json, application/yaml, ${PROTOBUF}`,
  )
})

it('passes over a Table for what has no columns, down to 406', () => {
  expect(negotiateWithoutTable(`${TABLE},application/yaml`, builtIn)).toMatchObject({ media: 'yaml', as: 'Object' })
  expect(negotiateWithoutTable('application/json', builtIn)).toMatchObject({ media: 'json', as: 'Object' })
  expect(() => negotiateWithoutTable(TABLE, builtIn)).toThrow('only the following media types are accepted')
})

it('has streams of JSON and protobuf, not of YAML', () => {
  expect(negotiateStream(`${PROTOBUF};stream=watch,application/json`, builtIn).media).toBe('protobuf')
  expect(negotiateStream('application/yaml;stream=watch,application/json', builtIn).media).toBe('json')
  const refused = `application/json;stream=watch, ${PROTOBUF};stream=watch`
  for (const accept of ['application/yaml', 'application/yaml,application/json'])
    expect(() => negotiateStream(accept, builtIn)).toThrow(refused)
  // What could not be listed, either, is told what lists are of.
  const all = `application/json, application/yaml, ${PROTOBUF}`
  for (const accept of ['text/html', `${PROTOBUF};as=Table;v=v1;g=meta.k8s.io`])
    expect(() => negotiateStream(accept, builtIn)).toThrow(all)
})

it.each([
  [undefined, 'json'],
  [PROTOBUF, 'protobuf'],
  ['application/yaml', 'yaml'],
  [`${PROTOBUF};${PARTIAL},application/yaml`, 'yaml'],
  ['text/html', 'json'],
  [TABLE, 'json'],
])('says what went wrong to %s in %s', (accept, media) => {
  expect(negotiateError(accept)).toBe(media)
})

it.each([
  ['a/b;q=0.5, c/d', ['c/d', 'a/b']],
  ['a/*, */*, a/b', ['a/b', 'a/*', '*/*']],
  ['*', ['*/*']],
  ['a, b/c/d, e/f', ['e/f']],
  // Go's comparison puts what is specific first even when it is wanted less.
  ['*/*;q=0.9, a/b;q=0.1', ['a/b', '*/*']],
])('%s is tried as %j', (accept, order) => {
  expect(parseAccept(accept).map(({ mediaType }) => mediaType)).toEqual(order)
})

it('sorts long headers, too, in little time', () => {
  const many = Array.from({ length: 5_000 }, (_, index) => `a/b${index};q=0.${index % 10}`).join(',')
  expect(parseAccept(many)[0]?.quality).toBe(0.9)
})
