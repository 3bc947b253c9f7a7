/**
 * Says on claims that ask for more than they have who is to expand their volume: an external resizer.
 *
 * Reads: claims and volumes from the cache.  Writes: events.
 * Upstream: pkg/controller/volume/expand. Differs: no in-tree volume is expanded here.
 */
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '#machinery/api/core/v1/resources.gen.ts'
import { tryParseQuantity, ZERO_QUANTITY } from '#machinery/quantity/quantity.ts'
import type { FrozenClaim } from '#machinery/volume/binding.ts'
import { requestedStorage } from '#machinery/volume/match.ts'
import { DONE, defineController } from '#sdk'
import { PERSISTENT_VOLUME_EXPANDER_CONTROLLER } from '../manager/names.ts'

export const volumeExpandController = defineController({
  name: PERSISTENT_VOLUME_EXPANDER_CONTROLLER,
  reconciles: PERSISTENT_VOLUME_CLAIMS,
  permissions: [
    { resource: PERSISTENT_VOLUME_CLAIMS, verbs: ['list', 'watch'] },
    { resource: PERSISTENT_VOLUMES, verbs: ['list', 'watch'] },
  ],
  create: ({ lister, events }) => {
    const claims = lister(PERSISTENT_VOLUME_CLAIMS)
    const volumes = lister(PERSISTENT_VOLUMES)
    /** What was last told of a claim: a change of its status is no news. */
    const told = new Map<string, string>()
    return {
      reconcile(key) {
        const name = `${key.namespace ?? ''}/${key.name}`
        const claim = claims.get(key)
        if (claim === undefined || !wantsMore(claim)) told.delete(name)
        else if (told.get(name) !== requestedStorage(claim).toString()) {
          const volume = volumes.get({ name: claim.spec.volumeName ?? '' })
          if (volume?.spec.claimRef?.uid !== claim.metadata.uid)
            throw new Error('persistent Volume is not bound to PVC being updated')
          told.set(name, requestedStorage(claim).toString())
          const message = 'waiting for an external controller to expand this PVC'
          events.record(claim, volume?.spec.csi === undefined ? 'Warning' : 'Normal', 'ExternalExpanding', message)
        }
        return Promise.resolve(DONE)
      },
    }
  },
})

function wantsMore(claim: FrozenClaim): boolean {
  const capacity = tryParseQuantity(claim.status?.capacity?.['storage'] ?? '0') ?? ZERO_QUANTITY
  return claim.status?.phase === 'Bound' && requestedStorage(claim).compare(capacity) > 0
}
