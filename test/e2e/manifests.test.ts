/** The manifests folder of a real server: what docs/manifests.md promises, one test per row of the k3s behaviour list. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientFromKubeconfig } from '#cli/kubeconfig.ts'
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import { DEPLOYMENTS } from '#machinery/api/apps/v1/resources.gen.ts'
import {
  CONFIG_MAPS,
  EVENTS,
  NAMESPACES,
  PERSISTENT_VOLUME_CLAIMS,
  SERVICES,
} from '#machinery/api/core/v1/resources.gen.ts'
import { ADDONS } from '#machinery/api/k3s/v1/resources.ts'
import type { Addon } from '#machinery/api/k3s/v1/types.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import { isNotFound } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { eventually } from '#test/support/eventually.ts'
import type { ServerProcess } from '#test/support/server-process.ts'
import { startServerProcess } from '#test/support/server-process.ts'

let server: ServerProcess
let client: Client
const outside: string[] = []

beforeAll(async () => {
  server = await startServerProcess()
  client = clientFromKubeconfig(server.kubeconfig)
})

afterAll(async () => {
  await server.dispose()
  for (const path of outside) rmSync(path, { recursive: true, force: true })
})

const path = (name: string): string => join(server.manifests, name)

function drop(name: string, content: string): void {
  mkdirSync(dirname(path(name)), { recursive: true })
  writeFileSync(path(name), content)
}

const documents = (...manifests: readonly (object | string)[]): string =>
  manifests.map((item) => `---\n${typeof item === 'string' ? item : JSON.stringify(item)}\n`).join('')

const configMap = (name: string, data: Record<string, string> = {}, metadata: object = {}): KubeObject =>
  ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data }) as unknown as KubeObject

const deployment = (name: string, app = name): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    selector: { matchLabels: { app } },
    template: { metadata: { labels: { app } }, spec: { containers: [{ name: 'c', image: 'nginx' }] } },
  },
})

const definition = (plural: string, kind: string, versions: readonly string[] = ['v1']): object => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.e2e.example.com` },
  spec: {
    group: 'e2e.example.com',
    scope: 'Namespaced',
    names: { plural, singular: kind.toLowerCase(), kind },
    versions: versions.map((name, i) => ({
      name,
      served: true,
      storage: i === 0,
      schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
    })),
  },
})

const custom = (plural: string, kind: string): Resource => ({
  group: 'e2e.example.com',
  version: 'v1',
  resource: plural,
  kind,
  namespaced: true,
})

async function find<T extends KubeObject>(
  resource: Resource<T>,
  name: string,
  namespace = 'default',
): Promise<DeepReadonly<T> | undefined> {
  const key = resource.namespaced ? { namespace, name } : { name }
  return client.get(resource, key).catch((err: unknown) => {
    if (isNotFound(err)) return undefined
    throw err
  })
}

const addon = (name: string): Promise<DeepReadonly<Addon> | undefined> => find(ADDONS, name, 'kube-system')

async function present(resource: Resource, ...names: string[]): Promise<void> {
  await eventually(async () => {
    for (const name of names) expect(await find(resource, name), name).toBeDefined()
  })
}

async function absent(resource: Resource, ...names: string[]): Promise<void> {
  await eventually(async () => {
    for (const name of names) expect(await find(resource, name), name).toBeUndefined()
  })
}

/** The Addon has taken this content, with that result. */
async function settled(name: string, content: string, status: 'True' | 'False' = 'True'): Promise<DeepReadonly<Addon>> {
  const checksum = createHash('sha256').update(content).digest('hex')
  return eventually(async () => {
    const found = await addon(name)
    expect(found?.status?.observedChecksum).toBe(checksum)
    const condition = found?.status?.conditions?.find(({ type }) => type === 'Applied')
    expect(condition?.status, condition?.message).toBe(status)
    if (found === undefined) throw new Error('no addon')
    return found
  })
}

async function reasons(name: string): Promise<(string | undefined)[]> {
  const { items } = await client.list(EVENTS, {
    namespace: 'kube-system',
    fieldSelector: `involvedObject.kind=Addon,involvedObject.name=${name}`,
  })
  return items.map(({ reason }) => reason)
}

