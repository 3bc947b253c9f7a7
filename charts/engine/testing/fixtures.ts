// Test data outside the repository and render options for tests.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseKubeVersion } from '../chart/objects.ts'
import type { ChartFile } from '../chart/types.ts'
import type { GoMap, GoValue } from '../gotypes/value.ts'
import { FUNCTION_TABLE } from '../helm/function-table.ts'
import { dropNoValue } from '../helm/functions.ts'
import type { RenderOptions } from '../render.ts'
import { parse } from '../template/parse.ts'
import { State } from '../template/state.ts'
import { Template, TemplateSet } from '../template/template-set.ts'

export const DATA = join(import.meta.dirname, '../../../../shared/data')
export const hasData = existsSync(DATA)

/** Deterministic bytes; certificates and passwords only need them to exist. */
function countingBytes(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => (i * 7 + 1) % 251)
}

export function renderOptions(overrides: Partial<RenderOptions> = {}): RenderOptions {
  return {
    release: { name: 'rel', namespace: 'ns', revision: 1, isInstall: true, isUpgrade: false },
    capabilities: {
      kubeVersion: parseKubeVersion('v1.35.0'),
      apiVersions: [
        'v1',
        'apps/v1',
        'batch/v1',
        'policy/v1',
        'networking.k8s.io/v1',
        'rbac.authorization.k8s.io/v1',
        'autoscaling/v2',
        'admissionregistration.k8s.io/v1',
      ],
    },
    randomBytes: countingBytes,
    nowMs: () => Date.UTC(2026, 0, 2, 3, 4, 5),
    ...overrides,
  }
}

/** Executes one text named "t" the way the golden rows were made. */
export function renderText(text: string, data: GoValue): string {
  const templates = new TemplateSet(FUNCTION_TABLE)
  for (const tree of parse('t', text, (name) => FUNCTION_TABLE.has(name)).values())
    templates.add(tree.name, new Template(tree, FUNCTION_TABLE))
  const state = new State(
    {
      limits: { depth: 1000, outputChars: 1_000_000, steps: 100_000 },
      strict: false,
      now: () => Date.UTC(2026, 0, 2, 3, 4, 5),
      randomBytes: countingBytes,
      lookup: (): GoMap => new Map(),
    },
    templates,
  )
  return dropNoValue(state.capture(templates.get('t') as Template, data))
}

export function readFolder(folder: string, prefix = ''): ChartFile[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory()
      ? readFolder(path, `${prefix}${entry.name}/`)
      : [{ path: prefix + entry.name, data: readFileSync(path) }]
  })
}

/** A chart's files from a table of path → text. */
export function chartFiles(files: Readonly<Record<string, string>>): ChartFile[] {
  return Object.entries(files).map(([path, text]) => ({ path, data: Buffer.from(text) }))
}
