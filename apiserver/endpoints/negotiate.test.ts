import { expect, it } from 'vitest'
import { negotiateOutput, negotiateWithoutTable } from './negotiate.ts'

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io'

it.each([
  [undefined, 'json', 'Object'],
  ['*/*', 'json', 'Object'],
  ['application/json, */*', 'json', 'Object'],
  ['application/yaml', 'yaml', 'Object'],
  ['application/json;q=0.5,application/yaml', 'yaml', 'Object'],
  ['application/vnd.kubernetes.protobuf,application/json', 'json', 'Object'],
  ['application/vnd.kubernetes.protobuf, */*', 'json', 'Object'],
  [`${TABLE},application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json`, 'json', 'Table'],
  [
    'application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json',
    'json',
    'PartialObjectMetadata',
  ],
  ['application/json;as=Unheard;v=v1;g=meta.k8s.io,application/json', 'json', 'Object'],
  ['application/json;as=Table;v=v9;g=meta.k8s.io,application/json', 'json', 'Object'],
])('%s is answered with %s as %s', (accept, media, as) => {
  expect(negotiateOutput(accept)).toMatchObject({ media, as })
})

it.each(['application/cbor', 'text/html', 'application/json;as=Table;v=v9;g=meta.k8s.io'])(
  '%s is not acceptable',
  (accept) => {
    expect(() => negotiateOutput(accept)).toThrow(
      'only the following media types are accepted: application/json, application/yaml',
    )
  },
)

it('passes over a Table for what has no columns, down to 406', () => {
  expect(negotiateWithoutTable(`${TABLE},application/yaml`)).toMatchObject({ media: 'yaml', as: 'Object' })
  expect(negotiateWithoutTable('application/json')).toMatchObject({ media: 'json', as: 'Object' })
  expect(() => negotiateWithoutTable(TABLE)).toThrow('only the following media types are accepted')
})
