/**
 * The local-path provisioner: volumes that are directories on nodes, made by whoever answers for a node's file system
 * instead of a helper pod.
 *
 * Reads: claims, volumes, classes, nodes and ConfigMap kube-system/local-path-config from the cache; a volume's node live
 * before it counts as gone.  Writes: volumes (create, delete), the selected node of claims; events; directories by way
 * of NodeDirectories.  Upstream: rancher/local-path-provisioner, sig-storage-lib-external-provisioner.
 */
import {
  CONFIG_MAPS,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
} from '#machinery/api/core/v1/resources.gen.ts'
import { STORAGE_CLASSES } from '#machinery/api/storage/v1/resources.gen.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { ReconcilerContext } from '#sdk'
import { DONE, defineController, watching } from '#sdk'
import { LOCAL_PATH_PROVISIONER } from '../manager/names.ts'
import type { NodeDirectories } from './interfaces.ts'
import { LiveConfig } from './live-config.ts'
import { isForLocalPath, Provisioner } from './provisioner.ts'
import { Reclaimer } from './reclaimer.ts'

const PENDING_INDEX = 'pending-local-path'

export interface LocalPathOptions {
  readonly directories: NodeDirectories
}

export function localPathController({ directories }: LocalPathOptions) {
  return defineController({
    name: LOCAL_PATH_PROVISIONER,
    reconciles: PERSISTENT_VOLUME_CLAIMS, // The queue holds keys of volumes as well: they have no namespace.
    watches: [watching(PERSISTENT_VOLUMES, ({ metadata }) => [{ name: metadata.name ?? '' }])],
    permissions: [
      { resource: PERSISTENT_VOLUME_CLAIMS, verbs: ['get', 'list', 'watch', 'patch'] },
      { resource: PERSISTENT_VOLUMES, verbs: ['get', 'list', 'watch', 'create', 'delete'] },
      { resource: STORAGE_CLASSES, verbs: ['get', 'list', 'watch'] },
      { resource: NODES, verbs: ['get', 'list', 'watch'] },
      { resource: CONFIG_MAPS, verbs: ['get', 'list', 'watch'] },
    ],
    concurrency: 4,
    backoff: { baseMs: 250, maxMs: 300_000 },
    create: (context) => createReconciler(context, directories),
  })
}

function createReconciler(context: ReconcilerContext, directories: NodeDirectories) {
  const claimInformer = context.informer(PERSISTENT_VOLUME_CLAIMS)
  claimInformer.addIndex(PENDING_INDEX, (claim) => (isForLocalPath(claim) ? ['yes'] : []))
  const claims = claimInformer.lister
  const volumes = context.lister(PERSISTENT_VOLUMES)
  context.lister(STORAGE_CLASSES)
  // A claim that could not be served may be served with the new configuration: it need not wait for its backoff.
  const config = new LiveConfig(context, () => {
    for (const claim of claims.byIndex(PENDING_INDEX, 'yes')) context.enqueue(objectKeyOf(claim))
  })
  const provisioner = new Provisioner(context, config, directories)
  const reclaimer = new Reclaimer(context, config, directories)
  return {
    async reconcile(key: { readonly namespace?: string; readonly name: string }, signal: AbortSignal) {
      if (key.namespace === undefined) {
        const volume = volumes.get(key)
        if (volume !== undefined) await reclaimer.reclaim(volume, signal)
      } else {
        const claim = claims.get(key)
        if (claim !== undefined && isForLocalPath(claim)) await provisioner.provision(claim, signal)
      }
      return DONE
    },
  }
}