describe('the manifests folder', () => {
  it('applies a dropped file within a second and records it in an Addon with its checksum', async () => {
    const content = documents(deployment('row1'))
    const startMs = performance.now()
    drop('row1.yaml', content)
    await present(DEPLOYMENTS, 'row1')
    // A generous bound for a busy machine: k3s looks every 15 s.
    expect(performance.now() - startMs).toBeLessThan(5_000)
    const found = await settled('row1', content)
    expect(found.spec).toEqual({ source: path('row1.yaml'), checksum: found.status?.observedChecksum })
    expect(found.status?.inventory).toMatchObject([{ group: 'apps', version: 'v1', kind: 'Deployment', name: 'row1' }])
    const object = await find(DEPLOYMENTS, 'row1')
    expect(object?.metadata.annotations).toMatchObject({
      'objectset.rio.cattle.io/owner-name': 'row1',
      'objectset.rio.cattle.io/owner-gvk': 'k3s.cattle.io/v1, Kind=Addon',
    })
    // Events are written beside the work they tell of.
    await eventually(async () =>
      expect(await reasons('row1')).toEqual(expect.arrayContaining(['ApplyingManifest', 'AppliedManifest'])),
    )
  })

  it('prunes what an edit takes out of a file', async () => {
    drop('row2.yaml', documents(configMap('row2-a'), configMap('row2-b')))
    await present(CONFIG_MAPS, 'row2-a', 'row2-b')
    drop('row2.yaml', documents(configMap('row2-b')))
    await absent(CONFIG_MAPS, 'row2-a')
    await present(CONFIG_MAPS, 'row2-b')
  })

  it('deletes what a deleted file created, and keeps volumes claims, namespaces and definitions', async () => {
    const claim = {
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      metadata: { name: 'row3' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    }
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'row3' } }
    const content = documents(configMap('row3'), claim, namespace, definition('row3s', 'Row3'))
    drop('row3.yaml', content)
    await settled('row3', content)
    rmSync(path('row3.yaml'))
    await eventually(async () => expect(await addon('row3')).toBeUndefined())
    expect(await find(CONFIG_MAPS, 'row3')).toBeUndefined()
    await present(PERSISTENT_VOLUME_CLAIMS, 'row3')
    await present(NAMESPACES, 'row3')
    await present(CUSTOM_RESOURCE_DEFINITIONS, 'row3s.e2e.example.com')
  })

  it('prunes everything of an emptied file and keeps its Addon', async () => {
    drop('row4.yaml', documents(configMap('row4-a'), configMap('row4-b')))
    await present(CONFIG_MAPS, 'row4-a', 'row4-b')
    drop('row4.yaml', '')
    await absent(CONFIG_MAPS, 'row4-a', 'row4-b')
    expect((await settled('row4', '')).status?.inventory ?? []).toEqual([])
  })

  it('does not take a file that is being rewritten for an empty one', async () => {
    const content = documents(configMap('slow'))
    drop('slow.yaml', content)
    await settled('slow', content)
    const uid = (await find(CONFIG_MAPS, 'slow'))?.metadata.uid
    // What `render > slow.yaml` does: emptied at once, filled when the command is done.
    drop('slow.yaml', '')
    await afterNextScan()
    expect((await find(CONFIG_MAPS, 'slow'))?.metadata.uid).toBe(uid)
    const rewritten = documents(configMap('slow', { step: '2' }))
    drop('slow.yaml', rewritten)
    await settled('slow', rewritten)
    expect((await find(CONFIG_MAPS, 'slow'))?.metadata.uid).toBe(uid)
  })

  it('leaves a file and its objects alone while a .skip file of its name exists anywhere', async () => {
    drop('row5.yaml', documents(configMap('row5', { step: '1' })))
    await present(CONFIG_MAPS, 'row5')
    drop('elsewhere/row5.yaml.skip', '')
    await afterNextScan()
    drop('row5.yaml', documents(configMap('row5', { step: '2' }), configMap('row5-new')))
    await afterNextScan()
    expect((await find(CONFIG_MAPS, 'row5'))?.data).toEqual({ step: '1' })
    expect(await find(CONFIG_MAPS, 'row5-new')).toBeUndefined()
    rmSync(path('elsewhere/row5.yaml.skip'))
    await present(CONFIG_MAPS, 'row5-new')
    expect((await find(CONFIG_MAPS, 'row5'))?.data).toEqual({ step: '2' })
  })

  it.each([
    ['definition first', [definition('row8as', 'Row8a')], [], 'row8as', 'Row8a'],
    ['object first', [], [definition('row8bs', 'Row8b')], 'row8bs', 'Row8b'],
  ])('applies a definition and its object at the first attempt, %s', async (_, before, after, plural, kind) => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: plural } }
    const object = { apiVersion: 'e2e.example.com/v1', kind, metadata: { name: 'one', namespace: plural } }
    const content = documents(...before, object, deployment(plural), ...after, namespace)
    drop(`${plural}.yaml`, content)
    await settled(plural, content)
    expect(await find(custom(plural, kind), 'one', plural)).toBeDefined()
    expect(await reasons(plural)).not.toContain('ApplyManifestFailed')
  })

  it('reports broken YAML once with document and line, keeps what was applied, and disturbs no other file', async () => {
    drop('row9.yaml', documents(configMap('row9')))
    await present(CONFIG_MAPS, 'row9')
    const broken = `${documents(configMap('row9'))}---\nkind: [\n`
    drop('row9.yaml', broken)
    const failed = await settled('row9', broken, 'False')
    expect(failed.status?.conditions).toMatchObject([{ reason: 'ParseManifestFailed' }])
    expect(failed.status?.conditions?.[0]?.message).toMatch(/^row9\.yaml:\d+: document 2: /)
    expect(failed.status?.lastError).toMatchObject({ documentIndex: 1 })
    expect(failed.status?.lastError?.line).toBeGreaterThanOrEqual(4)
    await present(CONFIG_MAPS, 'row9')
    const other = documents(configMap('row9-other'))
    drop('row9-other.yaml', other)
    await settled('row9-other', other)
    expect((await reasons('row9')).filter((reason) => reason === 'ParseManifestFailed')).toHaveLength(1)
    const repaired = documents(configMap('row9', { repaired: 'yes' }))
    drop('row9.yaml', repaired)
    expect((await settled('row9', repaired)).status).not.toHaveProperty('lastError')
  })

  it('reports an object the API refuses with document and line, applies the others, and tries again', async () => {
    const content = documents(
      configMap('row9b-good'),
      'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: Bad_Name }',
      {
        ...configMap('row9b-late'),
        metadata: { name: 'row9b-late', namespace: 'row9b' },
      },
    )
    drop('row9b.yaml', content)
    const failed = await settled('row9b', content, 'False')
    expect(failed.status?.lastError).toMatchObject({ documentIndex: 1 })
    expect(failed.status?.conditions?.[0]?.message).toMatch(/^row9b\.yaml:\d+: ConfigMap Bad_Name: .*\(and 1 more\)$/)
    await present(CONFIG_MAPS, 'row9b-good')
    // What was missing arrives: the next attempt, a second or two later, finds it.
    await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'row9b' }, spec: {} })
    await eventually(async () => expect(await find(CONFIG_MAPS, 'row9b-late', 'row9b')).toBeDefined())
  })

  it('gives two files of one base name an Addon each', async () => {
    drop('one/row10.yaml', documents(configMap('row10-one')))
    drop('two/row10.yaml', documents(configMap('row10-two')))
    await present(CONFIG_MAPS, 'row10-one', 'row10-two')
    const { items } = await client.list(ADDONS, { namespace: 'kube-system' })
    const names = items.map(({ metadata }) => metadata.name).filter((name) => name?.startsWith('row10') === true)
    expect(names).toEqual(['row10', expect.stringMatching(/^row10-[0-9a-f]{8}$/)])
  })

  it('makes a valid Addon name out of any file name', async () => {
    drop('Row11_with Under.score.yaml', documents(configMap('row11')))
    await present(CONFIG_MAPS, 'row11')
    await eventually(async () => expect(await addon('row11-with-under')).toBeDefined())
  })

  it('refuses to take over what existed before when the file says force: false', async () => {
    await client.create(CONFIG_MAPS, configMap('row13b', { mine: '1' }, { namespace: 'default' }))
    const annotations = { 'addon.k3s.cattle.io/force': 'false' }
    const content = documents(configMap('row13b', { mine: '2' }, { annotations }))
    drop('row13b.yaml', content)
    const found = await settled('row13b', content, 'False')
    expect(found.status?.lastError?.message).toContain('data.mine')
    expect((await find(CONFIG_MAPS, 'row13b'))?.data).toEqual({ mine: '1' })
  })

  it('undoes edits of objects whose Addon asks for it', async () => {
    const content = documents(configMap('row12', { a: '1' }))
    drop('row12.yaml', content)
    await settled('row12', content)
    const key = { namespace: 'kube-system', name: 'row12' }
    const annotations = { 'addon.k3s.cattle.io/drift': 'correct' }
    await client.patch(ADDONS, key, { type: 'merge', body: { metadata: { annotations } } })
    const edit = { type: 'merge', body: { data: { a: 'edited' } } } as const
    await client.patch(CONFIG_MAPS, { namespace: 'default', name: 'row12' }, edit)
    await eventually(async () => {
      expect((await find(CONFIG_MAPS, 'row12'))?.data).toEqual({ a: '1' })
      expect(await reasons('row12')).toContain('CorrectedDrift')
    }, 20_000)
  })

  it('takes over an object that existed before, and says which fields change', async () => {
    await client.create(CONFIG_MAPS, configMap('row13', { mine: '1', theirs: '1' }, { namespace: 'default' }))
    const content = documents(configMap('row13', { mine: '2' }))
    drop('row13.yaml', content)
    await settled('row13', content)
    const taken = await find(CONFIG_MAPS, 'row13')
    expect(taken?.data).toEqual({ mine: '2', theirs: '1' })
    expect(taken?.metadata.annotations?.['objectset.rio.cattle.io/owner-name']).toBe('row13')
    await eventually(async () => {
      const { items } = await client.list(EVENTS, { namespace: 'kube-system' })
      const report = items.find(
        ({ reason, involvedObject }) => reason === 'TookOverObject' && involvedObject.name === 'row13',
      )
      expect(report?.message).toContain('data.mine')
    })
  })

  it('puts namespaced objects without a namespace into default', async () => {
    drop('row14.yaml', documents(configMap('row14')))
    await eventually(async () => expect(await find(CONFIG_MAPS, 'row14', 'default')).toBeDefined())
  })

  it('changes the type of a Service in place', async () => {
    const service = (type: string): object => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'row15' },
      spec: { type, selector: { app: 'x' }, ports: [{ port: 80 }] },
    })
    drop('row15.yaml', documents(service('ClusterIP')))
    await present(SERVICES, 'row15')
    const before = await find(SERVICES, 'row15')
    drop('row15.yaml', documents(service('LoadBalancer')))
    const after = await eventually(async () => {
      const found = await find(SERVICES, 'row15')
      expect(found?.spec?.type).toBe('LoadBalancer')
      return found
    })
    expect(after?.metadata.uid).toBe(before?.metadata.uid)
    expect(after?.spec?.clusterIP).toBe(before?.spec?.clusterIP)
  })

  it('replaces a Deployment whose selector changes in one pass, with an event', async () => {
    drop('row16.yaml', documents(deployment('row16', 'old')))
    await present(DEPLOYMENTS, 'row16')
    const before = await find(DEPLOYMENTS, 'row16')
    const content = documents(deployment('row16', 'new'))
    drop('row16.yaml', content)
    await settled('row16', content)
    const after = await find(DEPLOYMENTS, 'row16')
    expect(after?.spec?.selector?.matchLabels).toEqual({ app: 'new' })
    expect(after?.metadata.uid).not.toBe(before?.metadata.uid)
    await eventually(async () => expect(await reasons('row16')).toContain('ReplacedObject'))
  })

  it('follows links to files and folders, swapped ones too, and skips broken ones', async () => {
    const real = join(server.dataDir, 'outside')
    for (const version of ['v1', 'v2']) {
      mkdirSync(join(real, version), { recursive: true })
      writeFileSync(join(real, version, 'row17.yaml'), documents(configMap('row17', { version })))
    }
    writeFileSync(join(real, 'row17-file.yaml'), documents(configMap('row17-file')))
    symlinkSync(join(real, 'nowhere.yaml'), path('broken.yaml'))
    symlinkSync(join(real, 'row17-file.yaml'), path('row17-link.yaml'))
    symlinkSync(join(real, 'v1'), path('linked'))
    await present(CONFIG_MAPS, 'row17', 'row17-file')
    // As a mounted ConfigMap is updated: a new link is renamed over the old one.
    symlinkSync(join(real, 'v2'), path('linked.tmp'))
    renameSync(path('linked.tmp'), path('linked'))
    await eventually(async () => expect((await find(CONFIG_MAPS, 'row17'))?.data).toEqual({ version: 'v2' }), 20_000)
  })

  it('reads .json and upper-case extensions', async () => {
    drop('row18-a.json', JSON.stringify(configMap('row18-json')))
    drop('row18-b.YML', documents(configMap('row18-yml')))
    await present(CONFIG_MAPS, 'row18-json', 'row18-yml')
  })

  it('ignores dot files and other extensions', async () => {
    drop('.row19.yaml', documents(configMap('row19-dot')))
    drop('row19.txt', documents(configMap('row19-txt')))
    drop('row19-last.yaml', documents(configMap('row19-last')))
    await present(CONFIG_MAPS, 'row19-last')
    expect(await find(CONFIG_MAPS, 'row19-dot')).toBeUndefined()
    expect(await find(CONFIG_MAPS, 'row19-txt')).toBeUndefined()
  })

  it('checks files without a time stamp by their content', async () => {
    const write = (value: string): void => {
      drop('row20.yaml', documents(configMap('row20', { value })))
      utimesSync(path('row20.yaml'), 0, 0)
    }
    write('a')
    await eventually(async () => expect((await find(CONFIG_MAPS, 'row20'))?.data).toEqual({ value: 'a' }))
    expect(statSync(path('row20.yaml')).mtimeMs).toBe(0)
    write('b')
    await eventually(async () => expect((await find(CONFIG_MAPS, 'row20'))?.data).toEqual({ value: 'b' }))
  })

  it('flattens Lists and ignores empty documents and comments', async () => {
    const list = { apiVersion: 'v1', kind: 'List', items: [configMap('row21-a'), configMap('row21-b')] }
    const content = `# first\n---\n\n---\n# only a comment\n${documents(list, '', configMap('row21-c'))}---\n`
    drop('row21.yaml', content)
    expect((await settled('row21', content)).status?.inventory?.map(({ name }) => name)).toEqual([
      'row21-a',
      'row21-b',
      'row21-c',
    ])
  })

  it('goes on when the definition of a kind to be pruned is gone', async () => {
    const content = documents(
      definition('row22s', 'Row22'),
      { apiVersion: 'e2e.example.com/v1', kind: 'Row22', metadata: { name: 'one' } },
      configMap('row22'),
    )
    drop('row22.yaml', content)
    await settled('row22', content)
    await client.delete(CUSTOM_RESOURCE_DEFINITIONS, { name: 'row22s.e2e.example.com' })
    await absent(CUSTOM_RESOURCE_DEFINITIONS, 'row22s.e2e.example.com')
    const without = documents(configMap('row22', { still: 'here' }))
    drop('row22.yaml', without)
    await settled('row22', without)
  })

  it('keeps objects labelled prune=false, and deletes protected ones labelled prune=true', async () => {
    const label = (value: string): object => ({ labels: { 'objectset.rio.cattle.io/prune': value } })
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'row23a', ...label('true') } }
    const content = documents(configMap('row23a', {}, label('false')), namespace)
    drop('row23a.yaml', content)
    await settled('row23a', content)
    rmSync(path('row23a.yaml'))
    await absent(NAMESPACES, 'row23a')
    expect(await find(CONFIG_MAPS, 'row23a')).toBeDefined()
  })

  it('does not prune an object that moved to another version of its kind', async () => {
    const object = (version: string): object => ({
      apiVersion: `e2e.example.com/${version}`,
      kind: 'Row23b',
      metadata: { name: 'one' },
      spec: { version },
    })
    const crd = definition('row23bs', 'Row23b', ['v1', 'v2'])
    const first = documents(crd, object('v1'))
    drop('row23b.yaml', first)
    await settled('row23b', first)
    const before = await find(custom('row23bs', 'Row23b'), 'one')
    const second = documents(crd, object('v2'))
    drop('row23b.yaml', second)
    await settled('row23b', second)
    const after = await find(custom('row23bs', 'Row23b'), 'one')
    expect(after?.metadata.uid).toBe(before?.metadata.uid)
    expect(after).toMatchObject({ spec: { version: 'v2' } })
  })

  it('applies as the field manager deploy@<node>, and leaves to others what the file does not say', async () => {
    const content = documents(configMap('row23c', { mine: '1', dropped: '1' }))
    drop('row23c.yaml', content)
    await settled('row23c', content)
    const manager = `deploy@${hostname().toLowerCase()}`
    const applied = await find(CONFIG_MAPS, 'row23c')
    expect(applied?.metadata.managedFields).toMatchObject([
      { manager, operation: 'Apply', apiVersion: 'v1', fieldsV1: { 'f:data': { 'f:mine': {}, 'f:dropped': {} } } },
    ])
    const key = { namespace: 'default', name: 'row23c' }
    await client.patch(CONFIG_MAPS, key, { type: 'merge', body: { data: { theirs: '2' } } }, { fieldManager: 'me' })
    const next = documents(configMap('row23c', { mine: '3' }))
    drop('row23c.yaml', next)
    await settled('row23c', next)
    const live = await find(CONFIG_MAPS, 'row23c')
    expect(live?.data).toEqual({ mine: '3', theirs: '2' })
    expect(live?.metadata.managedFields?.map((entry) => entry.manager).sort()).toEqual([manager, 'me'].sort())
  })

  it('applies what server-side apply refuses: an item twice, a field nobody knows', async () => {
    const strange = { ...configMap('row23d'), unknown: 'field' }
    const content = documents(strange)
    drop('row23d.yaml', content)
    await settled('row23d', content)
    await present(CONFIG_MAPS, 'row23d')
    const env = [
      { name: 'TWICE', value: '1' },
      { name: 'TWICE', value: '2' },
    ]
    const twice = deployment('row23e') as { spec: { template: { spec: { containers: object[] } } } }
    twice.spec.template.spec.containers = [{ name: 'c', image: 'nginx', env }]
    const repeated = documents(twice)
    drop('row23e.yaml', repeated)
    await settled('row23e', repeated)
    await present(DEPLOYMENTS, 'row23e')
  })
})

