/** kubectl rollout of StatefulSets, DaemonSets and Deployments. There is no kubelet: the scenario writes what one would. */
import { expect } from 'vitest'
import { eventually } from '#test/support/eventually.ts'
import type { Kubectl } from '#test/support/kubectl.ts'
import type { Scenario } from './scenario.ts'

interface Named {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly deletionTimestamp?: string }
  readonly status?: object
}

const workload = (kind: string, name: string, more: string, podMore = ''): string => `
apiVersion: apps/v1
kind: ${kind}
metadata: { name: ${name} }
spec:
  ${more}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      ${podMore}
      containers: [{ name: web, image: "nginx:1" }]
`

/** A node of the scenario's own, which only its DaemonSet looks for. */
const node = (name: string): string =>
  JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { for: name } }, spec: {} })

/** Every Pod is ready; those that are being deleted are gone. */
async function runPods(kubectl: Kubectl, namespace: string, app: string): Promise<void> {
  const { items } = await kubectl.json<{ items: Named[] }>(`get pods -l app=${app}`)
  for (const pod of items) {
    const { name, deletionTimestamp } = pod.metadata
    if (deletionTimestamp !== undefined) {
      await kubectl.run(['delete', 'pod', name, '--force', '--grace-period=0'])
      continue
    }
    const ready = { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }
    const status = { ...pod.status, phase: 'Running', conditions: [ready] }
    const path = `/api/v1/namespaces/${namespace}/pods/${name}/status`
    await kubectl.run(['replace', '--raw', path, '-f', '-'], { stdin: JSON.stringify({ ...pod, status }) })
  }
}

/** Pods get on until `rollout status` says that all is done. */
async function rollOut(kubectl: Kubectl, namespace: string, what: string): Promise<string> {
  const [, app = ''] = what.split('/')
  return eventually(async () => {
    await runPods(kubectl, namespace, app)
    const said = await kubectl.ok(`rollout status ${what} --watch=false`)
    expect(said).toMatch(/successfully rolled out|rolling update complete|roll out complete/)
    return said
  }, 60_000)
}

const image = (kubectl: Kubectl, what: string): Promise<string> =>
  kubectl.ok(['get', what, '-o', 'jsonpath={.spec.template.spec.containers[0].image}'])

/** Status, history, undo and restart, the same for each kind. */
async function goForthAndBack(kubectl: Kubectl, namespace: string, what: string): Promise<void> {
  await rollOut(kubectl, namespace, what)
  await kubectl.ok(['set', 'image', what, 'web=nginx:2'])
  await rollOut(kubectl, namespace, what)
  const history = await kubectl.ok(`rollout history ${what}`)
  expect(history).toMatch(/REVISION\s+CHANGE-CAUSE\n1\s+<none>\n2\s+<none>/)
  expect(await kubectl.ok(`rollout history ${what} --revision=1`)).toMatch(/Image:\s+nginx:1\n/)
  expect(await kubectl.ok(`rollout undo ${what}`)).toContain('rolled back')
  expect(await image(kubectl, what)).toBe('nginx:1')
  await rollOut(kubectl, namespace, what)
  await eventually(async () => expect(await kubectl.ok(`rollout history ${what}`)).toMatch(/CHANGE-CAUSE\n2\s+.*\n3\s/))
  expect(await kubectl.ok(`rollout undo ${what} --to-revision=2`)).toContain('rolled back')
  expect(await image(kubectl, what)).toBe('nginx:2')
  await kubectl.ok(`rollout restart ${what}`)
  await rollOut(kubectl, namespace, what)
  const [, app = ''] = what.split('/')
  const restarted = await kubectl.ok([
    ...['get', 'pods', '-l', `app=${app}`, '-o'],
    'jsonpath={.items[*].metadata.annotations.kubectl\\.kubernetes\\.io/restartedAt}',
  ])
  expect(restarted).not.toBe('')
}

export const ROLLING_OUT: readonly Scenario[] = [
  {
    name: 'rollout of a StatefulSet: status, history, undo, restart',
    async run(kubectl, namespace) {
      await kubectl.ok('create -f -', workload('StatefulSet', 'sts', 'replicas: 2\n  serviceName: sts'))
      await goForthAndBack(kubectl, namespace, 'statefulset/sts')
      expect(await kubectl.ok('get statefulset sts')).toMatch(/sts\s+2\/2/)
      await kubectl.ok('scale statefulset sts --replicas=1')
      await eventually(async () => expect(await kubectl.ok('get pods -l app=sts -o name')).toBe('pod/sts-0\n'), 30_000)
    },
  },
  {
    name: 'rollout of a DaemonSet: status, history, undo, restart',
    async run(kubectl, namespace) {
      const name = `node-${namespace}`
      await kubectl.ok('create -f -', node(name))
      await kubectl.ok(
        'create -f -',
        workload('DaemonSet', 'ds', '', `nodeSelector: { for: ${name} }\n      tolerations: [{ operator: Exists }]`),
      )
      await goForthAndBack(kubectl, namespace, 'daemonset/ds')
      expect(await kubectl.ok('get daemonset ds')).toMatch(/ds\s+1\s+1\s+1\s+1\s+1/)
      await kubectl.ok(`delete node ${name}`)
    },
  },
  {
    name: 'rollout of a Deployment with Pods that run',
    async run(kubectl, namespace) {
      await kubectl.ok('create -f -', workload('Deployment', 'deploy', 'replicas: 2'))
      await goForthAndBack(kubectl, namespace, 'deployment/deploy')
    },
  },
]
