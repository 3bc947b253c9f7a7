import { describe, expect, it } from 'vitest'
import {
  type GoMap,
  GoInt,
  type GoValue,
  goToJson,
  loadChartFiles,
  parseStrvals,
  readValues,
  renderChart,
  type RenderOptions,
} from './index.ts'
import { chartFiles, renderOptions, renderText } from './testing/fixtures.ts'

const CHART = 'apiVersion: v2\nname: app\nversion: 1.2.3\nappVersion: 1.10\n'

function render(
  files: Record<string, string>,
  values: GoMap = new Map(),
  overrides: Partial<RenderOptions> = {},
): Map<string, string> {
  return renderChart(loadChartFiles(chartFiles({ 'Chart.yaml': CHART, ...files })), values, renderOptions(overrides))
    .files
}

function renderOne(template: string, values: GoMap = new Map(), overrides: Partial<RenderOptions> = {}): string {
  return render({ 'templates/a.yaml': template }, values, overrides).get('app/templates/a.yaml') ?? ''
}

describe('what templates are given', () => {
  it.each([
    [
      '{{ .Release.Name }}/{{ .Release.Namespace }}/{{ .Release.Service }}/{{ .Release.Revision }}/{{ .Release.IsInstall }}',
      'rel/ns/Helm/1/true',
    ],
    ['{{ .Chart.Name }}-{{ .Chart.Version }} {{ .Chart.AppVersion }} {{ .Chart.IsRoot }}', 'app-1.2.3 1.1 true'],
    ['{{ .Template.Name }} {{ .Template.BasePath }}', 'app/templates/a.yaml app/templates'],
    [
      '{{ .Capabilities.KubeVersion }} {{ .Capabilities.KubeVersion.GitVersion }} {{ .Capabilities.KubeVersion.Minor }}',
      'v1.35.0 v1.35.0 35',
    ],
    ['{{ .Capabilities.APIVersions.Has "apps/v1" }} {{ .Capabilities.APIVersions.Has "x/v1" }}', 'true false'],
    ['{{ typeOf .Values }} {{ kindOf .Release.Revision }}', 'common.Values int'],
    [
      '{{ .Files.Get "files/a.txt" }}|{{ (.Files.Glob "files/*").AsConfig }}|{{ .Files.Lines "files/a.txt" }}',
      'x\ny\n|a.txt: |\n  x\n  y|[x y]',
    ],
    ['{{ .Files.Get "missing" }}{{ .constructor }}{{ .Values.__proto__ }}{{ .Values.toString }}', ''],
  ])('%s', (template, want) => {
    const files = { 'templates/a.yaml': template, 'files/a.txt': 'x\ny\n' }
    expect(render(files).get('app/templates/a.yaml')).toBe(want)
  })
})

