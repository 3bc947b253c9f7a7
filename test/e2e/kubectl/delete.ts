/** delete in all its forms. */
import { expect } from 'vitest'
import { eventually } from '#test/support/eventually.ts'
import type { Kubectl } from '#test/support/kubectl.ts'
import type { Scenario } from './scenario.ts'
import { configMap, documents, pod } from './scenario.ts'

/** A ConfigMap that owns another one. */
async function family(kubectl: Kubectl): Promise<void> {
  await kubectl.ok('create configmap parent')
  const uid = await kubectl.ok('get cm parent -o jsonpath={.metadata.uid}')
  const child = JSON.parse(configMap('child')) as { metadata: Record<string, unknown> }
  child.metadata['ownerReferences'] = [
    { apiVersion: 'v1', kind: 'ConfigMap', name: 'parent', uid, blockOwnerDeletion: true },
  ]
  await kubectl.ok('create -f -', JSON.stringify(child))
}

const cascade = (kubectl: Kubectl, policy: 'background' | 'foreground' | 'orphan'): string =>
  kubectl.version === '1.20' && policy === 'background' ? '--cascade=true' : `--cascade=${policy}`

export const DELETING: readonly Scenario[] = [
  {
    name: 'delete by name, by label, by file, all of a kind',
    async run(kubectl) {
      const items = ['a', 'b', 'c', 'd'].map((name) => configMap(name, {}, { group: name < 'c' ? 'one' : 'two' }))
      await kubectl.ok('create -f -', documents(...items))
      expect(await kubectl.ok('delete cm a')).toMatch(/^configmap "a" deleted/)
      expect(await kubectl.ok('delete cm -l group=one')).toMatch(/^configmap "b" deleted/)
      expect(await kubectl.ok('delete -f -', configMap('c'))).toMatch(/^configmap "c" deleted/)
      await kubectl.ok('create secret generic s')
      await kubectl.ok('delete cm,secrets --all')
      await eventually(async () =>
        expect((await kubectl.ok('get cm,secrets -o name')).trim()).toBe('configmap/kube-root-ca.crt'),
      )
      expect(await kubectl.fails('delete cm a')).toContain('not found')
      expect(await kubectl.ok('delete cm a --ignore-not-found')).toBe('')
    },
  },
  {
    name: 'delete --cascade=background takes dependents along',
    async run(kubectl) {
      await family(kubectl)
      await kubectl.ok(`delete cm parent ${cascade(kubectl, 'background')}`)
      await eventually(async () => expect(await kubectl.fails('get cm child')).toContain('not found'))
    },
  },
  {
    name: 'delete --cascade=foreground waits for dependents',
    async run(kubectl) {
      await family(kubectl)
      await kubectl.ok(`delete cm parent ${cascade(kubectl, 'foreground')} --wait`)
      expect(await kubectl.fails('get cm child')).toContain('not found')
    },
  },
  {
    name: 'delete --cascade=orphan leaves dependents without an owner',
    async run(kubectl) {
      await family(kubectl)
      await kubectl.ok(`delete cm parent ${cascade(kubectl, 'orphan')} --wait`)
      expect(await kubectl.fails('get cm parent')).toContain('not found')
      const child = await kubectl.json<{ metadata: { ownerReferences?: unknown } }>('get cm child')
      expect(child.metadata.ownerReferences).toBeUndefined()
    },
  },
  {
    name: 'delete waits for finalizers; --wait=false does not',
    async run(kubectl) {
      const held = JSON.parse(configMap('held')) as { metadata: Record<string, unknown> }
      held.metadata['finalizers'] = ['example.com/hold']
      await kubectl.ok('create -f -', JSON.stringify(held))
      await kubectl.ok('delete cm held --wait=false')
      expect(await kubectl.ok('get cm held -o jsonpath={.metadata.deletionTimestamp}')).not.toBe('')
      const waiting = kubectl.run(['delete', 'cm', 'held'])
      await kubectl.ok(['patch', 'cm', 'held', '--type=merge', '-p', '{"metadata":{"finalizers":null}}'])
      const result = await waiting
      expect(result.code === 0 || result.stderr.includes('not found')).toBe(true)
      await eventually(async () => expect(await kubectl.fails('get cm held')).toContain('not found'))
    },
  },
  {
    name: 'delete pod --grace-period and --force',
    async run(kubectl) {
      await kubectl.ok('create -f -', documents(pod('a'), pod('b')))
      await kubectl.ok('delete pod a --grace-period=0 --force')
      await kubectl.ok('delete pod b') // Never scheduled: nothing to wait for.
      expect(await kubectl.ok('get pods -o name')).toBe('')
    },
  },
  {
    name: 'delete --dry-run=server deletes nothing',
    async run(kubectl) {
      await kubectl.ok('create configmap c')
      expect(await kubectl.ok('delete cm c --dry-run=server')).toContain('(server dry run)')
      expect(await kubectl.ok('get cm c -o name')).toBe('configmap/c\n')
    },
  },
  {
    name: 'delete namespace removes everything in it',
    async run(kubectl, namespace) {
      const inner = `${namespace}-inner`
      await kubectl.ok(['create', 'namespace', inner])
      const there = kubectl.in(inner)
      await eventually(() => there.ok('get serviceaccount default'))
      await Promise.all([
        there.ok('create configmap c'),
        there.ok('create secret generic s'),
        there.ok('create deployment d --image=x'),
        there.ok('create service clusterip svc --tcp=80'),
        there.ok('create role r --verb=get --resource=pods'),
        there.ok('create -f -', pod('p')),
      ])
      await kubectl.ok(['delete', 'namespace', inner])
      expect(await kubectl.fails(`get namespace ${inner}`)).toContain('not found')
      expect(
        await kubectl.ok([
          'get',
          'cm,secret,deploy,svc,role,pod',
          '-A',
          '--field-selector',
          `metadata.namespace=${inner}`,
          '-o',
          'name',
        ]),
      ).toBe('')
      expect(await there.fails('create configmap late')).toMatch(/not found|forbidden/)
    },
  },
]
