/**
 * Makes the cluster hold what the files of the manifests directory say: one Addon per file, its objects applied in order,
 * what left the file pruned, what left the directory deleted.
 *
 * Reads: the directory; addons from the cache; applied objects live.  Writes: addons and their status; any object a file holds.
 * Upstream: k3s pkg/deploy/controller.go. Differs: file events instead of a 15 s poll, one pass for CRDs and their objects,
 * status with the place of an error, backoff per file, deletion when a file goes.
 */
import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import { ADDONS } from '#machinery/api/k3s/v1/resources.ts'
import type { Addon } from '#machinery/api/k3s/v1/types.ts'
import type { Client } from '#machinery/client/client.ts'
import { createRestMapper, type RestMapper } from '#machinery/client/rest-mapper.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { isAlreadyExists, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { GroupVersionKind } from '#machinery/meta/resource.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { EventRecorder, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { ANY_RESOURCE, Attempts, DONE, defineController, requeueAfter } from '#sdk'
import { DEPLOY_CONTROLLER } from '../manager/names.ts'
import type { Outcome } from './addon-status.ts'
import { inventoryOf, nextStatus } from './addon-status.ts'
import { formatKind, ManifestError, type ManifestObject, parseKind, parseManifest } from './manifest.ts'
import { ManifestApplier } from './manifest-applier.ts'
import type { ManifestDirectory } from './manifest-directory.ts'
import type { ManifestFile } from './manifest-files.ts'
import { ObjectApplier } from './object-applier.ts'
import { prune, pruneId } from './pruner.ts'
import { ServerRecords } from './server-records.ts'

export interface DeployControllerOptions {
  readonly directory: ManifestDirectory
  /** on-delete: a file that goes takes its objects along; never: they stay, as with k3s. */
  readonly prunePolicy: 'on-delete' | 'never'
  /** Names the field manager, `deploy@<node>`. */
  readonly nodeName: string
  /** All servers that share the datastore, down or not. Absent: this is the only one. */
  readonly members?: () => ReadonlySet<string>
}

/** Addons live here, as with k3s. */
const ADDON_NAMESPACE = 'kube-system'
const GVKS_ANNOTATION = 'addon.k3s.cattle.io/gvks'
/** On an Addon: `correct` undoes edits of its objects. */
const DRIFT_ANNOTATION = 'addon.k3s.cattle.io/drift'
const DRIFT_PERIOD_MS = 5_000
const FILE_LIMIT_BYTES = 16 * 1024 * 1024
/** `render > file` empties the file at once and fills it when it is done: an empty one is believed after this time. */
const EMPTY_SETTLE_MS = 2_000
const BACKOFF_BASE_MS = 1_000
const BACKOFF_MAX_MS = 60_000

export function deployController(options: DeployControllerOptions) {
  return defineController({
    name: DEPLOY_CONTROLLER,
    runsOnEveryServer: true,
    reconciles: ADDONS,
    // A manifest may hold anything, so the controller may write anything.
    permissions: [{ resource: ANY_RESOURCE, verbs: ['*'] }],
    concurrency: 4,
    create: (context) => new AddonReconciler(options, context),
  })
}

class AddonReconciler implements Reconciler {
  readonly #options: DeployControllerOptions
  readonly #client: Client
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #events: EventRecorder
  readonly #addons: Lister<Addon>
  readonly #mapper: RestMapper
  readonly #manifests: ManifestApplier
  readonly #servers: ServerRecords
  /** What this process has applied already, by Addon name: everything is applied once after a start, to undo drift. */
  readonly #appliedChecksums = new Map<string, string>()
  readonly #attempts: Attempts
  /** When an Addon's objects were last compared with its file. */
  readonly #driftCheckedMs = new Map<string, number>()

