/** HelmCharts on a real server: release, values, upgrade, failure, removal; and the helm commands. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientFromKubeconfig } from '#cli/kubeconfig.ts'
import { CONFIG_MAPS, NAMESPACES, SECRETS } from '#machinery/api/core/v1/resources.gen.ts'
import { HELM_CHART_CONFIGS, HELM_CHARTS } from '#machinery/api/helm/v1/resources.ts'
import type { HelmChart, HelmChartConfig, HelmChartSpec } from '#machinery/api/helm/v1/types.ts'
import type { Client } from '#machinery/client/client.ts'
import { isNotFound } from '#machinery/meta/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { eventually } from '#test/support/eventually.ts'
import { packChart } from '#test/support/helm-chart.ts'
import { PROJECT_ROOT } from '#test/support/server-build.ts'
import type { ServerProcess } from '#test/support/server-process.ts'
import { runKnarr, startServerProcess } from '#test/support/server-process.ts'

const CHARTS = join(PROJECT_ROOT, '..', 'shared', 'data', 'charts')

/** Shows its values, has a hook, a definition, a note, and fails on demand. */
const OWN_CHART: Readonly<Record<string, string>> = {
  'Chart.yaml': 'apiVersion: v2\nname: own\nversion: 1.2.3\nappVersion: "9.8"\n',
  'values.yaml': 'colour: default\nnested: { a: 1, b: 2 }\nfail: ""\n',
  'crds/thing.yaml': `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: ownthings.helm.example.com }
spec:
  group: helm.example.com
  scope: Namespaced
  names: { plural: ownthings, singular: ownthing, kind: OwnThing }
  versions:
  - { name: v1, served: true, storage: true, schema: { openAPIV3Schema: { type: object, x-kubernetes-preserve-unknown-fields: true } } }
`,
  'templates/values.yaml': `{{- if .Values.fail }}{{ fail .Values.fail }}{{ end -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-values
  labels: {{- include "own.labels" . | nindent 4 }}
data:
  values: {{ omit .Values "global" | toJson | quote }}
  revision: {{ .Release.Revision | quote }}
  upgrade: {{ .Release.IsUpgrade | quote }}
`,
  'templates/thing.yaml':
    'apiVersion: helm.example.com/v1\nkind: OwnThing\nmetadata: { name: {{ .Release.Name }}-thing }\n',
  'templates/hook.yaml': `apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-hook
  annotations: { helm.sh/hook: pre-install, helm.sh/hook-delete-policy: before-hook-creation }
data: { ran: "yes" }
`,
  'templates/_helpers.tpl':
    '{{- define "own.labels" -}}\napp.kubernetes.io/name: {{ .Chart.Name }}\nhelm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}\n{{- end -}}\n',
  'templates/NOTES.txt': 'colour is {{ .Values.colour }}\n',
}

let server: ServerProcess
let client: Client
let archive: Buffer
let chartContent: string
const folder = mkdtempSync(join(tmpdir(), 'knarr-helm-'))

beforeAll(async () => {
  archive = await packChart('own', OWN_CHART)
  chartContent = archive.toString('base64')
  server = await startServerProcess()
  client = clientFromKubeconfig(server.kubeconfig)
})

afterAll(async () => {
  await server.dispose()
  rmSync(folder, { recursive: true, force: true })
})

async function namespace(name: string): Promise<void> {
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} })
}

/** In a namespace of its own, which is made when it is missing. */
async function install(name: string, spec: HelmChartSpec, annotations: Record<string, string> = {}): Promise<void> {
  await namespace(name)
  const chart: HelmChart = {
    apiVersion: 'helm.cattle.io/v1',
    kind: 'HelmChart',
    metadata: { name, namespace: name, annotations },
    spec,
  }
  await client.create(HELM_CHARTS, chart)
}

const key = (name: string) => ({ namespace: name, name })

async function patchSpec(name: string, spec: object): Promise<void> {
  await client.patch(HELM_CHARTS, key(name), { type: 'merge', body: { spec } })
}

/** The condition of that type is True; its message otherwise. */
async function condition(name: string, type: 'Ready' | 'Failed'): Promise<DeepReadonly<HelmChart>> {
  return eventually(async () => {
    const chart = await client.get(HELM_CHARTS, key(name))
    const found = chart.status?.conditions?.find((item) => item.type === type)
    expect(found?.status, found?.message).toBe('True')
    return chart
  })
}

