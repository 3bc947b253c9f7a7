/**
 * Keeps a volume that is being deleted while it is bound to a claim.
 *
 * Reads: volumes from the cache.  Writes: the finalizer of volumes.  Upstream: pkg/controller/volume/pvprotection.
 */
import { PERSISTENT_VOLUMES } from '#machinery/api/core/v1/resources.gen.ts'
import { DONE, defineController } from '#sdk'
import { PERSISTENT_VOLUME_PROTECTION_CONTROLLER } from '../manager/names.ts'
import { protectionOf, writeProtection } from './finalizer.ts'

const FINALIZER = 'kubernetes.io/pv-protection'

export const volumeProtectionController = defineController({
  name: PERSISTENT_VOLUME_PROTECTION_CONTROLLER,
  reconciles: PERSISTENT_VOLUMES,
  permissions: [{ resource: PERSISTENT_VOLUMES, verbs: ['get', 'list', 'watch', 'update'] }],
  concurrency: 5,
  create: ({ client, lister }) => {
    const volumes = lister(PERSISTENT_VOLUMES)
    return {
      async reconcile(key, signal) {
        const volume = volumes.get(key)
        const protection = volume === undefined ? 'settled' : protectionOf(volume, FINALIZER)
        if (volume === undefined || protection === 'settled') return DONE
        if (protection === 'releasable' && volume.status?.phase === 'Bound') return DONE
        await writeProtection(client, PERSISTENT_VOLUMES, volume, FINALIZER, signal)
        return DONE
      },
    }
  },
})