  constructor(options: DeployControllerOptions, context: ReconcilerContext) {
    const { client, clock } = context
    this.#options = options
    this.#client = client
    this.#clock = clock
    this.#logger = context.logger
    this.#events = context.events
    this.#addons = context.lister(ADDONS)
    this.#attempts = new Attempts(clock, { baseMs: BACKOFF_BASE_MS, maxMs: BACKOFF_MAX_MS })
    this.#mapper = createRestMapper(client)
    const fieldManager = `deploy@${options.nodeName}`.length > 128 ? 'deploy' : `deploy@${options.nodeName}`
    const applier = new ObjectApplier({ client, mapper: this.#mapper, clock, fieldManager })
    this.#manifests = new ManifestApplier({ client, mapper: this.#mapper, applier, clock })
    this.#servers = new ServerRecords({ client, clock, nodeName: options.nodeName, members: options.members })
    options.directory.subscribe({
      changed: (name) => {
        this.#attempts.clear(name)
        context.enqueue({ namespace: ADDON_NAMESPACE, name })
      },
      listed: () => {
        for (const { metadata } of this.#addons.list(ADDON_NAMESPACE))
          context.enqueue({ namespace: ADDON_NAMESPACE, name: metadata.name ?? '' })
      },
      sourceOf: (name) => {
        const addon = this.#addons.get({ namespace: ADDON_NAMESPACE, name })
        return addon && (this.#servers.ownSource(addon) ?? addon.spec?.source)
      },
    })
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const { directory, prunePolicy } = this.#options
    if (key.namespace !== ADDON_NAMESPACE || !directory.isListed) return DONE
    const file = directory.file(key.name)
    const addon = await this.#client.get(ADDONS, key, { signal }).catch(undefinedIfNotFound)
    if (file === undefined) {
      this.#appliedChecksums.delete(key.name)
      this.#driftCheckedMs.delete(key.name)
      if (addon === undefined) return DONE
      if (this.#servers.isHeldByOthers(addon)) return this.#leaveToOthers(addon, signal)
      if (prunePolicy === 'never') return DONE
      return this.#remove(addon, `its file ${addon.spec?.source ?? ''} is gone`, false, signal)
    }
    if (file.isDisabled) return this.#disable(file, addon, signal)
    if (file.isSkipped) return DONE
    return this.#deploy(file, addon, signal)
  }

  async #deploy(file: ManifestFile, addon: DeepReadonly<Addon> | undefined, signal: AbortSignal): Promise<Result> {
    const content = await readManifest(file)
    if (content === undefined) return DONE // Changed since it was listed: the next listing says so.
    const checksum = createHash('sha256').update(content.bytes).digest('hex')
    if (this.#servers.isShared) {
      const known = addon ?? (await this.#ensureAddon(file, checksum, undefined, signal))
      addon = await this.#servers.publish(known, file, checksum, signal)
      if (!this.#servers.mayApply(addon, checksum)) return DONE
    }
    if (addon !== undefined && this.#isSettled(addon, checksum)) {
      return addon.metadata.annotations?.[DRIFT_ANNOTATION] === 'correct'
        ? this.#correctDrift(addon, content.bytes, signal)
        : DONE
    }
    const waitMs = Math.max(this.#attempts.waitMs(file.addonName, checksum), this.#unsettledMs(file))
    if (waitMs > 0) return requeueAfter(waitMs) // Woken by our own status update, or half written.
    const current = await this.#ensureAddon(file, checksum, addon, signal)
    if (content.error !== undefined) {
      return this.#finish(
        current,
        { reason: 'ReadManifestFailed', message: content.error, checksum, error: { message: content.error } },
        signal,
      )
    }
    let objects: ManifestObject[]
    try {
      objects = parseManifest(content.bytes.toString('utf8'))
    } catch (err: unknown) {
      if (!(err instanceof ManifestError)) throw err
      return this.#parseFailed(file, current, checksum, err, signal)
    }
    this.#events.record(current, 'Normal', 'ApplyingManifest', `Applying manifest at "${file.path}"`)
    return this.#applyAndPrune(file, current, checksum, objects, signal)
  }

  async #applyAndPrune(
    file: ManifestFile,
    addon: DeepReadonly<Addon>,
    checksum: string,
    objects: readonly ManifestObject[],
    signal: AbortSignal,
  ): Promise<Result> {
    const identity = { namespace: ADDON_NAMESPACE, name: addon.metadata.name ?? '' }
    const kinds = uniqueKinds([...objects.map(({ kind }) => kind), ...kindsOf(addon)])
    const marked = await this.#rememberKinds(addon, kinds, signal)
    const { applied, failures } = await this.#manifests.apply(objects, identity, signal)
    for (const { resource, key } of applied.filter(({ outcome }) => outcome === 'replaced')) {
      this.#events.record(
        marked,
        'Normal',
        'ReplacedObject',
        `${resource.kind} ${key.name} could not be changed in place and was created anew`,
      )
    }
    for (const { resource, key, takenOver } of applied) {
      if (takenOver === undefined) continue
      const fields = takenOver.length === 0 ? 'no field changed' : `changed ${takenOver.join(', ')}`
      this.#events.record(marked, 'Normal', 'TookOverObject', `${resource.kind} ${key.name} existed before: ${fields}`)
    }
    const [failure] = failures
    if (failure !== undefined) {
      const more = failures.length > 1 ? ` (and ${failures.length - 1} more)` : ''
      const message = `${file.relativePath}:${failure.line}: ${failure.message}${more}`
      const error = { message: failure.message, documentIndex: failure.documentIndex, line: failure.line }
      const outcome: Outcome = { reason: 'ApplyManifestFailed', message, checksum, error }
      const retryMs = this.#attempts.failed(identity.name, checksum)
      await this.#finish(marked, outcome, signal)
      return requeueAfter(retryMs)
    }
    const keep = new Set(applied.map(({ resource, key }) => pruneId(resource, key.namespace, key.name)))
    const deleted = await prune(
      { client: this.#client, mapper: this.#mapper },
      identity,
      kinds,
      { keep, includeProtected: false },
      signal,
    )
    if (deleted.length > 0) this.#logger.info({ addon: identity.name, deleted }, 'pruned what left the manifest')
    await this.#rememberKinds(marked, uniqueKinds(objects.map(({ kind }) => kind)), signal)
    const message = `Applied manifest at "${file.path}"`
    return this.#finish(
      marked,
      { reason: 'AppliedManifest', message, checksum, inventory: inventoryOf(applied) },
      signal,
    )
  }

  /** Applies the unchanged file again and says what others had changed; opt-in, because k3s leaves such edits alone. */
  async #correctDrift(addon: DeepReadonly<Addon>, bytes: Buffer, signal: AbortSignal): Promise<Result> {
    const name = addon.metadata.name ?? ''
    const dueMs = (this.#driftCheckedMs.get(name) ?? Number.NEGATIVE_INFINITY) + DRIFT_PERIOD_MS
    const waitMs = dueMs - this.#clock.monotonicMs()
    if (waitMs > 0) return requeueAfter(waitMs)
    this.#driftCheckedMs.set(name, this.#clock.monotonicMs())
    const identity = { namespace: ADDON_NAMESPACE, name }
    const { applied } = await this.#manifests.apply(parseManifest(bytes.toString('utf8')), identity, signal)
    const corrected = applied.filter(({ outcome }) => outcome !== 'unchanged')
    if (corrected.length > 0) {
      const objects = corrected.map(({ resource, key }) => `${resource.kind} ${key.name}`).join(', ')
      this.#events.record(addon, 'Normal', 'CorrectedDrift', `Set back to the manifest: ${objects}`)
    }
    return requeueAfter(DRIFT_PERIOD_MS)
  }

  async #parseFailed(
    file: ManifestFile,
    addon: DeepReadonly<Addon>,
    checksum: string,
    err: ManifestError,
    signal: AbortSignal,
  ): Promise<Result> {
    const { documentIndex, line } = err.position
    const message = `${file.relativePath}:${line}: document ${documentIndex + 1}: ${err.message}`
    const error = { message: err.message, documentIndex, line }
    return this.#finish(addon, { reason: 'ParseManifestFailed', message, checksum, error }, signal)
  }

  /** Status, event and log of one attempt. Trying again is pointless until the file changes, except after a failed apply. */
  async #finish(addon: DeepReadonly<Addon>, outcome: Outcome, signal: AbortSignal): Promise<Result> {
    const name = addon.metadata.name ?? ''
    const isApplied = outcome.reason === 'AppliedManifest'
    if (isApplied) this.#attempts.clear(name)
    if (outcome.reason === 'ApplyManifestFailed') this.#appliedChecksums.delete(name)
    else this.#appliedChecksums.set(name, outcome.checksum)
    const live = await this.#client.get(ADDONS, { namespace: ADDON_NAMESPACE, name }, { signal })
    const status = nextStatus(live, outcome, this.#clock.now())
    await this.#client.update(ADDONS, { ...deepCopy<Addon>(live), status }, { subresource: 'status', signal })
    this.#events.record(addon, isApplied ? 'Normal' : 'Warning', outcome.reason, outcome.message)
    const fields = { addon: name, source: addon.spec?.source }
    if (isApplied) this.#logger.info({ ...fields, objects: outcome.inventory?.length }, 'applied manifest')
    else this.#logger.warn({ ...fields, reason: outcome.reason, error: outcome.message }, 'manifest failed')
    return DONE
  }

  /** How long an empty file is not yet taken for a wish to delete everything. */
  #unsettledMs({ sizeBytes, mtimeMs }: ManifestFile): number {
    if (sizeBytes > 0) return 0
    return Math.min(mtimeMs + EMPTY_SETTLE_MS - this.#clock.nowMs(), EMPTY_SETTLE_MS)
  }

  #isSettled(addon: DeepReadonly<Addon>, checksum: string): boolean {
    return (
      this.#appliedChecksums.get(addon.metadata.name ?? '') === checksum && addon.status?.observedChecksum === checksum
    )
  }

  async #ensureAddon(
    file: ManifestFile,
    checksum: string,
    addon: DeepReadonly<Addon> | undefined,
    signal: AbortSignal,
  ): Promise<DeepReadonly<Addon>> {
    const spec = { source: file.path, checksum }
    if (addon === undefined) {
      const annotations = this.#servers.annotations()
      const metadata = { name: file.addonName, namespace: ADDON_NAMESPACE, ...(annotations && { annotations }) }
      const created = await this.#client
        .create(ADDONS, { apiVersion: 'k3s.cattle.io/v1', kind: 'Addon', metadata, spec }, { signal })
        .catch((err: unknown) => {
          if (isAlreadyExists(err)) return undefined
          throw err
        })
      return created ?? this.#client.get(ADDONS, { namespace: ADDON_NAMESPACE, name: file.addonName }, { signal })
    }
    if (addon.spec?.source === spec.source && addon.spec.checksum === checksum) return addon
    return this.#client.update(ADDONS, { ...deepCopy<Addon>(addon), spec }, { signal })
  }

  /** Kinds are recorded before the first object of them is written, so that no crash leaves objects nobody would prune. */
  async #rememberKinds(
    addon: DeepReadonly<Addon>,
    kinds: readonly GroupVersionKind[],
    signal: AbortSignal,
  ): Promise<DeepReadonly<Addon>> {
    const value = kinds.map(formatKind).join(';')
    if (addon.metadata.annotations?.[GVKS_ANNOTATION] === value) return addon
    const key = { namespace: ADDON_NAMESPACE, name: addon.metadata.name ?? '' }
    const body = { metadata: { annotations: { [GVKS_ANNOTATION]: value } } }
    return this.#client.patch(ADDONS, key, { type: 'merge', body }, { signal })
  }