async function revision(name: string, expected: number): Promise<void> {
  await eventually(async () => {
    const chart = await client.get(HELM_CHARTS, key(name))
    expect(chart.status?.revision, JSON.stringify(chart.status)).toBe(expected)
  })
}

const shownValues = async (name: string): Promise<unknown> =>
  JSON.parse(
    (await client.get(CONFIG_MAPS, { namespace: name, name: `${name}-values` })).data?.['values'] ?? '',
  ) as unknown

async function isGone(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => false,
    (err: unknown) => {
      if (isNotFound(err)) return true
      throw err
    },
  )
}

interface ReleaseRecord {
  readonly name: string
  readonly version: number
  readonly manifest: string
  readonly config: unknown
  readonly hooks: readonly { readonly name: string }[]
  readonly info: { readonly status: string; readonly notes: string }
  readonly chart: { readonly metadata: { readonly version: string } }
}

/** Decoded as Helm does, with nothing of ours: API base64, Helm base64, gzip, JSON. */
async function releases(place: string): Promise<ReleaseRecord[]> {
  const { items } = await client.list(SECRETS, { namespace: place, labelSelector: 'owner=helm' })
  expect(items.map(({ type }) => type)).toEqual(items.map(() => 'helm.sh/release.v1'))
  return items.map(({ data }) => {
    const inner = Buffer.from(data?.['release'] ?? '', 'base64').toString()
    return JSON.parse(gunzipSync(Buffer.from(inner, 'base64')).toString()) as ReleaseRecord
  })
}