describe('the manifests folder over a restart', () => {
  it('undoes drift at the start, and with --disable deletes add-ons and puts their files aside', async () => {
    const kept = documents(configMap('row12', { value: 'file' }))
    drop('row12.yaml', kept)
    drop('row6.yaml', documents(configMap('row6'), { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'row6' } }))
    drop('row7/b/deep/row7.yml', documents(configMap('row7')))
    drop('row7/other.yaml', documents(configMap('row7-other')))
    await present(CONFIG_MAPS, 'row6', 'row7', 'row7-other', 'row12')
    await settled('row12', kept)
    const edit = { type: 'merge', body: { data: { value: 'edited' } } } as const
    await client.patch(CONFIG_MAPS, { namespace: 'default', name: 'row12' }, edit)
    expect((await find(CONFIG_MAPS, 'row12'))?.data).toEqual({ value: 'edited' })

    await server.restart('SIGTERM', ['--disable', 'row6', '--disable', 'row7/b'])
    client = clientFromKubeconfig(server.kubeconfig)
    await eventually(async () => expect((await find(CONFIG_MAPS, 'row12'))?.data).toEqual({ value: 'file' }))
    await absent(CONFIG_MAPS, 'row6', 'row7')
    await absent(NAMESPACES, 'row6')
    await eventually(async () => {
      expect(await addon('row6')).toBeUndefined()
      expect(await addon('row7')).toBeUndefined()
      expect(existsSync(path('row6.yaml.disabled'))).toBe(true)
    })
    expect(existsSync(path('row6.yaml'))).toBe(false)
    expect(existsSync(path('row7/b/deep/row7.yml'))).toBe(false)
    await present(CONFIG_MAPS, 'row7-other')
  })

  it('deletes what belonged to a file that went while the server was down', async () => {
    await server.stop()
    rmSync(path('row2.yaml'))
    await server.start(server.port)
    client = clientFromKubeconfig(server.kubeconfig)
    await absent(CONFIG_MAPS, 'row2-b')
    await eventually(async () => expect(await addon('row2')).toBeUndefined())
  })

  it('leaves everything in place with --manifests-prune=never when a file goes, but prunes edits, as k3s', async () => {
    await server.restart('SIGTERM', ['--manifests-prune', 'never'])
    client = clientFromKubeconfig(server.kubeconfig)
    drop('never.yaml', documents(configMap('never-a'), configMap('never-b')))
    await present(CONFIG_MAPS, 'never-a', 'never-b')
    drop('never.yaml', documents(configMap('never-a')))
    await absent(CONFIG_MAPS, 'never-b')
    rmSync(path('never.yaml'))
    await afterNextScan()
    await present(CONFIG_MAPS, 'never-a')
    expect(await addon('never')).toBeDefined()
  })
})

let marker = 0

/** Everything dropped before has been looked at: a file dropped now is applied. */
async function afterNextScan(): Promise<void> {
  marker++
  const content = documents(configMap(`marker-${marker}`))
  drop(`marker-${marker}.yaml`, content)
  await settled(`marker-${marker}`, content)
}
