/** Changes to what exists: edit, patch, label, annotate, replace, scale, wait. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Scenario } from './scenario.ts'
import { configMap, deployment, documents, pod } from './scenario.ts'

function editor(sed: string): string {
  const path = join(mkdtempSync(join(tmpdir(), 'knarr-editor-')), 'editor.sh')
  writeFileSync(path, `#!/bin/sh\nsed -i '${sed}' "$1"\n`)
  chmodSync(path, 0o755)
  return path
}

export const EDITING: readonly Scenario[] = [
  {
    name: 'edit changes an object through an editor',
    async run(kubectl) {
      await kubectl.ok('create -f -', deployment('web'))
      const edited = await kubectl.run(['edit', 'deployment', 'web'], {
        env: { KUBE_EDITOR: editor('s/replicas: 2/replicas: 7/') },
      })
      expect(edited).toMatchObject({ code: 0, stdout: 'deployment.apps/web edited\n' })
      expect(await kubectl.ok('get deployment web -o jsonpath={.spec.replicas}')).toBe('7')
      const same = await kubectl.run(['edit', 'deployment', 'web'], { env: { KUBE_EDITOR: 'true' } })
      expect(same.stderr + same.stdout).toContain('Edit cancelled, no changes made.')
    },
  },
  {
    name: 'edit of an invalid value shows the reason',
    async run(kubectl) {
      await kubectl.ok('create -f -', deployment('web'))
      const edited = await kubectl.run(['edit', 'deployment', 'web'], {
        env: { KUBE_EDITOR: editor('s/replicas: 2/replicas: -2/') },
      })
      expect(edited.code).not.toBe(0)
      const copy = /stored to "([^"]+)"/.exec(edited.stderr)?.[1] ?? ''
      expect(readFileSync(copy, 'utf8')).toContain('spec.replicas: Invalid value: -2')
      rmSync(copy)
    },
  },
  {
    name: 'patch: strategic, merge, JSON',
    async run(kubectl) {
      await kubectl.ok('create -f -', deployment('web'))
      const patch = (type: string, body: unknown): Promise<string> =>
        kubectl.ok(['patch', 'deployment', 'web', `--type=${type}`, '-p', JSON.stringify(body)])
      await patch('strategic', {
        spec: { template: { spec: { containers: [{ name: 'web', env: [{ name: 'A', value: '1' }] }] } } },
      })
      await patch('merge', { spec: { replicas: 4, minReadySeconds: 3 }, metadata: { annotations: { a: 'b' } } })
      await patch('json', [
        { op: 'test', path: '/spec/replicas', value: 4 },
        { op: 'add', path: '/metadata/labels/x~1y', value: 'z' },
        { op: 'remove', path: '/spec/minReadySeconds' },
      ])
      const live = await kubectl.json('get deployment web')
      expect(live).toMatchObject({
        metadata: { labels: { app: 'web', 'x/y': 'z' }, annotations: { a: 'b' } },
        spec: {
          replicas: 4,
          template: { spec: { containers: [{ image: 'nginx:1', env: [{ name: 'A', value: '1' }] }] } },
        },
      })
      expect(live['spec']).not.toHaveProperty('minReadySeconds')
      expect(await patch('merge', {})).toContain('patched (no change)')
      expect(
        await kubectl.fails(['patch', 'deployment', 'web', '--type=json', '-p', '[{"op":"remove","path":"/nope"}]']),
      ).toMatch(/request is invalid|nonexistent|missing/i)
      expect(await kubectl.fails(['patch', 'deployment', 'none', '-p', '{}'])).toContain('not found')
    },
  },
  {
    name: 'patch --subresource=status',
    versions: ['1.36'],
    async run(kubectl) {
      await kubectl.ok(['create', 'deployment', 'web', '--image=nginx:1', '--replicas=2'])
      await kubectl.ok(['run', 'pod', '--image=nginx:1'])
      const patch = '{"status":{"phase":"Running"},"spec":{"activeDeadlineSeconds":9}}'
      await kubectl.ok(['patch', 'pod', 'pod', '--subresource=status', '--type=merge', '-p', patch])
      const live = await kubectl.json<{ spec: object }>('get pod pod --subresource=status')
      expect(live).toMatchObject({ status: { phase: 'Running' } })
      expect(live.spec).not.toHaveProperty('activeDeadlineSeconds')
      expect(await kubectl.json('get deployment web --subresource=scale')).toMatchObject({
        kind: 'Scale',
        spec: { replicas: 2 },
      })
    },
  },
  {
    name: 'replace --subresource=status writes the status alone',
    versions: ['1.36'],
    async run(kubectl) {
      await kubectl.ok(['create', 'deployment', 'web', '--image=nginx:1', '--replicas=2'])
      await kubectl.ok(['run', 'pod', '--image=nginx:1'])
      const live = await kubectl.json<{ spec: object; status: object }>('get pod pod')
      const changed = {
        ...live,
        spec: { ...live.spec, activeDeadlineSeconds: 9 },
        status: { ...live.status, phase: 'Running', message: 'replaced' },
      }
      await kubectl.ok('replace --subresource=status -f -', JSON.stringify(changed))
      const after = await kubectl.json<{ spec: object }>('get pod pod')
      expect(after).toMatchObject({ status: { phase: 'Running', message: 'replaced' } })
      expect(after.spec).not.toHaveProperty('activeDeadlineSeconds')
      expect(await kubectl.fails('replace --subresource=status -f -', JSON.stringify(live))).toContain(
        'the object has been modified',
      )
      await kubectl.ok(['get', 'deployment', 'web', '--subresource=status', '-o', 'name'])
    },
  },
  {
    name: 'label --field-manager names who changed what',
    async run(kubectl) {
      await kubectl.ok('create configmap c')
      await kubectl.ok('apply --server-side --force-conflicts -f -', configMap('c', { a: '1' }))
      await kubectl.ok('label cm c tier=one --field-manager=labeller')
      await kubectl.ok('annotate cm c note=hi --field-manager=annotator')
      const shown = kubectl.version === '1.20' ? '' : ' --show-managed-fields'
      const { metadata } = await kubectl.json<{ metadata: { managedFields: object[] } }>(`get cm c${shown}`)
      expect(metadata.managedFields).toEqual(
        expect.arrayContaining([
          expect.objectContaining({
            manager: 'labeller',
            operation: 'Update',
            fieldsV1: { 'f:metadata': { 'f:labels': { '.': {}, 'f:tier': {} } } },
          }),
          expect.objectContaining({
            manager: 'annotator',
            fieldsV1: expect.objectContaining({ 'f:metadata': expect.anything() as unknown }) as unknown,
          }),
        ]) as unknown,
      )
    },
  },
  {
    name: 'label and annotate: add, refuse to overwrite, overwrite, remove, all',
    async run(kubectl) {
      await kubectl.ok('create -f -', documents(configMap('a'), configMap('b')))
      expect(await kubectl.ok('label cm a tier=one')).toContain('labeled')
      expect(await kubectl.fails('label cm a tier=two')).toContain('already has a value')
      await kubectl.ok('label cm a tier=two --overwrite')
      await kubectl.ok('annotate cm a b note=hello')
      await kubectl.ok('label cm --all extra=1')
      await kubectl.ok('label cm b extra-')
      await kubectl.ok('annotate cm b note-')
      const { items } = await kubectl.json<{
        items: { metadata: { name: string; labels?: object; annotations?: object } }[]
      }>('get cm a b')
      expect(items.map(({ metadata: { name, labels, annotations } }) => ({ name, labels, annotations }))).toEqual([
        { name: 'a', labels: { tier: 'two', extra: '1' }, annotations: { note: 'hello' } },
        { name: 'b' },
      ])
      expect(await kubectl.fails('label cm a bad=a/b')).toMatch(/invalid label value|Invalid value/)
    },
  },
  {
    name: 'replace: whole object, conflict on a stale version, --force',
    async run(kubectl) {
      await kubectl.ok('create -f -', configMap('c', { a: '1' }))
      const before = await kubectl.json<{ metadata: { uid: string } }>('get cm c')
      expect(await kubectl.ok('replace -f -', configMap('c', { b: '2' }))).toBe('configmap/c replaced\n')
      expect(await kubectl.fails('replace -f -', JSON.stringify(before))).toContain('the object has been modified')
      await kubectl.ok('replace --force -f -', configMap('c', { d: '4' }))
      const after = await kubectl.json<{ metadata: { uid: string }; data: object }>('get cm c')
      expect(after.data).toEqual({ d: '4' })
      expect(after.metadata.uid).not.toBe(before.metadata.uid)
      expect(await kubectl.fails('replace -f -', configMap('none'))).toContain('not found')
    },
  },
  {
    name: 'scale deployments, statefulsets and replication controllers, with preconditions',
    async run(kubectl) {
      const set = deployment('db')
        .replace('kind: Deployment', 'kind: StatefulSet')
        .replace('spec:\n  replicas', 'spec:\n  serviceName: db\n  replicas')
      await kubectl.ok('create -f -', documents(deployment('web'), set))
      await kubectl.ok('scale deployment/web statefulset/db --replicas=5')
      expect(await kubectl.ok('get deploy,sts -o jsonpath={.items[*].spec.replicas}')).toBe('5 5')
      await kubectl.ok('scale deployment web --current-replicas=5 --replicas=6')
      expect(await kubectl.fails('scale deployment web --current-replicas=1 --replicas=2')).toMatch(
        /Expected replicas to be 1/i,
      )
      expect(await kubectl.fails('scale deployment none --replicas=2')).toContain('not found')
      await kubectl.ok('autoscale deployment web --min=1 --max=3 --cpu-percent=80')
      expect(await kubectl.ok('get hpa')).toMatch(/web\s+Deployment\/web/)
    },
  },
  {
    name: 'wait for a condition, for deletion, and in vain',
    async run(kubectl) {
      await kubectl.ok('create -f -', documents(deployment('web'), configMap('gone')))
      const [timedOut] = await Promise.all([
        kubectl.fails('wait deployment/web --for=condition=Available --timeout=1s'),
        (async () => {
          const waiting = kubectl.run(['wait', 'cm/gone', '--for=delete', '--timeout=30s'])
          await kubectl.ok('delete cm gone')
          const { code, stderr } = await waiting
          // It may come too late to see the object; the old one then complains.
          expect(code === 0 ? '' : stderr).toMatch(/^$|NotFound|no matching resources found/)
        })(),
      ])
      expect(timedOut).toContain('timed out waiting for the condition')
      if (kubectl.version === '1.20') return
      await kubectl.ok('create -f -', pod('p'))
      const condition = { type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }
      const waiting = kubectl.run(['wait', 'pod/p', '--for=condition=Ready', '--timeout=30s'])
      const jsonpath = kubectl.run(['wait', 'pod/p', '--for=jsonpath={.status.phase}=Running', '--timeout=30s'])
      const status = JSON.stringify({ status: { phase: 'Running', conditions: [condition] } })
      await kubectl.ok(['patch', 'pod', 'p', '--subresource=status', '--type=merge', '-p', status])
      expect(await waiting).toMatchObject({ code: 0, stdout: 'pod/p condition met\n' })
      expect(await jsonpath).toMatchObject({ code: 0 })
    },
  },
  {
    name: 'cordon, taint and drain act on a node object',
    async run(kubectl, namespace) {
      const node = `n-${namespace}`
      await kubectl.ok('create -f -', JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name: node } }))
      await kubectl.ok(`cordon ${node}`)
      await kubectl.ok(`taint node ${node} key=value:NoSchedule`)
      expect(await kubectl.ok(`get node ${node}`)).toMatch(/NotReady,SchedulingDisabled|Unknown,SchedulingDisabled/)
      await kubectl.ok(`uncordon ${node}`)
      expect(await kubectl.ok(`describe node ${node}`)).toMatch(/Taints:\s+key=value:NoSchedule/)
      await kubectl.ok(`drain ${node} --ignore-daemonsets --force`)
      await kubectl.ok(`delete node ${node}`)
    },
  },
  {
    name: 'a pod without a node has no logs; exec and the like say why they cannot',
    async run(kubectl) {
      await kubectl.ok('create -f -', pod('p'))
      expect(await kubectl.ok('logs p')).toBe('')
      expect(await kubectl.fails('exec p -- true')).toContain('does not have a host assigned')
      for (const command of ['port-forward p 0:80', 'attach p']) {
        expect(await kubectl.fails(command), command).not.toBe('')
      }
    },
  },
]