  async #leaveToOthers(addon: DeepReadonly<Addon>, signal: AbortSignal): Promise<Result> {
    await this.#servers.withdraw(addon, signal)
    return DONE
  }

  /** --disable: the user's own file is put aside, not unlinked as k3s does. */
  async #disable(file: ManifestFile, addon: DeepReadonly<Addon> | undefined, signal: AbortSignal): Promise<Result> {
    if (addon !== undefined) {
      if (this.#servers.isHeldByOthers(addon)) await this.#leaveToOthers(addon, signal)
      else await this.#remove(addon, 'it is disabled', true, signal)
    }
    await rename(file.path, `${file.path}.disabled`)
    this.#logger.info({ file: file.path }, 'disabled add-on: its file is kept with the extension .disabled')
    return DONE
  }

  async #remove(
    addon: DeepReadonly<Addon>,
    why: string,
    includeProtected: boolean,
    signal: AbortSignal,
  ): Promise<Result> {
    const name = addon.metadata.name ?? ''
    this.#events.record(addon, 'Normal', 'DeletingManifest', `Deleting manifest "${name}": ${why}`)
    const identity = { namespace: ADDON_NAMESPACE, name }
    const options = { keep: new Set<string>(), includeProtected }
    const deleted = await prune(
      { client: this.#client, mapper: this.#mapper },
      identity,
      kindsOf(addon),
      options,
      signal,
    )
    await this.#client.delete(ADDONS, identity, { signal }).catch(undefinedIfNotFound)
    this.#logger.info({ addon: name, deleted }, 'removed add-on')
    return DONE
  }
}

