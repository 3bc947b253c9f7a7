// Whole charts: real `helm template` output of the OpenTelemetry collector, charts rendered by a Go engine, and
// Helm's own command goldens (../shared/data).

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  chartCrds,
  type Chart,
  type GoMap,
  joinManifests,
  loadChartArchive,
  loadChartFiles,
  mergeValues,
  parseKubeVersion,
  parseStrvals,
  readValues,
  renderChart,
  type RenderOptions,
  sortManifests,
} from './index.ts'
import { DATA, hasData, readFolder, renderOptions } from './testing/fixtures.ts'

function helmTemplate(chart: Chart, values: GoMap, options: RenderOptions, crds = false): string {
  const rendered = renderChart(chart, values, options)
  const { manifests, hooks } = sortManifests(rendered.files)
  const crdText = crds
    ? chartCrds(rendered.chart)
        .map((crd) => `---\n# Source: ${crd.path}\n${crd.content}\n`)
        .join('')
    : ''
  const hookText = hooks.map((hook) => `---\n# Source: ${hook.path}\n${hook.manifest}\n`).join('')
  return `${(crdText + joinManifests(manifests)).trim()}\n${hookText}`
}

/** The examples were squeezed: white space before a separator and at the end is gone. */
function squeeze(text: string): string {
  return text.replace(/\s+(?=\n---|$)/g, '').trim()
}

describe.skipIf(!hasData)('real helm template output (needs ../shared/data)', () => {
  const folder = join(DATA, 'otel-collector')
  const examples = hasData
    ? readdirSync(join(folder, 'examples')).filter((name) => existsSync(join(folder, 'examples', name, 'rendered')))
    : []
  const load = (): Chart =>
    loadChartFiles(
      readFolder(folder).filter((file) => !file.path.startsWith('examples/')),
      { obeyIgnore: true },
    )
  const chart = hasData ? load() : undefined

  it.each(examples)('opentelemetry-collector: %s', (example) => {
    const options = renderOptions({
      release: { name: 'example', namespace: 'default', revision: 1, isInstall: true, isUpgrade: false },
      capabilities: { ...renderOptions().capabilities, kubeVersion: parseKubeVersion('1.29') },
    })
    const here = join(folder, 'examples', example)
    const byPath = new Map<string, string>()
    for (const name of readdirSync(here)
      .filter((each) => each.endsWith('values.yaml'))
      .sort()) {
      const { files } = renderChart(chart as Chart, readValues(readFileSync(join(here, name), 'utf8')), options)
      const { manifests, hooks } = sortManifests(files)
      for (const each of [...manifests, ...hooks.map((hook) => ({ path: hook.path, content: hook.manifest }))]) {
        byPath.set(each.path, `${byPath.get(each.path) ?? ''}---\n# Source: ${each.path}\n${each.content}\n`)
      }
    }
    for (const name of readdirSync(join(here, 'rendered'))) {
      const want = readFileSync(join(here, 'rendered', name), 'utf8')
      expect(squeeze(byPath.get(`opentelemetry-collector/templates/${name}`) ?? ''), name).toBe(squeeze(want))
    }
  })

  it('covers 95 files', () => {
    const count = examples.reduce(
      (sum, example) => sum + readdirSync(join(folder, 'examples', example, 'rendered')).length,
      0,
    )
    expect(count).toBe(95)
  })
})

describe.skipIf(!hasData)('charts rendered by a Go engine (needs ../shared/data)', () => {
  it.each([
    ['ingress-nginx', 'ingress-nginx-4.15.1', 43],
    ['metrics-server', 'metrics-server-3.13.1', 19],
    ['cert-manager', 'cert-manager-v0.0.0', 48],
  ])('%s', (name, archive, count) => {
    const golden = JSON.parse(readFileSync(join(DATA, `helm-goldens/chart-${name}.json`), 'utf8')) as Record<
      string,
      string
    >
    const { files, notes } = renderChart(
      loadChartArchive(readFileSync(join(DATA, `charts/${archive}.tgz`))),
      new Map(),
      renderOptions(),
    )
    expect(Object.keys(golden)).toHaveLength(count)
    for (const [path, want] of Object.entries(golden)) {
      expect(path.endsWith('NOTES.txt') ? notes : files.get(path), path).toBe(want)
    }
  })
})

describe.skipIf(!hasData)('goldens of the helm template command (needs ../shared/data)', () => {
  const charts = join(DATA, 'helm-testdata/cmd/testdata/testcharts')
  const options = (kube = 'v1.20.0', apis: readonly string[] = []): RenderOptions =>
    renderOptions({
      release: { name: 'release-name', namespace: 'default', revision: 1, isInstall: true, isUpgrade: false },
      capabilities: {
        kubeVersion: parseKubeVersion(kube),
        apiVersions: ['v1', 'apps/v1', ...apis],
        helmVersion: 'v4.2',
      },
    })
  const output = (name: string): string => readFileSync(join(DATA, 'helm-testdata/cmd/testdata/output', name), 'utf8')

  it.each([
    ['template.txt', 'subchart', ''],
    ['template-set.txt', 'subchart', 'service.name=apache'],
    ['template-chart-with-template-lib-dep.txt', 'chart-with-template-lib-dep', ''],
    ['template-chart-with-template-lib-archive-dep.txt', 'chart-with-template-lib-archive-dep', ''],
    ['object-order.txt', 'object-order', ''],
    ['issue-9027.txt', 'issue-9027', ''],
    ['template-subchart-cm.txt', 'subchart', 'configmap.enabled=true,subchartb.enabled=true'],
    ['template-subchart-cm-set.txt', 'subchart', 'configmap.enabled=true,subchartb.enabled=true,configmap.value=baz'],
  ])('%s', (golden, name, set) => {
    const chart = loadChartFiles(readFolder(join(charts, name)), { obeyIgnore: true })
    expect(helmTemplate(chart, parseStrvals(set), options())).toBe(output(golden))
  })

  it('template-values-files.txt', () => {
    const chart = loadChartFiles(readFolder(join(charts, 'subchart')), { obeyIgnore: true })
    const values = readValues(readFileSync(join(charts, 'subchart/charts/subchartA/values.yaml'), 'utf8'))
    expect(helmTemplate(chart, mergeValues(new Map(), values), options())).toBe(output('template-values-files.txt'))
  })

  it('template-with-kube-version.txt, template-with-api-version.txt, template-with-crds.txt', () => {
    const chart = loadChartFiles(readFolder(join(charts, 'subchart')), { obeyIgnore: true })
    expect(helmTemplate(chart, new Map(), options('1.16.0'))).toBe(output('template-with-kube-version.txt'))
    const apis = ['helm.k8s.io/test', 'helm.k8s.io/test2']
    expect(helmTemplate(chart, new Map(), options('v1.20.0', apis))).toBe(output('template-with-api-version.txt'))
    expect(helmTemplate(chart, new Map(), options(), true)).toBe(output('template-with-crds.txt'))
  })

  it('reports a manifest that is not YAML as helm does', () => {
    const chart = loadChartFiles(readFolder(join(charts, 'chart-with-template-with-invalid-yaml')))
    const [message] = output('template-with-invalid-yaml.txt').split('\n\n')
    expect(() => helmTemplate(chart, new Map(), options())).toThrow((message ?? '').replace(/^Error: /, ''))
  })
})
