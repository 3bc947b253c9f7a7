/**
 * Keeps a VolumeAttributesClass that is being deleted while a claim or volume has it, wants it, or is on its way to it.
 *
 * Reads: classes, claims and volumes from the cache; claims and volumes live before a class is let go.
 * Writes: the finalizer of classes.  Upstream: pkg/controller/storage/vacprotection.
 */
import { PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES } from '#machinery/api/core/v1/resources.gen.ts'
import { VOLUME_ATTRIBUTES_CLASSES } from '#machinery/api/storage/v1/resources.gen.ts'
import type { FrozenClaim, FrozenVolume } from '#machinery/volume/binding.ts'
import type { ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController, watching } from '#sdk'
import { VOLUME_ATTRIBUTES_CLASS_PROTECTION_CONTROLLER } from '../manager/names.ts'
import { protectionOf, writeProtection } from './finalizer.ts'

const FINALIZER = 'kubernetes.io/vac-protection'
const USED_INDEX = 'volume-attributes-class'

export const attributesClassProtectionController = defineController({
  name: VOLUME_ATTRIBUTES_CLASS_PROTECTION_CONTROLLER,
  reconciles: VOLUME_ATTRIBUTES_CLASSES,
  watches: [
    watching(PERSISTENT_VOLUME_CLAIMS, (claim) => classesOfClaim(claim).map((name) => ({ name }))),
    watching(PERSISTENT_VOLUMES, (volume) => classesOfVolume(volume).map((name) => ({ name }))),
  ],
  permissions: [
    { resource: VOLUME_ATTRIBUTES_CLASSES, verbs: ['get', 'list', 'watch', 'update'] },
    { resource: PERSISTENT_VOLUME_CLAIMS, verbs: ['list', 'watch'] },
    { resource: PERSISTENT_VOLUMES, verbs: ['list', 'watch'] },
  ],
  create: (context) => new ClassProtectionReconciler(context),
})

class ClassProtectionReconciler implements Reconciler {
  readonly #context: ReconcilerContext

  constructor(context: ReconcilerContext) {
    this.#context = context
    context.informer(PERSISTENT_VOLUME_CLAIMS).addIndex(USED_INDEX, classesOfClaim)
    context.informer(PERSISTENT_VOLUMES).addIndex(USED_INDEX, classesOfVolume)
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const { client, lister } = this.#context
    const found = lister(VOLUME_ATTRIBUTES_CLASSES).get(key)
    const protection = found === undefined ? 'settled' : protectionOf(found, FINALIZER)
    if (found === undefined || protection === 'settled') return DONE
    if (protection === 'releasable' && (await this.#isInUse(key.name, signal))) return DONE
    await writeProtection(client, VOLUME_ATTRIBUTES_CLASSES, found, FINALIZER, signal)
    return DONE
  }

  async #isInUse(name: string, signal: AbortSignal): Promise<boolean> {
    const { client, lister } = this.#context
    if (lister(PERSISTENT_VOLUME_CLAIMS).byIndex(USED_INDEX, name).length > 0) return true
    if (lister(PERSISTENT_VOLUMES).byIndex(USED_INDEX, name).length > 0) return true
    const claims = await client.list(PERSISTENT_VOLUME_CLAIMS, { signal })
    if (claims.items.some((claim) => classesOfClaim(claim).includes(name))) return true
    const volumes = await client.list(PERSISTENT_VOLUMES, { signal })
    return volumes.items.some((volume) => classesOfVolume(volume).includes(name))
  }
}

function classesOfClaim({ spec, status }: FrozenClaim): readonly string[] {
  const { currentVolumeAttributesClassName: current, modifyVolumeStatus } = status ?? {}
  const named = [spec.volumeAttributesClassName, current, modifyVolumeStatus?.targetVolumeAttributesClassName]
  return [...new Set(named.filter((name) => name !== undefined && name !== ''))] as string[]
}

const classesOfVolume = ({ spec }: FrozenVolume): readonly string[] =>
  (spec.volumeAttributesClassName ?? '') === '' ? [] : [spec.volumeAttributesClassName ?? '']
