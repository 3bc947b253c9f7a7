/** apply, diff, prune, kustomize. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Scenario } from './scenario.ts'
import { configMap, deployment, documents } from './scenario.ts'

const folder = (files: Readonly<Record<string, string>>): string => {
  const path = mkdtempSync(join(tmpdir(), 'knarr-apply-'))
  for (const [name, content] of Object.entries(files)) writeFileSync(join(path, name), content)
  return path
}

/** 50 objects of 14 kinds. */
export function mixed(namespace: string): string {
  const meta = (name: string): object => ({ name })
  const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'i' }] } }
  const selector = { matchLabels: { app: 'x' } }
  const objects: object[] = []
  for (let i = 0; i < 10; i++) {
    objects.push({ apiVersion: 'v1', kind: 'ConfigMap', metadata: meta(`m${i}`), data: { i: String(i) } })
    objects.push({ apiVersion: 'v1', kind: 'Secret', metadata: meta(`m${i}`), data: { i: 'eA==' } })
    objects.push({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: meta(`m${i}`),
      spec: { selector: { app: 'x' }, ports: [{ port: 80 + i }] },
    })
  }
  for (let i = 0; i < 4; i++) {
    objects.push({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: meta(`m${i}`), spec: { selector, template } })
    objects.push({ apiVersion: 'v1', kind: 'ServiceAccount', metadata: meta(`m${i}`) })
  }
  objects.push(
    { apiVersion: 'apps/v1', kind: 'StatefulSet', metadata: meta('m'), spec: { serviceName: 's', selector, template } },
    { apiVersion: 'apps/v1', kind: 'DaemonSet', metadata: meta('m'), spec: { selector, template } },
    {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: meta('m'),
      spec: {
        schedule: '@daily',
        jobTemplate: { spec: { template: { spec: { ...template.spec, restartPolicy: 'Never' } } } },
      },
    },
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: meta('m'),
      spec: { defaultBackend: { service: { name: 'm0', port: { number: 80 } } } },
    },
    { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy', metadata: meta('m'), spec: { podSelector: {} } },
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: meta('m'),
      spec: { minAvailable: '50%', selector },
    },
    {
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: meta('m'),
      spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'm0' } },
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: meta('m'),
      rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get'] }],
    },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: meta('m'),
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'm' },
      subjects: [{ kind: 'ServiceAccount', name: 'm0', namespace }],
    },
    {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: meta('m'),
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    },
    {
      apiVersion: 'v1',
      kind: 'LimitRange',
      metadata: meta('m'),
      spec: { limits: [{ type: 'Container', default: { cpu: '1' }, defaultRequest: { cpu: '1' } }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: meta('m'),
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'] }],
      ports: [],
    },
  )
  return documents(...objects.map((object) => JSON.stringify(object)))
}

