/** What is limited or refused: quotas, pod security, disruption budgets; and debugging past a pod's own containers. */
import { expect } from 'vitest'
import { eventually } from '#test/support/eventually.ts'
import type { Kubectl } from '#test/support/kubectl.ts'
import type { Scenario } from './scenario.ts'
import { configMap, documents, pod } from './scenario.ts'

const privilegedPod = (name: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: { containers: [{ name: 'main', image: 'busybox', securityContext: { privileged: true } }] },
  })

const podOn = (node: string, name: string): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: { nodeName: node, containers: [{ name: 'main', image: 'busybox' }] },
  })

async function makeReady(kubectl: Kubectl, name: string): Promise<void> {
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] }
  await kubectl.ok(['patch', 'pod', name, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })])
}

/** What the disruption controller finds, said in its place. */
async function allow(kubectl: Kubectl, name: string, found: object): Promise<void> {
  const status = { currentHealthy: 1, expectedPods: 1, ...found }
  await kubectl.ok(['patch', 'pdb', name, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })])
}

export const GUARDING: readonly Scenario[] = [
  {
    name: 'create quota, describe quota shows what is used, and more is refused',
    async run(kubectl) {
      await kubectl.ok('create quota q --hard=configmaps=3,pods=1')
      await eventually(async () => expect(await kubectl.ok('describe quota q')).toMatch(/configmaps\s+1\s+3/))
      await kubectl.ok('create -f -', documents(configMap('a'), configMap('b'), pod('p')))
      await eventually(async () => {
        const described = await kubectl.ok('describe quota q')
        expect(described).toMatch(/configmaps\s+3\s+3/)
        expect(described).toMatch(/pods\s+1\s+1/)
      })
      expect(await kubectl.fails('create configmap c')).toContain(
        'configmaps "c" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=3, limited: configmaps=3',
      )
      await kubectl.ok('delete cm a')
      await eventually(() => kubectl.ok('create configmap c'), 30_000)
    },
  },
  {
    name: 'label ns for pod security warns of what is there; what comes is denied',
    async run(kubectl, namespace) {
      await kubectl.ok('create -f -', privilegedPod('old'))
      const level = 'pod-security.kubernetes.io/enforce=baseline'
      const labelled = await kubectl.run(['label', 'ns', namespace, level])
      expect(labelled.code).toBe(0)
      expect(labelled.stderr).toContain(
        `existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "baseline:latest"`,
      )
      expect(labelled.stderr).toContain('Warning: old: privileged')
      expect(await kubectl.fails('create -f -', privilegedPod('new'))).toContain(
        'pods "new" is forbidden: violates PodSecurity "baseline:latest": privileged (container "main" must not set securityContext.privileged=true)',
      )
      await kubectl.ok(`label ns ${namespace} pod-security.kubernetes.io/warn=restricted`)
      const warned = await kubectl.run(['run', 'plain', '--image=busybox'])
      expect(warned.code).toBe(0)
      expect(warned.stderr).toMatch(/Warning: would violate PodSecurity "restricted:latest": allowPrivilegeEscalation/)
    },
  },
  {
    name: 'debug adds an ephemeral container',
    versions: ['1.36'],
    async run(kubectl) {
      await kubectl.ok('create -f -', pod('p'))
      await kubectl.ok('debug p --image=busybox:1 --container=look --target=main --attach=false -- sleep 1')
      expect(await kubectl.json('get pod p')).toMatchObject({
        spec: {
          ephemeralContainers: [
            { name: 'look', image: 'busybox:1', targetContainerName: 'main', command: ['sleep', '1'] },
          ],
        },
      })
      expect(await kubectl.fails('debug p --image=busybox --container=main --attach=false')).toMatch(
        /main|Duplicate|already exists/,
      )
      await kubectl.ok('debug p --image=busybox:1 --copy-to=q --attach=false --container=look')
      expect(await kubectl.ok(['get', 'pod', 'q', '-o', 'jsonpath={.spec.containers[*].name}'])).toBe('main look')
    },
  },
  {
    name: 'drain waits for the disruption budget and evicts when it allows',
    versions: ['1.36'],
    async run(kubectl, namespace) {
      const node = `drained-${namespace}`
      await kubectl.ok('create -f -', JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: node } }))
      await kubectl.ok('create -f -', podOn(node, 'app'))
      await makeReady(kubectl, 'app')
      await kubectl.ok('create pdb keep --selector=app=app --min-available=1')
      await allow(kubectl, 'keep', { observedGeneration: 1, disruptionsAllowed: 0, desiredHealthy: 1 })
      const drain = ['drain', node, '--force', '--grace-period=0']
      expect(await kubectl.fails([...drain, '--timeout=2s'])).toContain(
        "Cannot evict pod as it would violate the pod's disruption budget.",
      )
      const eviction = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'app', namespace } }
      const path = `/api/v1/namespaces/${namespace}/pods/app/eviction`
      expect(await kubectl.fails(['create', '--raw', path, '-f', '-'], JSON.stringify(eviction))).toContain(
        "(TooManyRequests): Cannot evict pod as it would violate the pod's disruption budget.",
      )
      await kubectl.ok(['patch', 'pdb', 'keep', '-p', '{"spec":{"minAvailable":0}}'])
      await allow(kubectl, 'keep', { observedGeneration: 2, disruptionsAllowed: 1, desiredHealthy: 0 })
      expect(await kubectl.ok([...drain, '--timeout=30s'])).toContain('pod/app evicted')
      expect(await kubectl.ok('get pods -o name')).toBe('')
      await kubectl.ok(`delete node ${node}`)
    },
  },
]
