import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { HASH_LABEL, lastApplied, objectSetHash, withOwner } from './object-set.ts'

const addon = { namespace: 'kube-system', name: 'foo' }

function configMap(size: number): KubeObject {
  const object = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'c', labels: { a: 'b' } },
    data: { text: 'x'.repeat(size) },
  }
  return object
}

describe('object set', () => {
  it('hashes as wrangler does: owner kind, name and namespace without separators', () => {
    const expected = createHash('sha1').update('k3s.cattle.io/v1, Kind=Addonfookube-system').digest('hex')
    expect(objectSetHash(addon)).toBe(expected)
  })

  it.each([10, 5000])('records the applied configuration (%i bytes of data) and reads it back', async (size) => {
    const object = configMap(size)
    const owned = await withOwner(object, addon)
    expect(owned.metadata.labels).toEqual({ a: 'b', [HASH_LABEL]: objectSetHash(addon) })
    expect(owned.metadata.annotations?.['objectset.rio.cattle.io/owner-gvk']).toBe('k3s.cattle.io/v1, Kind=Addon')
    const recorded = owned.metadata.annotations?.['objectset.rio.cattle.io/applied'] ?? ''
    expect(recorded.startsWith('{')).toBe(size < 1000)
    const applied = await lastApplied(owned)
    expect(applied).toMatchObject({ kind: 'ConfigMap', data: { text: 'x'.repeat(size) } })
    expect(JSON.stringify(applied)).not.toContain('objectset.rio.cattle.io/applied')
    expect(object.metadata.annotations).toBeUndefined()
  })

  it('ignores an annotation somebody broke', async () => {
    const object = configMap(1)
    object.metadata.annotations = { 'objectset.rio.cattle.io/applied': 'H4sIbroken' }
    expect(await lastApplied(object)).toBeUndefined()
  })
})
