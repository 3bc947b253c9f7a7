import { describe, expect, it } from 'vitest'
import type { PersistentVolumeClaimSpec } from '#machinery/api/core/v1/types.gen.ts'
import { deepFreeze } from '#machinery/util/json.ts'
import { prepareDataSources } from './data-source.ts'

type Sources = Pick<PersistentVolumeClaimSpec, 'dataSource' | 'dataSourceRef'>

const claim = { kind: 'PersistentVolumeClaim', name: 'c' }
const snapshot = { apiGroup: 'snapshot.storage.k8s.io', kind: 'VolumeSnapshot', name: 's' }
const populator = { apiGroup: 'example.dev', kind: 'Image', name: 'i' }
const odd = { kind: 'Secret', name: 'x' }
const elsewhere = { ...populator, namespace: 'other' }
const both = (source: typeof claim): Sources => ({ dataSource: source, dataSourceRef: source })

describe('prepareDataSources', () => {
  it.each<[string, Sources, Sources | undefined, Sources]>([
    ['nothing', {}, undefined, {}],
    ['a claim', { dataSource: claim }, undefined, both(claim)],
    ['a snapshot', { dataSource: snapshot }, undefined, both(snapshot)],
    ['a claim by reference', { dataSourceRef: claim }, undefined, both(claim)],
    ['any kind by reference', { dataSourceRef: populator }, undefined, both(populator)],
    [
      'an empty namespace',
      { dataSourceRef: { ...populator, namespace: '' } },
      undefined,
      {
        dataSource: populator,
        dataSourceRef: { ...populator, namespace: '' },
      },
    ],
    ['any kind in the old field: dropped', { dataSource: populator }, undefined, {}],
    ['a snapshot of no group: dropped', { dataSource: { ...snapshot, apiGroup: '' } }, undefined, {}],
    ['a core kind in both: left to validation', both(odd), undefined, both(odd)],
    [
      'two different ones: left to validation',
      { dataSource: claim, dataSourceRef: snapshot },
      undefined,
      {
        dataSource: claim,
        dataSourceRef: snapshot,
      },
    ],
    ['another namespace: dropped', { dataSourceRef: elsewhere }, undefined, {}],
    ['another namespace, on update of a claim without: dropped', { dataSourceRef: elsewhere }, {}, {}],
    [
      'another namespace that is stored: kept',
      { dataSourceRef: elsewhere },
      { dataSourceRef: elsewhere },
      {
        dataSourceRef: elsewhere,
      },
    ],
    [
      'an update by a client that knows the old field only',
      { dataSource: populator },
      both(populator),
      both(populator),
    ],
    ['an update of a claim without a source', { dataSource: populator }, {}, {}],
  ])('%s', (_name, given, old, expected) => {
    const spec = structuredClone(given)
    prepareDataSources(spec, old === undefined ? undefined : deepFreeze(structuredClone(old)), () => false)
    expect(spec).toEqual(expected)
  })

  it('keeps another namespace with the gate, without mirroring it', () => {
    const spec: Sources = { dataSourceRef: elsewhere }
    prepareDataSources(spec, undefined, (gate) => gate === 'CrossNamespaceVolumeDataSource')
    expect(spec).toEqual({ dataSourceRef: elsewhere })
  })
})
