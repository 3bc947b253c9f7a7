/** The documentation against the code: links, names, flags, limits and the compiled example. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuditCounts } from '#apiserver/audit/metrics.ts'
import type { FlagSpec } from '#cli/config/flags.ts'
import { SERVER_FLAGS } from '#cli/config/flags.ts'
import { FeatureGates } from '#cli/server/feature-gates.ts'
import { measureStorageSize, sqliteObserver } from '#cli/server/process-metrics.ts'
import { KNARR_VERSION } from '#cli/version.ts'
import { SchedulerMetrics } from '#controllers/scheduler/metrics.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ARCHITECTURE_LINES_MAX = 270

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

interface Link {
  readonly page: string
  readonly text: string
  /** From the project's root; the page itself for `#anchor`. */
  readonly target: string
  readonly anchor: string
}

function pages(): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '--', '*.md']
  const listed = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).split('\n')
  return [...new Set(listed)].filter((path) => path !== '' && existsSync(join(ROOT, path))).sort()
}

/** Markdown without its fenced code, where brackets are no links. */
const prose = (markdown: string): string => markdown.replace(/^```[\s\S]*?^```/gm, '')

function linksOf(page: string): Link[] {
  const found = [...prose(read(page)).matchAll(/\[([^\]]+)\]\(([^)\s]+)\)/g)]
  return found
    .map(([, text = '', url = '']) => ({ text, url }))
    .filter(({ url }) => !/^[a-z]+:/.test(url))
    .map(({ text, url }) => {
      const [path = '', anchor = ''] = url.split('#')
      return { page, text, anchor, target: path === '' ? page : relative(ROOT, join(ROOT, dirname(page), path)) }
    })
}