/** Bounded by what is read, not by what was listed: the file may have been replaced since, even by a pipe. */
async function readManifest(file: ManifestFile): Promise<{ bytes: Buffer; error?: string } | undefined> {
  try {
    const handle = await open(file.path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const info = await handle.stat()
      if (!info.isFile()) return unread(`${file.relativePath} is not a regular file`)
      if (info.size > FILE_LIMIT_BYTES) return unread(tooLarge(file))
      const bytes = await handle.readFile()
      if (bytes.length > FILE_LIMIT_BYTES) return unread(tooLarge(file))
      // Being written at this moment: half of a file must not prune the other half. The next listing sees the rest.
      const isAsListed = info.mtimeMs === file.mtimeMs && info.size === file.sizeBytes && info.ino === file.inode
      return isAsListed && bytes.length === info.size ? { bytes } : undefined
    } finally {
      await handle.close()
    }
  } catch (err: unknown) {
    if ((err as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    return unread(`${file.relativePath}: ${errorMessage(err)}`)
  }
}

const unread = (error: string) => ({ bytes: Buffer.alloc(0), error })
const tooLarge = (file: ManifestFile): string =>
  `${file.relativePath} is larger than ${FILE_LIMIT_BYTES} bytes: split it`

/** Every kind the Addon has applied, by its annotation and its inventory. */
function kindsOf(addon: DeepReadonly<Addon>): GroupVersionKind[] {
  const recorded = (addon.metadata.annotations?.[GVKS_ANNOTATION] ?? '').split(';').map(parseKind)
  return uniqueKinds([...recorded.filter((kind) => kind !== undefined), ...(addon.status?.inventory ?? [])])
}

function uniqueKinds(kinds: readonly GroupVersionKind[]): GroupVersionKind[] {
  return [
    ...new Map(
      kinds.map((kind) => [formatKind(kind), { group: kind.group, version: kind.version, kind: kind.kind }]),
    ).values(),
  ]
}