describe('a HelmChart', () => {
  it('is released: Ready, objects, definitions, hooks, notes, a record Helm can read', async () => {
    await install('plain', { chartContent })
    const chart = await condition('plain', 'Ready')
    expect(chart.status).toMatchObject({ revision: 1, chartVersion: '1.2.3', appVersion: '9.8' })
    const object = await client.get(CONFIG_MAPS, { namespace: 'plain', name: 'plain-values' })
    expect(object.metadata).toMatchObject({
      labels: { 'app.kubernetes.io/managed-by': 'Helm', 'helm.sh/chart': 'own-1.2.3' },
      annotations: { 'meta.helm.sh/release-name': 'plain', 'meta.helm.sh/release-namespace': 'plain' },
    })
    expect((await client.get(CONFIG_MAPS, { namespace: 'plain', name: 'plain-hook' })).data).toEqual({ ran: 'yes' })
    const thing = await client.raw({
      method: 'GET',
      path: '/apis/helm.example.com/v1/namespaces/plain/ownthings/plain-thing',
    })
    expect(thing.status).toBe(200)
    const [release, ...more] = await releases('plain')
    expect(more).toEqual([])
    expect(release).toMatchObject({
      name: 'plain',
      version: 1,
      info: { status: 'deployed', notes: expect.stringContaining('colour is default') as unknown },
      chart: { metadata: { version: '1.2.3' } },
      hooks: [{ name: 'plain-hook' }],
    })
    expect(release?.manifest).toContain('# Source: own/templates/values.yaml')
  })

  it('layers values: chart, valuesContent, values, Secrets, then the same of the HelmChartConfig, then set', async () => {
    const name = 'layers'
    await namespace(name)
    const secret = (secretName: string, content: string) => ({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: secretName, namespace: name },
      stringData: { values: content },
    })
    await client.create(
      SECRETS,
      secret('chart-values', 'colour: secret\nl3: secret\nl4: secret\nl5: secret\nl6: secret\nl7: secret\n'),
    )
    await client.create(SECRETS, secret('config-values', 'l6: config-secret\nl7: config-secret\n'))
    const config: HelmChartConfig = {
      apiVersion: 'helm.cattle.io/v1',
      kind: 'HelmChartConfig',
      metadata: { name, namespace: name },
      spec: {
        valuesContent: 'l4: config-content\nl5: config-content\nl6: config-content\nl7: config-content\n',
        values: { l5: 'config-values', l6: 'config-values', l7: 'config-values' },
        valuesSecrets: [{ name: 'config-values', keys: ['values'] }],
      },
    }
    await client.create(HELM_CHART_CONFIGS, config)
    await client.create(HELM_CHARTS, {
      apiVersion: 'helm.cattle.io/v1',
      kind: 'HelmChart',
      metadata: { name, namespace: name },
      spec: {
        chartContent,
        valuesContent: 'l1: content\nl2: content\nl3: content\nnested: { b: content }\n',
        values: { l2: 'values', l3: 'values' },
        valuesSecrets: [{ name: 'chart-values', keys: ['values'] }],
        set: { l7: 'set, with comma', number: 5, text: '5x', flag: 'true', 'nested.c': 'deep' },
      },
    })
    await condition(name, 'Ready')
    expect(await shownValues(name)).toEqual({
      colour: 'secret',
      fail: '',
      nested: { a: 1, b: 'content', c: 'deep' },
      l1: 'content',
      l2: 'values',
      l3: 'secret',
      l4: 'config-content',
      l5: 'config-values',
      l6: 'config-secret',
      l7: 'set, with comma',
      number: 5,
      text: '5x',
      flag: true,
    })
  })

  it('is upgraded when its spec, its HelmChartConfig or a Secret of values changes, and only then', async () => {
    const name = 'upgraded'
    await install(name, { chartContent, valuesSecrets: [{ name: 'v', keys: ['k'] }] })
    const waiting = await condition(name, 'Failed')
    expect(waiting.status?.conditions).toMatchObject([{ reason: 'ValuesUnavailable' }, {}])
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'v', namespace: name } }
    await client.create(SECRETS, { ...secret, stringData: { k: 'colour: one' } })
    await revision(name, 1)
    await client.patch(
      SECRETS,
      { namespace: name, name: 'v' },
      { type: 'merge', body: { stringData: { k: 'colour: two' } } },
    )
    await revision(name, 2)
    expect(await shownValues(name)).toMatchObject({ colour: 'two' })
    await patchSpec(name, { valuesContent: 'more: 1' })
    await revision(name, 3)
    const config = { apiVersion: 'helm.cattle.io/v1', kind: 'HelmChartConfig', metadata: { name, namespace: name } }
    await client.create(HELM_CHART_CONFIGS, { ...config, spec: { valuesContent: 'colour: four' } })
    await revision(name, 4)
    expect(await shownValues(name)).toMatchObject({ colour: 'four', more: 1 })
    await client.delete(HELM_CHART_CONFIGS, key(name))
    await revision(name, 5)
    // A label is no reason.
    await client.patch(HELM_CHARTS, key(name), { type: 'merge', body: { metadata: { labels: { a: 'b' } } } })
    await patchSpec(name, { valuesContent: 'more: 2' })
    await revision(name, 6)
    const states = (await releases(name)).map(({ version, info }) => [version, info.status])
    expect(states).toEqual([1, 2, 3, 4, 5, 6].map((version) => [version, version === 6 ? 'deployed' : 'superseded']))
  })

  it('removes on upgrade what the new version of the chart no longer holds', async () => {
    await install('shrunk', { chartContent })
    await condition('shrunk', 'Ready')
    const path = '/apis/helm.example.com/v1/namespaces/shrunk/ownthings/shrunk-thing'
    expect((await client.raw({ method: 'GET', path })).status).toBe(200)
    const { 'templates/thing.yaml': _, ...rest } = OWN_CHART
    await patchSpec('shrunk', { chartContent: (await packChart('own', rest)).toString('base64') })
    await revision('shrunk', 2)
    await eventually(async () => expect((await client.raw({ method: 'GET', path })).status).toBe(404))
  })

  it.each([
    ['fails-on-demand', { valuesContent: 'fail: because I say so' }, /because I say so/],
    ['fails-values', { valuesContent: 'a: [' }, /spec\.valuesContent/],
    ['fails-archive', { chartContent: 'bm90IGEgY2hhcnQ=' }, /gzip|chart|archive/i],
    ['fails-path', { chartContent: '', chart: '/nowhere/chart' }, /"\/nowhere\/chart" does not exist/],
    [
      'fails-host',
      { chartContent: '', chart: 'http://127.0.0.1:1/x.tgz' },
      /http:\/\/127\.0\.0\.1:1\/x\.tgz.*ECONNREFUSED/,
    ],
    ['fails-version', { helmVersion: 'v2' }, /helmVersion "v2" is not supported/],
  ])('%s: says the true error in its conditions', async (name, spec, message) => {
    await install(name, { chartContent, ...spec })
    const { status } = await condition(name, 'Failed')
    expect(status?.conditions?.map(({ type, status: value }) => [type, value])).toEqual([
      ['Ready', 'False'],
      ['Failed', 'True'],
    ])
    expect(status?.conditions?.[0]?.message).toMatch(message)
  })

  it('recovers from a failed release when the cause is gone', async () => {
    await install('recovers', { chartContent, valuesContent: 'fail: now' })
    await condition('recovers', 'Failed')
    await patchSpec('recovers', { valuesContent: '' })
    await condition('recovers', 'Ready')
  })

  it('uninstalls everything it made when it is deleted', async () => {
    await install('removed', { chartContent, targetNamespace: 'removed-target', createNamespace: true })
    await condition('removed', 'Ready')
    const place = { namespace: 'removed-target', name: 'removed-values' }
    await client.get(CONFIG_MAPS, place)
    await client.delete(HELM_CHARTS, key('removed'))
    await eventually(async () => expect(await isGone(client.get(HELM_CHARTS, key('removed')))).toBe(true))
    expect(await isGone(client.get(CONFIG_MAPS, place))).toBe(true)
    expect(await releases('removed-target')).toEqual([])
  })

  it('does not keep its namespace from being deleted', async () => {
    await install('doomed', { chartContent })
    await condition('doomed', 'Ready')
    await client.delete(NAMESPACES, { name: 'doomed' })
    await eventually(async () => expect(await isGone(client.get(NAMESPACES, { name: 'doomed' }))).toBe(true), 20_000)
  })

  it('is left alone when it is marked unmanaged or belongs to another controller', async () => {
    await install('unmanaged', { chartContent }, { 'helmcharts.helm.cattle.io/unmanaged': 'true' })
    await install('other', { chartContent }, { 'helmcharts.cattle.io/managed-by': 'someone-else' })
    await install('after', { chartContent })
    await condition('after', 'Ready')
    for (const name of ['unmanaged', 'other']) {
      const chart = await client.get(HELM_CHARTS, key(name))
      expect([chart.status, chart.metadata.finalizers, await releases(name)]).toEqual([undefined, undefined, []])
    }
    // Unmanaged no longer: it is taken up.
    const body = { metadata: { annotations: { 'helmcharts.helm.cattle.io/unmanaged': null } } }
    await client.patch(HELM_CHARTS, key('unmanaged'), { type: 'merge', body })
    await condition('unmanaged', 'Ready')
  })
})

