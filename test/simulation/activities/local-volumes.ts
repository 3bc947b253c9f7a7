/** StatefulSets whose claims are directories on nodes, made by the local-path provisioner. */
import { STATEFUL_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import { CONFIG_MAPS, NODES, PERSISTENT_VOLUMES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Node, PersistentVolume } from '#machinery/api/core/v1/types.gen.ts'
import { STORAGE_CLASSES } from '#machinery/api/storage/v1/resources.gen.ts'
import { parseYamlDocuments } from '#machinery/yaml/yaml.ts'
import { localStorageAddon } from '#addons/local-storage.ts'
import { LOCAL_STORAGE_CLASS } from '../manifests.ts'
import type { Observer } from '../observer.ts'
import type { Activity, Tools } from './activity.ts'

export function localVolumes({ hands, manifests, world }: Tools): Activity {
  const nodeUids = new Map<string, string | undefined>()
  const noteNodes = (observer: Observer): void => {
    for (const { metadata } of observer.objects<Node>(NODES)) {
      const { name = '', uid } = metadata
      if (nodeUids.has(name) && nodeUids.get(name) !== uid) world.disks.lost(name)
      nodeUids.set(name, uid)
    }
  }
  return {
    name: 'local volumes',
    actions: [
      {
        name: 'create StatefulSet with local volumes',
        weight: 6,
        run: () => hands.create(STATEFUL_SETS, manifests.statefulSet('local', LOCAL_STORAGE_CLASS)),
      },
      {
        name: 'scale StatefulSet',
        weight: 4,
        run: () => hands.change(STATEFUL_SETS, () => ({ spec: { replicas: hands.below(5) } })),
      },
      { name: 'delete StatefulSet', weight: 2, disturbs: true, run: () => hands.delete(STATEFUL_SETS) },
    ],
    begin: async () => {
      const documents = parseYamlDocuments(localStorageAddon({ localPath: '/disk' }).yaml)
      const [storageClass, config] = documents.map(({ value }) => value as never)
      if (storageClass !== undefined) await hands.create(STORAGE_CLASSES, storageClass)
      if (config !== undefined) await hands.create(CONFIG_MAPS, config)
    },
    crashed: (observer) => {
      const known = knownDirectories(observer)
      world.disks.crashed((directory) => known.has(directory.slice(directory.indexOf(':') + 1)))
    },
    unrest: (observer) => {
      noteNodes(observer)
      const known = knownDirectories(observer)
      const leftovers = world.disks.directories.filter(
        (directory) => !known.has(directory.slice(directory.indexOf(':') + 1)),
      )
      const released = observer
        .objects<PersistentVolume>(PERSISTENT_VOLUMES)
        .filter(({ spec, status }) => spec.storageClassName === LOCAL_STORAGE_CLASS && status?.phase !== 'Bound')
      return [
        ...leftovers.map((directory) => `${directory} is left of a volume that is gone`),
        ...released.map(({ metadata, status }) => `PersistentVolume ${metadata.name} is ${status?.phase}`),
      ]
    },
  }
}

function knownDirectories(observer: Observer): ReadonlySet<string> {
  const volumes = observer.objects<PersistentVolume>(PERSISTENT_VOLUMES)
  return new Set(volumes.map(({ spec }) => spec.hostPath?.path ?? spec.local?.path ?? ''))
}