describe('values', () => {
  it('keeps --set integers apart from values file numbers', () => {
    expect(
      renderOne(
        '{{ kindOf .Values.a }} {{ kindOf .Values.b }} {{ .Values.c }}',
        parseStrvals('a=1000000,c={x,y}', { target: readValues('b: 1000000') }),
      ),
    ).toBe('int64 float64 [x y]')
  })

  it('deletes a default set to null, in the chart and in a subchart', () => {
    const files = {
      'values.yaml': 'a: {x: 1, z: 2}\nsub: {k: {p: 1}}\nglobal: {g: 1}\n',
      'templates/a.yaml': '{{ toJson .Values.a }}',
      'charts/sub/Chart.yaml': 'apiVersion: v2\nname: sub\nversion: 1.0.0\n',
      'charts/sub/values.yaml': 'k: {p: 0, q: 2}\n',
      'charts/sub/templates/s.yaml': '{{ toJson .Values }}',
    }
    const out = render(files, readValues('a: {x: null}\nsub: {k: {q: null}}\n'))
    expect(out.get('app/templates/a.yaml')).toBe('{"z":2}')
    expect(out.get('app/charts/sub/templates/s.yaml')).toBe('{"global":{"g":1},"k":{"p":1}}')
  })

  it('obeys conditions, tags, aliases and import-values', () => {
    const files = {
      'Chart.yaml': `${CHART}dependencies:\n- {name: sub, version: ">=1", alias: one, condition: one.enabled}\n- {name: sub, version: "1.x", alias: two, tags: [t], import-values: [data]}\n`,
      'values.yaml': 'tags: {t: true}\n',
      'templates/a.yaml':
        '{{ .Values.port }} {{ range .Chart.Dependencies }}{{ .Name }}{{ end }} {{ .Subcharts.two.Chart.Name }}',
      'charts/sub/Chart.yaml': 'apiVersion: v2\nname: sub\nversion: 1.0.0\n',
      'charts/sub/values.yaml': 'exports: {data: {port: 80}}\n',
      'charts/sub/templates/s.yaml': '{{ .Chart.Name }}',
    }
    const out = render(files, readValues('one: {enabled: false}'))
    expect([...out.keys()]).toEqual(['app/charts/two/templates/s.yaml', 'app/templates/a.yaml'])
    expect(out.get('app/templates/a.yaml')).toBe('80 two two')
  })

  it('reports schema violations of the chart and its subcharts', () => {
    const files = {
      'values.schema.json': '{"type":"object","required":["a"],"properties":{"n":{"type":"integer","minimum":0}}}',
      'templates/a.yaml': 'x',
    }
    expect(() => render(files, readValues('n: -5'))).toThrow(
      "values don't meet the specifications of the schema(s) in the following chart(s):\napp:\n- at '/n': minimum: got -5, want 0\n".slice(
        0,
        90,
      ),
    )
    expect(() => render(files, readValues('n: -5'))).toThrow("- at '': missing property 'a'\n")
    expect(render(files, readValues('a: 1')).size).toBe(1)
  })
})

describe('names and scopes', () => {
  it('lets the parent chart win when a template is defined twice', () => {
    const define = (text: string): string => `{{ define "name" }}${text}{{ end }}`
    const files = {
      'templates/_h.tpl': define('parent'),
      'templates/a.yaml': '{{ include "name" . }}',
      'charts/sub/Chart.yaml': 'apiVersion: v2\nname: sub\nversion: 1.0.0\n',
      'charts/sub/templates/_h.tpl': define('sub'),
    }
    expect(render(files).get('app/templates/a.yaml')).toBe('parent')
  })

  it.each([
    ['{{ tpl "{{ define \\"x\\" }}in{{ end }}{{ include \\"x\\" . }}" . }}', 'in'],
    ['{{ define "o" }}outer{{ end }}{{ tpl "{{ tpl \\"{{ include \\\\\\"o\\\\\\" . }}\\" . }}" . }}', 'outer'],
    ['{{ tpl "{{ .Values.none }}|" . }}{{ "<no value>" }}', '|'],
    ['{{ $x := 1 }}{{ range $x := list 2 3 }}{{ $x }}{{ end }}{{ $x }}', '231'],
    ['{{ $x := 1 }}{{ $x := add $x 1 }}{{ $x }}', '2'],
    ['{{ range $i, $e := list "a" "b" }}{{ if $i }}{{ continue }}{{ end }}{{ $e }}{{ end }}', 'a'],
    ['{{ with $v := dict "a" 1 }}{{ $v.a }}{{ else }}no{{ end }}', '1'],
  ])('%s', (template, want) => {
    expect(renderOne(template)).toBe(want)
  })

  it('keeps what a template sets in .Values for the files rendered after it', () => {
    const files = {
      'values.yaml': 'a: 1',
      'templates/b.yaml': '{{ $_ := set .Values "a" "changed" }}',
      'templates/a.yaml': '{{ .Values.a }}',
    }
    expect(render(files).get('app/templates/a.yaml')).toBe('changed')
    expect(render(files).get('app/templates/a.yaml')).toBe('changed')
  })
})

