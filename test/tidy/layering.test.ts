import { describe, expect, it } from 'vitest'
import { productFiles, type SourceFile } from './source-files.ts'

/**
 * STYLE.md's layering table. A file may import (values) what its first matching row allows, and anything in its own row's
 * folder. Types may come from any `interfaces.ts`/`interface.ts` besides.
 */
const MACHINERY = ['machinery/']
const RULES: readonly {
  readonly folder: string
  readonly may: readonly string[]
  readonly mayNot?: readonly string[]
}[] = [
  { folder: 'machinery/util/', may: [] },
  { folder: 'machinery/api/', may: ['machinery/meta/resource.ts'] },
  { folder: 'machinery/client/', may: MACHINERY, mayNot: ['machinery/informers/', 'machinery/workqueue/'] },
  { folder: 'machinery/informers/', may: MACHINERY },
  { folder: 'machinery/workqueue/', may: MACHINERY },
  {
    folder: 'machinery/',
    may: MACHINERY,
    mayNot: ['machinery/client/', 'machinery/informers/', 'machinery/workqueue/'],
  },
  { folder: 'crds/', may: MACHINERY },
  { folder: 'charts/engine/', may: ['machinery/util/'] },
  { folder: 'charts/', may: ['charts/', ...MACHINERY] },
  { folder: 'apiserver/storage/', may: MACHINERY, mayNot: ['machinery/client/', 'machinery/informers/'] },
  { folder: 'apiserver/apis/', may: ['apiserver/cel/', ...MACHINERY] },
  {
    folder: 'apiserver/registry/',
    may: [
      'apiserver/registry/',
      'apiserver/storage/',
      'apiserver/apis/',
      'apiserver/authentication/',
      'apiserver/authorization/',
      'apiserver/admission/',
      ...MACHINERY,
    ],
  },
  {
    folder: 'apiserver/endpoints/',
    may: ['apiserver/endpoints/', 'apiserver/registry/generic/', ...MACHINERY],
  },
  { folder: 'apiserver/aggregator/', may: ['apiserver/', ...MACHINERY] },
  { folder: 'apiserver/controlplane/', may: ['apiserver/storage/', ...MACHINERY] },
  { folder: 'apiserver/extensions/', may: ['apiserver/', ...MACHINERY] },
  { folder: 'apiserver/server/', may: ['apiserver/', ...MACHINERY] },
  {
    folder: 'apiserver/',
    may: [
      'apiserver/admission/',
      'apiserver/audit/',
      'apiserver/authentication/',
      'apiserver/authorization/',
      'apiserver/cel/',
      'apiserver/filters/',
      ...MACHINERY,
    ],
  },
  { folder: 'controllers/sdk/', may: MACHINERY },
  { folder: 'controllers/manager/descriptors.ts', may: ['controllers/', ...MACHINERY] },
  { folder: 'controllers/manager/', may: ['controllers/sdk/', 'controllers/manager/', ...MACHINERY] },
  { folder: 'controllers/', may: ['controllers/sdk/', 'controllers/manager/', ...MACHINERY] },
  { folder: 'agent/', may: ['agent/', ...MACHINERY] },
  { folder: 'addons/', may: ['controllers/sdk/', ...MACHINERY] },
  { folder: 'cli/', may: [''] },
]

/** What one folder may import besides its rule, each with its reason in STYLE.md. */
const GRANTS: Readonly<Record<string, readonly string[]>> = {
  'controllers/helmchart/': ['charts/'],
  'controllers/deploy/': ['addons/', 'crds/'],
}

function ownFolder(path: string): string {
  const [top = '', second = ''] = path.split('/')
  return path.split('/').length > 2 ? `${top}/${second}/` : `${top}/`
}

function isInterfaceFile(target: string): boolean {
  return /(^|\/)interfaces?\.ts$/.test(target)
}

function violations(file: SourceFile): string[] {
  const rule = RULES.find(({ folder }) => file.path.startsWith(folder))
  if (rule === undefined)
    return [`${file.path}: no layering rule covers it: add its folder to test/tidy/layering.test.ts`]
  const own = ownFolder(file.path)
  const granted = [...rule.may, own, ...(GRANTS[own] ?? [])]
  return file.imports
    .filter((imported) => !imported.isExternal && !(imported.isTypeOnly && isInterfaceFile(imported.target)))
    .filter(({ target }) => {
      const isAllowed = granted.some((prefix) => target.startsWith(prefix))
      return !isAllowed || (rule.mayNot ?? []).some((prefix) => target.startsWith(prefix) && own !== prefix)
    })
    .map(({ target, line }) => `${file.path}:${line} imports ${target}, which its layer may not (STYLE.md, Layering)`)
}

describe('layering', () => {
  it('lets every file import only what its layer may', () => {
    expect(productFiles().flatMap(violations)).toEqual([])
  })

  it('keeps tests and benchmarks out of the product', () => {
    const offenders = productFiles().flatMap((file) =>
      file.imports
        .filter(
          ({ target, isExternal }) => !isExternal && (/^(test|bench)\//.test(target) || /\.test\.ts$/.test(target)),
        )
        .map(({ target }) => `${file.path} imports ${target}`),
    )
    expect(offenders).toEqual([])
  })

  it('has no import cycles among values', () => {
    expect(cycles()).toEqual([])
  })
})

function cycles(): string[] {
  const graph = new Map(
    productFiles().map((file) => [
      file.path,
      file.imports.filter(({ isExternal, isTypeOnly }) => !isExternal && !isTypeOnly).map(({ target }) => target),
    ]),
  )
  const done = new Set<string>()
  const found: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path)
    if (start >= 0) {
      found.push([...trail.slice(start), path].join(' -> '))
      return
    }
    if (done.has(path)) return
    for (const target of graph.get(path) ?? []) visit(target, [...trail, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  return found
}
