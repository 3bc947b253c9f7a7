/** get in all its forms, describe, explain, discovery. */
import { expect } from 'vitest'
import { eventually } from '#test/support/eventually.ts'
import type { Scenario } from './scenario.ts'
import { configMap, deployment, documents, pod } from './scenario.ts'

const seeded = async (kubectl: Parameters<Scenario['run']>[0]): Promise<void> => {
  const items = ['a', 'b', 'c', 'd', 'e'].map((name, i) =>
    configMap(name, { index: String(i) }, { parity: i % 2 === 0 ? 'even' : 'odd', name }),
  )
  await kubectl.ok('create -f -', documents(...items))
}

export const READING: readonly Scenario[] = [
  {
    name: 'get prints the columns of the kind, and wide ones with -o wide',
    async run(kubectl) {
      await kubectl.ok('create -f -', deployment('web'))
      const [plain, wide] = await Promise.all([kubectl.ok('get deployments'), kubectl.ok('get deploy web -o wide')])
      expect(plain.split('\n')[0]?.split(/\s{2,}/)).toEqual(['NAME', 'READY', 'UP-TO-DATE', 'AVAILABLE', 'AGE'])
      expect(plain).toMatch(/web\s+0\/2\s+[012]\s+0\s+\d+s/)
      expect(wide).toMatch(/CONTAINERS\s+IMAGES\s+SELECTOR/)
      expect(wide).toMatch(/web\s+nginx:1\s+app=web/)
    },
  },
  {
    name: 'get -o yaml, json, name, jsonpath, custom-columns, go-template',
    async run(kubectl, namespace) {
      await seeded(kubectl)
      const [yaml, json, name, jsonpath, columns, template] = await Promise.all([
        kubectl.ok('get cm a -o yaml'),
        kubectl.json<{ items: { metadata: { namespace: string } }[]; kind: string }>('get cm -l name'),
        kubectl.ok('get cm -l name -o name'),
        kubectl.ok(['get', 'cm', '-l', 'name', '-o', 'jsonpath={.items[*].data.index}']),
        kubectl.ok('get cm -l name -o custom-columns=N:.metadata.name,I:.data.index'),
        kubectl.ok(['get', 'cm', 'a', '-o', 'go-template={{.data.index}}']),
      ])
      expect(yaml).toContain('kind: ConfigMap')
      expect(yaml).toContain('index: "0"')
      expect(json.kind).toBe('List')
      expect(json.items).toHaveLength(5)
      expect(json.items[0]?.metadata.namespace).toBe(namespace)
      expect(name.trim().split('\n')).toEqual(['a', 'b', 'c', 'd', 'e'].map((item) => `configmap/${item}`))
      expect(jsonpath).toBe('0 1 2 3 4')
      expect(columns).toMatch(/^N\s+I\na\s+0\n/)
      expect(template).toBe('0')
    },
  },
  {
    name: 'get selects by label and by field, sorts and shows labels',
    async run(kubectl) {
      await seeded(kubectl)
      const [equal, inSet, notIn, exists, field, sorted, labels, columns] = await Promise.all([
        kubectl.ok('get cm -l parity=odd -o name'),
        kubectl.ok(['get', 'cm', '-l', 'name in (a,b),parity', '-o', 'name']),
        kubectl.ok(['get', 'cm', '-l', 'parity,name notin (a,b)', '-o', 'name']),
        kubectl.ok(['get', 'cm', '-l', '!parity', '-o', 'name']),
        kubectl.ok('get cm --field-selector metadata.name=c -o name'),
        kubectl.ok(['get', 'cm', '-l', 'name', '--sort-by={.data.index}', '--no-headers']),
        kubectl.ok('get cm a --show-labels'),
        kubectl.ok('get cm a -L parity'),
      ])
      expect(equal.trim().split('\n')).toEqual(['configmap/b', 'configmap/d'])
      expect(inSet.trim().split('\n')).toEqual(['configmap/a', 'configmap/b'])
      expect(notIn.trim().split('\n')).toHaveLength(3)
      expect(exists).not.toContain('configmap/a')
      expect(field).toBe('configmap/c\n')
      expect(
        sorted
          .trim()
          .split('\n')
          .map((line) => line[0]),
      ).toEqual(['a', 'b', 'c', 'd', 'e'])
      expect(labels).toContain('name=a,parity=even')
      expect(columns).toContain('PARITY')
      expect(await kubectl.fails('get cm --field-selector data.x=y')).toContain(
        '"data.x" is not a known field selector',
      )
    },
  },
  {
    name: 'get --chunk-size pages through all items',
    async run(kubectl) {
      await seeded(kubectl)
      const names = (await kubectl.ok('get cm -l name --chunk-size=2 -o name')).trim().split('\n')
      expect(names).toHaveLength(5)
      expect((await kubectl.ok('get cm -l name --chunk-size=2')).trim().split('\n')).toHaveLength(6)
    },
  },
  {
    name: 'get -A and several kinds in one command',
    async run(kubectl, namespace) {
      await kubectl.ok('create -f -', documents(configMap('here'), pod('p')))
      const [all, several, kinds, everything] = await Promise.all([
        kubectl.ok('get cm -A'),
        kubectl.ok('get cm/here pod/p'),
        kubectl.ok('get cm,pods --show-kind'),
        kubectl.ok('get all --show-kind'),
      ])
      expect(all).toMatch(new RegExp(`${namespace}\\s+here`))
      expect(several).toContain('configmap/here')
      expect(several).toContain('pod/p')
      expect(kinds).toContain('pod/p')
      expect(everything).toContain('pod/p')
    },
  },
  {
    name: 'get says what is missing',
    async run(kubectl) {
      expect(await kubectl.fails('get cm nothing')).toBe(
        'Error from server (NotFound): configmaps "nothing" not found\n',
      )
      expect(await kubectl.fails('get gadgets')).toContain(`the server doesn't have a resource type "gadgets"`)
      expect(await kubectl.ok('get cm nothing --ignore-not-found')).toBe('')
      const empty = await kubectl.run(['get', 'pods'])
      expect(empty.stderr).toMatch(/No resources found in .* namespace/)
    },
  },
  {
    name: 'get -w prints changes as they happen',
    async run(kubectl) {
      await kubectl.ok('create -f -', pod('first'))
      const watch = kubectl.start(['get', 'pods', '-w', '--output-watch-events'])
      await eventually(() => expect(watch.stdout).toMatch(/ADDED\s+first/))
      await kubectl.ok('create -f -', pod('second'))
      await kubectl.ok('label pod second seen=yes')
      await kubectl.ok('delete pod second --now')
      await eventually(() => {
        expect(watch.stdout).toMatch(/ADDED\s+second/)
        expect(watch.stdout).toMatch(/MODIFIED\s+second/)
        expect(watch.stdout).toMatch(/DELETED\s+second/)
      })
      await watch.stop()
    },
  },
  {
    name: 'get -w of one object and get --watch-only',
    async run(kubectl) {
      await kubectl.ok('create -f -', configMap('watched', { step: '1' }))
      const watch = kubectl.start(['get', 'cm', 'watched', '-w', '-o', 'jsonpath={.data.step};'])
      const only = kubectl.start(['get', 'cm', '--watch-only', '-o', 'name'])
      await eventually(() => expect(watch.stdout).toContain('1;'))
      await kubectl.ok('create cm other')
      await kubectl.ok(['patch', 'cm', 'watched', '-p', '{"data":{"step":"2"}}'])
      await eventually(() => expect(watch.stdout).toBe('1;2;'))
      await eventually(() => expect(only.stdout).toContain('configmap/watched'))
      await Promise.all([watch.stop(), only.stop()])
    },
  },
  {
    name: 'get --raw',
    async run(kubectl, namespace) {
      const list = JSON.parse(await kubectl.ok(`get --raw /api/v1/namespaces/${namespace}/configmaps`)) as {
        kind: string
      }
      expect(list.kind).toBe('ConfigMapList')
      expect(await kubectl.ok('get --raw /readyz')).toBe('ok')
      expect(await kubectl.ok('get --raw /livez?verbose')).toContain('livez check passed')
      expect(await kubectl.ok('get --raw /metrics')).toContain('apiserver_request_total')
      expect(await kubectl.fails('get --raw /nothing/here')).toMatch(/NotFound|could not find the requested resource/)
    },
  },
  {
    name: 'describe shows an object and its events',
    async run(kubectl, namespace) {
      await kubectl.ok('create -f -', documents(deployment('web'), pod('p'), configMap('c', { key: 'value' })))
      const event = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'p.1' },
        involvedObject: { apiVersion: 'v1', kind: 'Pod', name: 'p', namespace },
        reason: 'Testing',
        message: 'it happened',
        type: 'Normal',
        source: { component: 'test' },
        firstTimestamp: '2026-01-01T00:00:00Z',
        lastTimestamp: '2026-01-01T00:00:00Z',
        count: 1,
      }
      await kubectl.ok('create -f -', JSON.stringify(event))
      const described = await kubectl.ok('describe deployment/web pod/p cm/c')
      expect(described).toMatch(/Name:\s+web/)
      expect(described).toMatch(/Replicas:\s+2 desired/)
      expect(described).toMatch(/Image:\s+busybox/)
      expect(described).toMatch(/key:\n----\nvalue/)
      const namespaceText = await kubectl.ok(`describe namespace ${namespace}`)
      expect(namespaceText).toMatch(/Status:\s+Active/)
      expect(
        await kubectl.ok('describe svc,secret,sa,role,quota,limits,job,cronjob,ingress,pvc,ds,sts,rs,hpa,netpol,pdb'),
      ).toContain('default')
      expect(await kubectl.fails('describe pod nothing')).toContain('"nothing" not found')
    },
  },
  {
    name: 'events by get and by the events command',
    async run(kubectl, namespace) {
      const event = {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'x.1' },
        involvedObject: { apiVersion: 'v1', kind: 'Pod', name: 'x', namespace, uid: 'u' },
        reason: 'Testing',
        message: 'it happened',
        type: 'Warning',
        firstTimestamp: '2026-01-01T00:00:00Z',
        lastTimestamp: '2026-01-01T00:00:00Z',
        count: 3,
      }
      await kubectl.ok('create -f -', JSON.stringify(event))
      expect(await kubectl.ok('get events')).toMatch(/Warning\s+Testing\s+pod\/x\s+it happened/)
      const wide = await kubectl.ok('get events --field-selector involvedObject.name=x,type=Warning -o wide')
      expect(wide).toMatch(/SUBOBJECT\s+SOURCE\s+MESSAGE\s+FIRST SEEN\s+COUNT\s+NAME/)
      if (kubectl.version !== '1.20')
        expect(await kubectl.ok('events --for pod/x')).toMatch(/Warning\s+Testing\s+Pod\/x\s+it happened/)
    },
  },
  {
    name: 'explain describes fields of built-in kinds',
    async run(kubectl) {
      const [spec, recursive, leaf] = await Promise.all([
        kubectl.ok('explain deployment.spec'),
        kubectl.ok('explain pod --recursive'),
        kubectl.ok('explain pod.spec.containers.image'),
      ])
      expect(spec).toMatch(/KIND:\s+Deployment/)
      expect(spec).toContain('replicas')
      expect(recursive).toContain('terminationGracePeriodSeconds')
      expect(leaf).toMatch(/FIELD:?\s+image/)
      expect(await kubectl.fails('explain deployment.spec.nothing')).toContain('does not exist')
      expect(await kubectl.ok('explain ingress --api-version=networking.k8s.io/v1')).toContain('networking.k8s.io')
    },
  },
  {
    name: 'api-resources and api-versions list what is served',
    async run(kubectl) {
      const [all, namespaced, groups, names, versions] = await Promise.all([
        kubectl.ok('api-resources'),
        kubectl.ok('api-resources --namespaced=false -o name'),
        kubectl.ok('api-resources --api-group=apps -o wide'),
        kubectl.ok('api-resources --verbs=list,watch -o name'),
        kubectl.ok('api-versions'),
      ])
      expect(all).toMatch(/pods\s+po\s+v1\s+true\s+Pod/)
      expect(all).toMatch(/helmcharts\s.*helm.cattle.io\/v1\s+true\s+HelmChart/)
      expect(namespaced).toContain('nodes\n')
      expect(namespaced).not.toContain('pods\n')
      expect(groups).toMatch(/deployments\s+deploy/)
      expect(names).toContain('customresourcedefinitions.apiextensions.k8s.io')
      expect(versions.split('\n')).toEqual(expect.arrayContaining(['v1', 'apps/v1', 'batch/v1', 'k3s.cattle.io/v1']))
    },
  },
  {
    name: 'version and cluster-info reach the server',
    async run(kubectl) {
      const version = JSON.parse(await kubectl.ok('version -o json')) as { serverVersion: { gitVersion: string } }
      expect(version.serverVersion.gitVersion).toMatch(/^v1\.36\.\d+/)
      expect(await kubectl.ok('cluster-info')).toMatch(/is running at .*https:\/\/127\.0\.0\.1/)
      expect(await kubectl.ok('cluster-info dump --namespaces default')).toContain('"kind": "')
    },
  },
]