describe('errors', () => {
  it.each([
    ['x: {{ fail "no" }}', 'execution error at (app/templates/a.yaml:1:6): no'],
    ['x: {{ required "need it" .Values.x }}', 'execution error at (app/templates/a.yaml:1:6): need it'],
    ['\n{{ if }}', 'parse error at (app/templates/a.yaml:2): missing value for if'],
    [
      '{{ .Values.a.b }}',
      'app/templates/a.yaml:1:10\n  executing "app/templates/a.yaml" at <.Values.a.b>:\n    nil pointer evaluating interface {}.b',
    ],
    ['{{ nope }}', 'parse error at (app/templates/a.yaml:1): function "nope" not defined'],
    [
      '{{ include "nope" . }}',
      'executing "app/templates/a.yaml" at <include "nope" .>:\n    error calling include:\ntemplate: no template "nope" associated with template "gotpl"',
    ],
    [
      '{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}',
      'rendering template has a nested reference name: r: unable to execute template',
    ],
    ['{{ genPrivateKey "dsa" }}', 'error calling genPrivateKey: genPrivateKey: DSA keys are not supported'],
  ])('%s', (template, want) => {
    expect(() => renderOne(template)).toThrow(want)
  })

  it('stops runaway templates', () => {
    const loop = '{{ range until 10000 }}{{ range until 10000 }}x{{ end }}{{ end }}'
    expect(() => renderOne(loop, new Map(), { limits: { steps: 100_000 } })).toThrow(
      'rendering exceeded its execution budget',
    )
    expect(() => renderOne(loop, new Map(), { limits: { outputChars: 1000 } })).toThrow(
      'rendering exceeded its output limit',
    )
  })

  it('refuses an unsupported cluster', () => {
    const files = { 'Chart.yaml': `${CHART}kubeVersion: ">=1.99.0-0"\n` }
    expect(() => render(files)).toThrow(
      'chart requires kubeVersion: >=1.99.0-0 which is incompatible with Kubernetes v1.35.0',
    )
  })
})

describe('lookup', () => {
  it('reads the cluster synchronously and keeps its integers', () => {
    const seen: string[] = []
    const lookup = (...args: string[]): GoMap => {
      seen.push(args.join(' '))
      return new Map<string, GoValue>([['k', new GoInt(3n, 'int64')]])
    }
    expect(
      renderOne(
        '{{ (lookup "v1" "Secret" "ns" "x").k | kindOf }}{{ lookup "v1" "Secret" "ns" "x" | toYaml }}',
        new Map(),
        { lookup },
      ),
    ).toBe('int64k: 3')
    expect(seen).toEqual(['v1 Secret ns x', 'v1 Secret ns x'])
  })
})

describe('certificates', () => {
  it('signs with the authority it made', async () => {
    const { X509Certificate } = await import('node:crypto')
    const out = renderText(
      '{{ $ca := genCA "ca" 30 }}{{ $c := genSignedCert "svc" (list "10.0.0.1") (list "svc.ns") 30 $ca }}{{ $ca.Cert }}@{{ $c.Cert }}@{{ $c.Key }}',
      new Map(),
    )
    const [ca, leaf, key] = out.split('@') as [string, string, string]
    const certificate = new X509Certificate(leaf)
    expect(certificate.verify(new X509Certificate(ca).publicKey)).toBe(true)
    expect(certificate.subjectAltName).toBe('DNS:svc.ns, IP Address:10.0.0.1')
    expect(key).toMatch(/^-----BEGIN RSA PRIVATE KEY-----/)
  })
})

describe('goToJson', () => {
  it('gives plain data without prototypes', () => {
    const data = goToJson(readValues('__proto__: {a: 1}\nb: [1, x]')) as Record<string, unknown>
    expect(Object.keys(data)).toEqual(['__proto__', 'b'])
    expect(JSON.stringify(data)).toBe('{"__proto__":{"a":1},"b":[1,"x"]}')
  })
})