export const APPLYING: readonly Scenario[] = [
  {
    name: 'apply of 50 mixed manifests, twice: created, then unchanged',
    async run(kubectl, namespace) {
      const manifests = mixed(namespace)
      const first = (await kubectl.ok('apply -f -', manifests)).trim().split('\n')
      expect(first).toHaveLength(50)
      expect(first.filter((line) => !line.endsWith(' created'))).toEqual([])
      const second = (await kubectl.ok('apply -f -', manifests)).trim().split('\n')
      // The client's doing: a budget's selector is a replaced field and always sent; 1.20 does not know batch/v1 CronJob
      // and sends lists of unknown kinds whole.
      const always =
        kubectl.version === '1.20' ? 'cronjob.batch/m configured' : 'poddisruptionbudget.policy/m configured'
      expect(second.filter((line) => !line.endsWith(' unchanged'))).toEqual([always])
    },
  },
  {
    name: 'apply merges: own fields go, those of others stay, lists merge by key',
    async run(kubectl) {
      await kubectl.ok('apply -f -', deployment('web'))
      await kubectl.ok('scale deployment web --replicas=5')
      await kubectl.ok('annotate deployment web other=kept')
      await kubectl.ok([
        'patch',
        'deployment',
        'web',
        '-p',
        '{"spec":{"template":{"spec":{"containers":[{"name":"sidecar","image":"s"}]}}}}',
      ])
      const changed = deployment('web', 'nginx:9')
        .replace('  labels: { app: web }\n', '')
        .replace('  replicas: 2\n', '')
      expect(await kubectl.ok('apply -f -', changed)).toBe('deployment.apps/web configured\n')
      const live = await kubectl.json<{
        metadata: { labels?: object; annotations: Record<string, string> }
        spec: { replicas: number; template: { spec: { containers: { name: string; image: string }[] } } }
      }>('get deployment web')
      expect(live.metadata.labels).toBeUndefined()
      expect(live.metadata.annotations['other']).toBe('kept')
      // The default: apply removed its own replicas.
      expect(live.spec.replicas).toBe(1)
      const images = live.spec.template.spec.containers.map(({ name, image }) => [name, image])
      expect(images).toEqual(
        expect.arrayContaining([
          ['web', 'nginx:9'],
          ['sidecar', 's'],
        ]),
      )
    },
  },
  {
    name: 'apply view-last-applied, set-last-applied, and apply over a created object warns',
    async run(kubectl) {
      await kubectl.ok('create -f -', configMap('c', { a: '1' }))
      const result = await kubectl.run(['apply', '-f', '-'], { stdin: configMap('c', { a: '2' }) })
      expect(result.code).toBe(0)
      expect(result.stderr).toContain('last-applied-configuration')
      expect(await kubectl.ok('apply view-last-applied cm/c')).toContain('a: "2"')
    },
  },
  {
    name: 'diff shows what apply would change, with exit status 1, and nothing with 0',
    async run(kubectl) {
      await kubectl.ok('apply -f -', configMap('c', { a: '1' }))
      const changed = await kubectl.run(['diff', '-f', '-'], { stdin: configMap('c', { a: '2' }) })
      expect(changed.code).toBe(1)
      expect(changed.stdout).toMatch(/-\s+a: "1"\n\+\s+a: "2"/)
      const same = await kubectl.run(['diff', '-f', '-'], { stdin: configMap('c', { a: '1' }) })
      expect({ code: same.code, stdout: same.stdout }).toEqual({ code: 0, stdout: '' })
    },
  },
  {
    name: 'apply --prune deletes what left the set',
    async run(kubectl) {
      const set = (...names: string[]): string => documents(...names.map((name) => configMap(name, {}, { set: 'one' })))
      await kubectl.ok('apply -f - -l set=one', set('a', 'b'))
      await kubectl.ok('create configmap stranger')
      const allowlist = kubectl.version === '1.20' ? '--prune-whitelist' : '--prune-allowlist'
      const output = await kubectl.ok(`apply -f - --prune -l set=one ${allowlist}=core/v1/ConfigMap`, set('b'))
      expect(output).toContain('configmap/a pruned')
      expect((await kubectl.ok('get cm -o name')).split('\n')).toEqual(
        expect.arrayContaining(['configmap/b', 'configmap/stranger']),
      )
    },
  },
  {
    name: 'apply -f folder and apply -k kustomization',
    async run(kubectl) {
      const path = folder({
        'kustomization.yaml':
          'resources: [a.yaml]\nnamePrefix: pre-\nconfigMapGenerator:\n- name: made\n  literals: [x=1]\n',
        'a.yaml': configMap('a', { k: 'v' }),
      })
      expect(await kubectl.ok(['kustomize', path])).toContain('name: pre-a')
      expect(await kubectl.ok(['apply', '-k', path])).toMatch(/configmap\/pre-a created/)
      const plain = folder({ '1.yaml': configMap('one'), '2.json': configMap('two'), 'ignored.txt': 'x' })
      expect((await kubectl.ok(['apply', '-f', plain])).trim().split('\n')).toHaveLength(2)
      expect(await kubectl.ok(['delete', '-f', plain])).toContain('"one" deleted')
    },
  },
  {
    name: 'apply names file and cause of a broken manifest and applies the others',
    async run(kubectl) {
      const path = folder({
        '1.yaml': configMap('good'),
        '2.yaml': 'a: [',
        '3.yaml': deployment('x').replace('nginx:1', '""'),
      })
      const message = await kubectl.fails(['apply', '-f', path])
      expect(message).toMatch(/2\.yaml/)
      expect(message).toContain('image: Required value')
      expect(await kubectl.ok('get cm good -o name')).toBe('configmap/good\n')
    },
  },
  {
    name: 'apply --dry-run=server validates without a change',
    async run(kubectl) {
      expect(await kubectl.ok('apply --dry-run=server -f -', deployment('web'))).toContain('created (server dry run)')
      expect(await kubectl.ok('get deployment -o name')).toBe('')
    },
  },
]
