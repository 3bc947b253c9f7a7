import { describe, expect, it } from 'vitest'
import { formatKind, ManifestError, parseKind, parseManifest } from './manifest.ts'

function failure(text: string): ManifestError {
  try {
    parseManifest(text)
  } catch (err: unknown) {
    if (err instanceof ManifestError) return err
    throw err
  }
  throw new Error('expected a ManifestError')
}

const configMap = (name: string): string => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\n`

describe('parseManifest', () => {
  it('reads several documents, skips empty and comment-only ones', () => {
    const objects = parseManifest(`# nothing\n---\n${configMap('a')}---\n---\n# still nothing\n---\n${configMap('b')}`)
    expect(objects.map(({ object }) => object.metadata.name)).toEqual(['a', 'b'])
    expect(objects[0]?.kind).toEqual({ group: '', version: 'v1', kind: 'ConfigMap' })
  })

  it('flattens Lists', () => {
    const list = {
      apiVersion: 'v1',
      kind: 'List',
      items: [{ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' } }],
    }
    expect(parseManifest(JSON.stringify(list)).map(({ kind }) => kind)).toEqual([
      { group: 'apps', version: 'v1', kind: 'Deployment' },
    ])
  })

  it('yields nothing for an empty file', () => {
    expect(parseManifest('')).toEqual([])
    expect(parseManifest('---\n# gone\n')).toEqual([])
  })

  it.each([
    ['broken YAML', `${configMap('a')}---\nkind: [\n`, 1],
    ['no kind', `${configMap('a')}---\n${configMap('b')}---\napiVersion: v1\nmetadata: { name: x }\n`, 2],
    ['no name', 'apiVersion: v1\nkind: Secret\n', 0],
    ['a scalar', 'just text\n', 0],
    ['a bad apiVersion', 'apiVersion: a/b/c\nkind: X\nmetadata: { name: x }\n', 0],
  ])('says where %s is', (_what, text, documentIndex) => {
    const { position } = failure(text)
    expect(position.documentIndex).toBe(documentIndex)
    expect(position.line).toBeGreaterThan(0)
  })

  it('gives the line of the offending document', () => {
    const text = `${configMap('a')}---\nkind: Secret\nmetadata:\n  name: b\n`
    expect(failure(text).position.line).toBe(6)
  })
})

describe('kind text', () => {
  it.each([
    [{ group: '', version: 'v1', kind: 'ConfigMap' }, '/v1, Kind=ConfigMap'],
    [{ group: 'apps', version: 'v1', kind: 'Deployment' }, 'apps/v1, Kind=Deployment'],
  ])('is Go-compatible both ways', (kind, text) => {
    expect(formatKind(kind)).toBe(text)
    expect(parseKind(text)).toEqual(kind)
  })

  it('refuses other text', () => {
    expect(parseKind('ConfigMap')).toBeUndefined()
  })
})