/** As GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const headings = [...prose(read(page)).matchAll(/^#+ (.+)$/gm)].map(([, text = '']) => text)
  return new Set(
    headings.map((text) =>
      text
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

const links = (): Link[] => pages().flatMap(linksOf)
const isFile = (path: string): boolean => statSync(join(ROOT, path), { throwIfNoEntry: false })?.isFile() === true

describe('links between pages', () => {
  it('lead to files and folders of the project', () => {
    const broken = links().filter(({ target }) => target.startsWith('..') || !existsSync(join(ROOT, target)))
    expect(broken.map(({ page, target }) => `${page}: ${target}`)).toEqual([])
  })

  it('name headings that exist', () => {
    const anchored = links().filter(({ anchor, target }) => anchor !== '' && target.endsWith('.md') && isFile(target))
    const broken = anchored.filter(({ anchor, target }) => !anchorsOf(target).has(anchor))
    expect(broken.map(({ page, target, anchor }) => `${page}: ${target}#${anchor}`)).toEqual([])
  })

  it('name functions and types that their file holds', () => {
    const wrong = links()
      .filter(({ target }) => target.endsWith('.ts') && isFile(target))
      .flatMap(({ page, text, target }) => {
        const source = read(target)
        const names = [...text.matchAll(/`([A-Za-z_.#$]+)`/g)].flatMap(([, name = '']) => name.split('.'))
        const isPath = (name: string): boolean => name === 'ts' || text.includes('.ts')
        return names
          .filter((name) => !isPath(name) && !new RegExp(`(?<![\\w#])${name}\\b`).test(source))
          .map((name) => `${page}: ${name} is not in ${target}`)
      })
    expect(wrong).toEqual([])
  })
})

describe('ARCHITECTURE.md', () => {
  const lines = read('ARCHITECTURE.md').split('\n')

  it(`has at most ${ARCHITECTURE_LINES_MAX} lines`, () => {
    expect(lines.length - 1).toBeLessThanOrEqual(ARCHITECTURE_LINES_MAX)
  })

  it('names limits that exist in the files beside them', () => {
    const bounds = lines.slice(lines.indexOf('## Bounds')).filter((line) => line.startsWith('| ') && line.includes('`'))
    const missing = bounds.flatMap((line) => {
      const sources = [...line.matchAll(/\]\(([^)]+\.ts)\)/g)].map(([, path = '']) => (isFile(path) ? read(path) : ''))
      const names = [...(line.split(' | ')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, name = '']) => name)
      const unknown = names.filter((name) => !sources.some((source) => new RegExp(`\\b${name}\\b`).test(source)))
      return unknown.map((name) => `${name}: ${line}`)
    })
    expect(bounds.length).toBeGreaterThan(20)
    expect(missing).toEqual([])
  })
})

describe('docs/configuration.md', () => {
  const rows = read('docs/configuration.md')
    .split('\n')
    .filter((line) => line.startsWith('| `--'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
  const documented = new Map(rows.map(([, names = '', variable = '']) => [/`--([\w-]+)`/.exec(names)?.[1], variable]))
  const flags: readonly FlagSpec[] = SERVER_FLAGS

  it('lists exactly the flags there are', () => {
    const shown = flags.filter(({ hidden }) => hidden !== true).map(({ name }) => name)
    expect([...documented.keys()].sort()).toEqual(shown.sort())
  })

  it.each(flags.filter(({ hidden }) => hidden !== true))('gives --$name its variable and short form', (flag) => {
    const row = rows.find(([, names = '']) => names.includes(`\`--${flag.name}\``))?.[1] ?? ''
    expect(documented.get(flag.name)).toBe(flag.env === undefined ? '' : `\`${flag.env}\``)
    expect(/`-(\w)`/.exec(row)?.[1]).toBe(flag.short)
  })
})

describe('a running server', () => {
  let plane: TestControlPlane

  beforeAll(async () => {
    plane = await startTestControlPlane()
    sqliteObserver(plane.metrics)
    measureStorageSize(plane.metrics, plane.storage)
    new SchedulerMetrics(plane.metrics)
    new FeatureGates(new Map()).measure(plane.metrics)
    createAuditCounts(plane.metrics)
  })
  afterAll(() => plane.stop())

  const get = async <T>(path: string): Promise<T> => (await plane.client.raw({ method: 'GET', path })).body as T

  /** `apps/v1 deployments (scale, status)`, as the pages write it. */
  async function servedBy(groupVersion: string): Promise<string[]> {
    const root = groupVersion === 'v1' ? '/api/v1' : `/apis/${groupVersion}`
    const names = (await get<{ resources: { name: string }[] }>(root)).resources.map(({ name }) => name).sort()
    return names
      .filter((name) => !name.includes('/'))
      .map((name) => {
        const parts = names.filter((other) => other.startsWith(`${name}/`)).map((other) => other.split('/')[1])
        return parts.length === 0 ? `\`${name}\`` : `\`${name}\` (${parts.join(', ')})`
      })
  }

  it('serves what docs/compatibility.md lists, and nothing else', async () => {
    const rows = read('docs/compatibility.md').split('\n')
    const { groups } = await get<{ groups: { versions: { groupVersion: string }[] }[] }>('/apis')
    const groupVersions = ['v1', ...groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => groupVersion))]
    const wrong: string[] = []
    for (const groupVersion of groupVersions.filter((name) => name !== 'autoscaling/v2')) {
      const first = groupVersion === 'v1' ? '| core `v1` |' : `| \`${groupVersion}\``
      const [, , cell = ''] = rows.find((row) => row.startsWith(first))?.split('|') ?? []
      const listed = cell.split(':')[0]?.match(/`\w+`(?: \([\w, ]+\))?/g) ?? []
      const served = await servedBy(groupVersion)
      if (listed.join() !== served.join()) wrong.push(`${groupVersion}: ${listed.join()} is ${served.join()}`)
    }
    expect(wrong).toEqual([])
  })

  it('has the metrics docs/metrics.md lists, and no others', () => {
    const page = read('docs/metrics.md')
    const listed = [...page.matchAll(/^\| `(\w+)` \| (?:counter|gauge|histogram) \|/gm)].map(([, name = '']) => name)
    const registered = plane.metrics.getMetricsAsArray().map(({ name }) => name)
    expect(listed.sort()).toEqual(registered.sort())
  })
})

describe('docs/writing-a-controller.md', () => {
  it('shows the example as it is compiled and tested', () => {
    expect(read('docs/writing-a-controller.md')).toContain(
      `\`\`\`ts\n${read('test/integration/examples/default-limits.ts')}\`\`\`\n`,
    )
  })
})

describe('docs/adding-a-controller.md', () => {
  it('shows the controller as it is', () => {
    expect(read('docs/adding-a-controller.md')).toContain(
      `\`\`\`ts\n${read('controllers/ttl-after-finished/reconciler.ts')}\`\`\`\n`,
    )
  })
})

describe('docs/conformance.md', () => {
  it('counts the tests that are listed by name', () => {
    const page = read('docs/conformance.md')
    const listed = read('test/conformance/simulated-nodes.txt').trimEnd().split('\n')
    const passing = [...page.matchAll(/^\| [\w-]+ \| \d+ \| (\d+) \|/gm)].map(([, count]) => Number(count))
    const total = passing.pop()
    expect(passing.reduce((sum, count) => sum + count, 0)).toBe(total)
    expect(new Set(listed).size).toBe(total)
    expect(read('docs/compatibility.md')).toContain(`${total} pass with simulated nodes`)
  })
})

describe('the version', () => {
  it('is the same in the program and in package.json', () => {
    expect((JSON.parse(read('package.json')) as { version: string }).version).toBe(KNARR_VERSION)
  })
})
