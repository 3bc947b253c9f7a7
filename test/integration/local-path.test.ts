/** The local-path provisioner against a real control plane; the node's file system is a set of paths. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { localStorageAddon } from '#addons/local-storage.ts'
import { ephemeralVolumeController } from '#controllers/ephemeral-volume/reconciler.ts'
import type { NodeDirectories } from '#controllers/local-path/interfaces.ts'
import { localPathController } from '#controllers/local-path/reconciler.ts'
import { persistentVolumeBinderController } from '#controllers/persistent-volume-binder/reconciler.ts'
import { schedulerComponent } from '#controllers/scheduler/scheduler.ts'
import { claimProtectionController } from '#controllers/storage-protection/claims.ts'
import { volumeProtectionController } from '#controllers/storage-protection/volumes.ts'
import {
  CONFIG_MAPS,
  EVENTS,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
  PODS,
  SERVICE_ACCOUNTS,
} from '#machinery/api/core/v1/resources.gen.ts'
import type { ConfigMap, PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import { STORAGE_CLASSES } from '#machinery/api/storage/v1/resources.gen.ts'
import type { StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import { isNotFound } from '#machinery/meta/errors.ts'
import { parseYamlDocuments } from '#machinery/yaml/yaml.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { makeClaim, makePodWithClaim, VOLUME_NAMESPACE } from '#test/support/volumes.ts'

const namespace = VOLUME_NAMESPACE
const CONFIG = { namespace: 'kube-system', name: 'local-path-config' }
let plane: TestControlPlane
let made: Map<string, number>

beforeEach(async () => {
  made = new Map()
  const directories: NodeDirectories = {
    serves: ({ metadata }) => metadata.labels?.['served'] === 'yes',
    make: async ({ metadata }, path, { sizeBytes }) => {
      made.set(`${metadata.name}:${path}`, sizeBytes)
      return undefined
    },
    remove: async ({ metadata }, path) => {
      made.delete(`${metadata.name}:${path}`)
    },
  }
  plane = await startTestControlPlane({
    controllers: [
      persistentVolumeBinderController,
      claimProtectionController,
      volumeProtectionController,
      localPathController({ directories }),
      ephemeralVolumeController,
      schedulerComponent(),
    ],
  })
  await createNode('n1', 'yes')
  const [storageClass, configMap] = packaged()
  await plane.client.create(STORAGE_CLASSES, storageClass)
  await plane.client.create(CONFIG_MAPS, configMap)
})
afterEach(() => plane.stop())

function packaged(): [StorageClass, ConfigMap] {
  const documents = parseYamlDocuments(localStorageAddon({ localPath: '/var/lib/knarr/storage' }).yaml)
  return documents.map(({ value }) => value) as unknown as [StorageClass, ConfigMap]
}

async function createNode(name: string, served: string): Promise<void> {
  await plane.client.create(NODES, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, served } },
    spec: {},
    status: { allocatable: { cpu: '4', memory: '8Gi', pods: '110' } },
  })
  // New nodes are tainted as not ready, which nobody undoes here.
  await plane.client.patch(NODES, { name }, { type: 'merge', body: { spec: { taints: null } } })
}

const getClaim = (name: string) => plane.client.get(PERSISTENT_VOLUME_CLAIMS, { namespace, name })
const configure = (config: unknown) =>
  plane.client.patch(CONFIG_MAPS, CONFIG, {
    type: 'merge',
    body: { data: { 'config.json': typeof config === 'string' ? config : JSON.stringify(config) } },
  })

async function claimOn(
  node: string,
  name = 'data',
  spec: Partial<PersistentVolumeClaim['spec']> = {},
): Promise<string> {
  const claim = makeClaim(name, spec)
  claim.metadata.annotations = { 'volume.kubernetes.io/selected-node': node }
  return (await plane.client.create(PERSISTENT_VOLUME_CLAIMS, claim)).metadata.uid ?? ''
}

async function eventOf(name: string, reason: string): Promise<string> {
  return eventually(async () => {
    const { items } = await plane.client.list(EVENTS, { fieldSelector: `involvedObject.name=${name},reason=${reason}` })
    expect(items.map((event) => event.reason)).toContain(reason)
    return items.at(-1)?.message ?? ''
  })
}

const isBound = (name = 'data') => eventually(async () => expect((await getClaim(name)).status?.phase).toBe('Bound'))

async function isGone(volume: string): Promise<void> {
  await eventually(async () => {
    const err = await plane.client.get(PERSISTENT_VOLUMES, { name: volume }).catch((err: unknown) => err)
    expect(isNotFound(err)).toBe(true)
  })
}

describe('a claim of the class local-path', () => {
  it('gets a directory on its node and a volume, and both go with it', async () => {
    const uid = await claimOn('n1')
    await isBound()
    const path = `/var/lib/knarr/storage/pvc-${uid}_default_data`
    expect([...made]).toEqual([[`n1:${path}`, 1024 ** 3]])
    const volume = await plane.client.get(PERSISTENT_VOLUMES, { name: `pvc-${uid}` })
    expect(volume.spec).toMatchObject({ local: { path }, storageClassName: 'local-path', volumeMode: 'Filesystem' })
    expect(await eventOf('data', 'Provisioning')).toBe(
      'External provisioner is provisioning volume for claim "default/data"',
    )
    expect(await eventOf('data', 'ProvisioningSucceeded')).toBe(`Successfully provisioned volume pvc-${uid}`)
    await plane.client.delete(PERSISTENT_VOLUME_CLAIMS, { namespace, name: 'data' })
    await isGone(`pvc-${uid}`)
    expect([...made.keys()]).toEqual([])
  })

  it('waits until a node was chosen for it', async () => {
    await plane.client.create(PERSISTENT_VOLUME_CLAIMS, makeClaim('data'))
    await eventOf('data', 'WaitForFirstConsumer')
    expect((await getClaim('data')).status?.phase).toBe('Pending')
    const annotations = { 'volume.kubernetes.io/selected-node': 'n1' }
    const key = { namespace, name: 'data' }
    await plane.client.patch(PERSISTENT_VOLUME_CLAIMS, key, { type: 'merge', body: { metadata: { annotations } } })
    await isBound()
  })

  it('is told when nobody can make its directory', async () => {
    await createNode('bare', 'no')
    const uid = await claimOn('bare')
    expect(await eventOf('data', 'ProvisioningFailed')).toBe(
      'failed to provision volume with StorageClass "local-path": there is no agent on node bare to make ' +
        `/var/lib/knarr/storage/pvc-${uid}_default_data`,
    )
    expect((await getClaim('data')).status?.phase).toBe('Pending')
    const body = { metadata: { labels: { served: 'yes' } } }
    await plane.client.patch(NODES, { name: 'bare' }, { type: 'merge', body })
    await isBound()
  })

  it('is sent to another node by one that takes no volumes', async () => {
    await configure({
      nodePathMap: [
        { node: 'DEFAULT_PATH_FOR_NON_LISTED_NODES', paths: ['/data'] },
        { node: 'n1', paths: [] },
      ],
    })
    await createNode('n2', 'yes')
    await claimOn('n2', 'first') // Served from /data: the configuration is in force.
    await isBound('first')
    await claimOn('n1')
    expect(await eventOf('data', 'ProvisioningFailed')).toContain('no local path available on node n1')
    await eventually(async () =>
      expect((await getClaim('data')).metadata.annotations).not.toHaveProperty(['volume.kubernetes.io/selected-node']),
    )
  })

  it('may have many writers on a shared file system', async () => {
    await configure({ sharedFileSystemPath: '/nfs' })
    const uid = await claimOn('n1', 'data', { accessModes: ['ReadWriteMany'] })
    await isBound()
    const volume = await plane.client.get(PERSISTENT_VOLUMES, { name: `pvc-${uid}` })
    expect(volume.spec.nodeAffinity).toBeUndefined()
    expect(volume.spec.local ?? volume.spec.hostPath).toMatchObject({ path: `/nfs/pvc-${uid}_default_data` })
    await plane.client.delete(PERSISTENT_VOLUME_CLAIMS, { namespace, name: 'data' })
    await isGone(`pvc-${uid}`)
    expect([...made.keys()]).toEqual([])
  })

  it('leaves its data where it is when the class retains', async () => {
    await plane.client.delete(STORAGE_CLASSES, { name: 'local-path' })
    const [storageClass] = packaged()
    await plane.client.create(STORAGE_CLASSES, { ...storageClass, reclaimPolicy: 'Retain' })
    const uid = await claimOn('n1')
    await isBound()
    await plane.client.delete(PERSISTENT_VOLUME_CLAIMS, { namespace, name: 'data' })
    await eventually(async () => {
      const { status } = await plane.client.get(PERSISTENT_VOLUMES, { name: `pvc-${uid}` })
      expect(status?.phase).toBe('Released')
    })
    expect(made.size).toBe(1)
  })

  it('has its volume removed also when the node is gone, the data staying there', async () => {
    const uid = await claimOn('n1')
    await isBound()
    await plane.client.delete(NODES, { name: 'n1' })
    await plane.client.delete(PERSISTENT_VOLUME_CLAIMS, { namespace, name: 'data' })
    await isGone(`pvc-${uid}`)
    expect(made.size).toBe(1)
  })
})

describe('Pods', () => {
  const scheduled = (name: string) =>
    eventually(async () => {
      const { spec } = await plane.client.get(PODS, { namespace, name })
      expect(spec.nodeName).toBe('n1')
    })

  beforeEach(async () => {
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } }
    await plane.client.create(SERVICE_ACCOUNTS, account)
  })

  it('are scheduled together with the volumes they wait for', async () => {
    await plane.client.create(PERSISTENT_VOLUME_CLAIMS, makeClaim('data'))
    await eventOf('data', 'WaitForFirstConsumer')
    await plane.client.create(PODS, makePodWithClaim('web', 'data'))
    await scheduled('web')
    await isBound()
    expect([...made.keys()]).toEqual([expect.stringMatching(/^n1:.*_default_data$/)])
  })

  it('have ephemeral volumes of the class, which go with them', async () => {
    const volumeClaimTemplate = {
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    }
    const pod = makePodWithClaim('web', 'none')
    pod.spec.volumes = [{ name: 'scratch', ephemeral: { volumeClaimTemplate } }]
    await plane.client.create(PODS, pod)
    await scheduled('web')
    await isBound('web-scratch')
    expect(made.size).toBe(1)
  })
})

describe('the configuration', () => {
  it('stays as it was when a bad one comes, and follows a good one', async () => {
    await configure('{ nonsense')
    expect(await eventOf(CONFIG.name, 'InvalidConfiguration')).toContain('the last good configuration stays in force')
    await claimOn('n1', 'before')
    await isBound('before')
    await configure({ nodePathMap: [{ node: 'n1', paths: ['/other'] }] })
    await eventually(async () => {
      // A claim made before the change was seen still goes to the old folder.
      const name = `after-${made.size}`
      await claimOn('n1', name)
      await isBound(name)
      expect([...made.keys()].at(-1)).toContain('n1:/other/')
    })
  })

  it('never leads outside its folders when volumes are removed', async () => {
    await plane.client.create(PERSISTENT_VOLUMES, {
      apiVersion: 'v1',
      kind: 'PersistentVolume',
      metadata: { name: 'evil', annotations: { 'pv.kubernetes.io/provisioned-by': 'rancher.io/local-path' } },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        persistentVolumeReclaimPolicy: 'Delete',
        hostPath: { path: '/etc' },
        claimRef: { namespace, name: 'never', uid: 'gone' },
      },
    })
    expect(await eventOf('evil', 'VolumeFailedDelete')).toBe('will not remove "/etc": not below a configured path')
  })
})