describe('a HelmChart from a repository', () => {
  let repository: Server
  let url: string
  const authorizations = new Set<string | undefined>()

  beforeAll(async () => {
    const newer = await packChart('own', { ...OWN_CHART, 'Chart.yaml': 'apiVersion: v2\nname: own\nversion: 2.0.0\n' })
    const index = `apiVersion: v1\nentries:\n  own:\n  - { version: 2.0.0, urls: [files/own-2.0.0.tgz] }\n  - { version: 1.2.3, urls: [files/own-1.2.3.tgz] }\n`
    const answers = new Map<string, string | Buffer>([
      ['/charts/index.yaml', index],
      ['/charts/files/own-1.2.3.tgz', archive],
      ['/charts/files/own-2.0.0.tgz', newer],
    ])
    repository = createServer((request, response) => {
      const { authorization } = request.headers
      authorizations.add(authorization)
      const answer = answers.get(request.url ?? '')
      if (authorization !== `Basic ${Buffer.from('user:pass:word').toString('base64')}`) response.writeHead(401).end()
      else if (answer === undefined) response.writeHead(404).end()
      else response.end(answer)
    })
    await new Promise<void>((resolve) => repository.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(repository.address() as AddressInfo).port}/charts`
  })

  afterAll(() => new Promise((resolve) => repository.close(resolve)))

  it('is found in the index with basic authentication: newest, then the wanted version', async () => {
    await install('repo', { repo: url, chart: 'own', authSecret: { name: 'login' } })
    // Its credentials are not there yet.
    expect((await condition('repo', 'Failed')).status?.conditions?.[0]?.message).toContain('"login" not found')
    await client.create(SECRETS, {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'login', namespace: 'repo' },
      type: 'kubernetes.io/basic-auth',
      stringData: { username: 'user', password: 'pass:word' },
    })
    expect((await condition('repo', 'Ready')).status?.chartVersion).toBe('2.0.0')
    await patchSpec('repo', { version: '~1.2' })
    await eventually(async () =>
      expect((await client.get(HELM_CHARTS, key('repo'))).status?.chartVersion).toBe('1.2.3'),
    )
  })

  it('says that the repository refuses it', async () => {
    await install('repo-refused', { repo: url, chart: 'own' })
    expect((await condition('repo-refused', 'Failed')).status?.conditions?.[0]?.message).toMatch(/index\.yaml.*401/)
  })
})

const REAL_CHARTS = [
  { file: 'cert-manager-v0.0.0.tgz', name: 'cert-manager' },
  { file: 'ingress-nginx-4.15.1.tgz', name: 'ingress-nginx' },
  { file: 'metrics-server-3.13.1.tgz', name: 'metrics-server' },
]
const isShared = existsSync(CHARTS)

describe.skipIf(!isShared)(`the real charts${isShared ? '' : ` (skipped: ${CHARTS} is absent)`}`, () => {
  it.each(REAL_CHARTS)('$name is Ready, its objects exist, and it leaves nothing behind', async ({ file, name }) => {
    await install(name, { chart: join(CHARTS, file), timeout: '20s' })
    await condition(name, 'Ready')
    const [release] = await releases(name)
    expect(release?.info.status).toBe('deployed')
    const manifests = (release?.manifest ?? '').split('\n---\n').length
    expect(manifests).toBeGreaterThan(3)
    const deployments = await deploymentsIn(name)
    expect(deployments.length).toBeGreaterThan(0)
    await client.delete(HELM_CHARTS, key(name))
    await eventually(async () => expect(await isGone(client.get(HELM_CHARTS, key(name)))).toBe(true), 30_000)
    expect(await deploymentsIn(name)).toEqual([])
    expect(await releases(name)).toEqual([])
  })
})

async function deploymentsIn(place: string): Promise<unknown[]> {
  const { body } = await client.raw({ method: 'GET', path: `/apis/apps/v1/namespaces/${place}/deployments` })
  return (body as { items: unknown[] }).items
}

describe('knarr helm', () => {
  it('template renders a chart with values, from an archive and from a folder', async () => {
    const file = join(folder, 'own.tgz')
    writeFileSync(file, archive)
    writeFileSync(join(folder, 'values.yaml'), 'colour: file\n')
    const { code, output } = await runKnarr([
      'helm',
      'template',
      'r',
      file,
      '-f',
      join(folder, 'values.yaml'),
      '--set',
      'nested.a=7',
      '-n',
      'there',
    ])
    expect(code).toBe(0)
    expect(output).toContain('# Source: own/templates/values.yaml')
    expect(output).toContain(String.raw`\"colour\":\"file\"`)
    expect(output).toContain(String.raw`\"a\":7`)
    expect(output).not.toContain('CustomResourceDefinition')
    const failed = await runKnarr(['helm', 'template', 'r', file, '--set', 'fail=on purpose'])
    expect(failed).toMatchObject({ code: 1, output: expect.stringContaining('on purpose') as unknown })
    expect(failed.output).not.toMatch(/^\s+at /m)
  })

  it('list and get show releases', async () => {
    await install('shown', { chartContent, valuesContent: 'colour: shown' })
    await condition('shown', 'Ready')
    const place = ['--kubeconfig', server.kubeconfig, '-n', 'shown']
    const [list, json, all, manifest, values, notes, hooks, none] = await Promise.all([
      runKnarr(['helm', 'list', ...place]),
      runKnarr(['helm', 'list', ...place, '-o', 'json']),
      runKnarr(['helm', 'list', '-A', '--kubeconfig', server.kubeconfig]),
      runKnarr(['helm', 'get', 'manifest', 'shown', ...place]),
      runKnarr(['helm', 'get', 'values', 'shown', ...place]),
      runKnarr(['helm', 'get', 'notes', 'shown', ...place]),
      runKnarr(['helm', 'get', 'hooks', 'shown', ...place]),
      runKnarr(['helm', 'get', 'values', 'nothing', ...place]),
    ])
    expect(list.output).toMatch(/shown\s+shown\s+1\s+.*deployed\s+own-1\.2\.3\s+9\.8/)
    expect(JSON.parse(json.output)).toMatchObject([{ name: 'shown', revision: '1', chart: 'own-1.2.3' }])
    expect(all.output).toMatch(/^shown\s/m)
    expect(manifest.output).toContain('name: shown-values')
    expect(values.output).toBe('USER-SUPPLIED VALUES:\ncolour: shown\n')
    expect(notes.output).toContain('colour is shown')
    expect(hooks.output).toContain('name: shown-hook')
    expect(none).toMatchObject({ code: 1, output: expect.stringContaining('release "nothing" not found') as unknown })
  })

  it.skipIf(!isShared)(
    `template renders the real charts${isShared ? '' : ' (skipped: shared data is absent)'}`,
    async () => {
      const results = await Promise.all(
        REAL_CHARTS.map(({ file, name }) => runKnarr(['helm', 'template', name, join(CHARTS, file)])),
      )
      for (const { code, output } of results) {
        expect(code, output.slice(0, 500)).toBe(0)
        expect(output).toContain('kind: Deployment')
      }
    },
  )
})
