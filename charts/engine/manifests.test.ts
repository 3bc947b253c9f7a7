import { describe, expect, it } from 'vitest'
import { hooksFor, joinManifests, sortManifests, splitManifests, UNINSTALL_ORDER } from './index.ts'

const doc = (kind: string, name: string, extra = ''): string =>
  `apiVersion: v1\nkind: ${kind}\nmetadata:\n  name: ${name}\n${extra}`
const hook = (name: string, types: string, weight = '0'): string =>
  doc(
    'Job',
    name,
    `  annotations:\n    helm.sh/hook: ${types}\n    helm.sh/hook-weight: "${weight}"\n    helm.sh/hook-delete-policy: hook-succeeded, before-hook-creation\n`,
  )

describe('sortManifests', () => {
  const files = new Map([
    ['c/templates/b.yaml', `${doc('Widget', 'w')}---\n${doc('Service', 's')}--- \n${doc('Namespace', 'n')}`],
    ['c/templates/a.yaml', `---apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m}\n`],
    [
      'c/templates/h.yaml',
      `${hook('late', 'pre-install,post-upgrade', '5')}---\n${hook('early', 'pre-install', '-1')}---\n${hook('odd', 'crd-install')}`,
    ],
    ['c/templates/_p.yaml', doc('Secret', 'partial')],
    ['c/templates/e.yaml', ' \n'],
  ])

  it('installs by kind order, unknown kinds last', () => {
    expect(sortManifests(files).manifests.map((one) => one.head.kind)).toEqual([
      'Namespace',
      'ConfigMap',
      'Service',
      'Widget',
    ])
    expect(sortManifests(files, UNINSTALL_ORDER).manifests.map((one) => one.head.kind)).toEqual([
      'Service',
      'ConfigMap',
      'Namespace',
      'Widget',
    ])
  })

  it('collects hooks with weight and policies and drops unknown ones', () => {
    const { hooks } = sortManifests(files)
    expect(hooks.map((one) => one.name)).toEqual(['late', 'early'])
    expect(hooksFor(hooks, 'pre-install').map((one) => [one.name, one.weight])).toEqual([
      ['early', -1],
      ['late', 5],
    ])
    expect(hooks[0]?.deletePolicies).toEqual(['hook-succeeded', 'before-hook-creation'])
    expect(hooks[0]?.events).toEqual(['pre-install', 'post-upgrade'])
  })

  it('writes the stored manifest with the source of each document', () => {
    const [first] = sortManifests(files).manifests
    expect(first === undefined ? '' : joinManifests([first])).toBe(
      `---\n# Source: c/templates/b.yaml\n${doc('Namespace', 'n')}\n`,
    )
  })

  it('names the template of a document that is not YAML', () => {
    expect(() => sortManifests(new Map([['c/templates/x.yaml', 'a: b: c']]))).toThrow(
      'YAML parse error on c/templates/x.yaml: error converting YAML to JSON: yaml: mapping values are not allowed in this context',
    )
  })
})

describe('splitManifests', () => {
  it.each([
    ['\n\n---\na: 1\n---\n\n---\nb: 2', ['a: 1\n', 'b: 2']],
    ['a: |\n  ---\n', ['a: |\n  ---\n']],
    ['', []],
  ])('%j', (text, want) => {
    expect(splitManifests(text)).toEqual(want)
  })
})
