/**
 * Brings one object to what the file says, by server-side apply; for changes the API refuses in place, deletes and creates it
 * again in the same pass. The three-way merge against what we applied last tells beforehand what will change, and does the
 * work itself where apply cannot: for objects from before field ownership, and configurations apply does not take (a list
 * with an item twice, a field the schema does not have).
 * Upstream: rancher/wrangler pkg/apply (desiredset_process, reconcilers). Differs: apply; a replace is finished at once; a
 * Service whose type changes is patched.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client, Patch } from '#machinery/client/client.ts'
import type { DiscoveredResource } from '#machinery/client/discovery.ts'
import type { RestMapper } from '#machinery/client/rest-mapper.ts'
import { isAlreadyExists, isConflict, isStatusError, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { ObjectKey } from '#machinery/meta/resource.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import { createThreeWayMergePatch } from '#machinery/patch/merge-patch.ts'
import { createThreeWayStrategicMergePatch } from '#machinery/patch/strategic-diff.ts'
import { builtInSchema } from '#machinery/schema/builtin.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { sleep } from '#machinery/util/clock.ts'
import { deepCopy, deepEqual, isObject } from '#machinery/util/json.ts'
import type { DeepReadonly, JsonObject } from '#machinery/util/types.ts'
import { isManagedBy, ownershipPatch } from './field-ownership.ts'
import type { ManifestObject } from './manifest.ts'
import type { AddonIdentity } from './object-set.ts'
import { lastApplied, withOwner } from './object-set.ts'
import { refusesTakeover, takenOverFields } from './takeover.ts'

export type ApplyOutcome = 'created' | 'changed' | 'unchanged' | 'replaced'

export interface AppliedObject {
  readonly resource: DiscoveredResource
  readonly key: ObjectKey
  readonly uid: string
  readonly outcome: ApplyOutcome
  /** Fields of an object that was not ours before; undefined when it was. */
  readonly takenOver: readonly string[] | undefined
}

export interface ApplierDependencies {
  readonly client: Client
  readonly mapper: RestMapper
  readonly clock: Clock
  /** `deploy@<node>`, as k3s names itself. */
  readonly fieldManager: string
}

const CONFLICT_RETRIES = 5
const REPLACE_WAIT_MS = 30_000
const REPLACE_POLL_MS = 50

export class ObjectApplier {
  readonly #client: Client
  readonly #mapper: RestMapper
  readonly #clock: Clock
  readonly #fieldManager: string

  constructor({ client, mapper, clock, fieldManager }: ApplierDependencies) {
    this.#client = client
    this.#mapper = mapper
    this.#clock = clock
    this.#fieldManager = fieldManager
  }

  async apply(item: ManifestObject, addon: AddonIdentity, signal: AbortSignal): Promise<AppliedObject> {
    const resource = await this.#mapper.resourceFor(item.kind, signal)
    if (resource === undefined) throw new NoMatchError(item)
    const desired = await withOwner(placed(item.object, resource), addon)
    const key = keyOf(desired)
    for (let attempt = 0; ; attempt++) {
      try {
        const { object, outcome, takenOver } = await this.#bring(resource, key, desired, signal)
        return { resource, key, uid: object.metadata.uid ?? '', outcome, takenOver }
      } catch (err: unknown) {
        // Somebody else created or changed it between our read and our write: read again.
        if (attempt >= CONFLICT_RETRIES || !(isConflict(err) || isAlreadyExists(err))) throw err
      }
    }
  }

  async #bring(
    resource: DiscoveredResource,
    key: ObjectKey,
    desired: KubeObject,
    signal: AbortSignal,
  ): Promise<{ object: DeepReadonly<KubeObject> } & Pick<AppliedObject, 'outcome' | 'takenOver'>> {
    const live = await this.#client.get(resource, key, { signal }).catch(undefinedIfNotFound)
    if (live === undefined) {
      return { object: await this.#create(resource, key, desired, signal), outcome: 'created', takenOver: undefined }
    }
    const patch = await threeWayPatch(resource, desired, live)
    const isEqual = Object.keys(patch.body).length === 0
    if (isEqual && isManagedBy(live, this.#fieldManager)) {
      return { object: live, outcome: 'unchanged', takenOver: undefined }
    }
    const takenOver = takenOverFields(desired, live, patch.body)
    if (mustReplace(resource, desired, live)) {
      await this.#remove(resource, key, live, signal)
      return { object: await this.#create(resource, key, desired, signal), outcome: 'replaced', takenOver }
    }
    const object = await this.#change(resource, key, { desired, live, patch }, signal)
    return { object, outcome: isEqual ? 'unchanged' : 'changed', takenOver }
  }

  async #create(
    resource: DiscoveredResource,
    key: ObjectKey,
    desired: KubeObject,
    signal: AbortSignal,
  ): Promise<DeepReadonly<KubeObject>> {
    const options = { fieldManager: this.#fieldManager, signal }
    // An apply would also take what somebody else has just created; a create says AlreadyExists, and we look again.
    if (refusesTakeover(desired)) return this.#client.create(resource, desired, options)
    try {
      return await this.#client.patch(resource, key, { type: 'apply', body: desired, force: true }, options)
    } catch (err: unknown) {
      if (!isRefusedByApply(err)) throw err
      return this.#client.create(resource, desired, options)
    }
  }

  async #change(
    resource: DiscoveredResource,
    key: ObjectKey,
    { desired, live, patch }: { desired: KubeObject; live: DeepReadonly<KubeObject>; patch: Patch },
    signal: AbortSignal,
  ): Promise<DeepReadonly<KubeObject>> {
    const options = { fieldManager: this.#fieldManager, signal }
    const ownership = ownershipPatch(live, this.#fieldManager)
    if (ownership !== undefined) await this.#client.patch(resource, key, { type: 'json', body: ownership }, options)
    const hasOwners = (live.metadata.managedFields?.length ?? 0) > 0
    if (!hasOwners) await this.#client.patch(resource, key, patch, options)
    try {
      return await this.#client.patch(resource, key, { type: 'apply', body: desired, force: true }, options)
    } catch (err: unknown) {
      if (!isRefusedByApply(err)) throw err
      return this.#client.patch(resource, key, patch, options)
    }
  }

  async #remove(
    resource: DiscoveredResource,
    key: ObjectKey,
    live: DeepReadonly<KubeObject>,
    signal: AbortSignal,
  ): Promise<void> {
    const uid = live.metadata.uid
    await this.#client
      .delete(resource, key, {
        propagationPolicy: 'Background',
        ...(uid !== undefined && { preconditions: { uid } }),
        signal,
      })
      .catch(undefinedIfNotFound)
    const deadlineMs = this.#clock.monotonicMs() + REPLACE_WAIT_MS
    for (;;) {
      const remaining = await this.#client.get(resource, key, { signal }).catch(undefinedIfNotFound)
      if (remaining === undefined || remaining.metadata.uid !== uid) return
      if (this.#clock.monotonicMs() > deadlineMs) {
        throw new Error(
          `${live.kind} ${key.name} must be replaced but is still being deleted after ${REPLACE_WAIT_MS / 1000} s`,
        )
      }
      await sleep(this.#clock, REPLACE_POLL_MS, signal)
    }
  }
}

/** Nobody serves the kind (yet): upstream's text, as kubectl prints it. */
class NoMatchError extends Error {
  override readonly name = 'NoMatchError'

  constructor({ kind }: ManifestObject) {
    super(`no matches for kind "${kind.kind}" in version "${apiVersionOf(kind)}"`)
  }
}

/** The kind cannot be applied (reviews, some aggregated APIs), or this configuration cannot; upstream's text for all reasons. */
function isRefusedByApply(err: unknown): boolean {
  if (!isStatusError(err)) return false
  return err.code === 405 || err.code === 415 || err.message.includes('failed to create typed patch object')
}

/** Namespaced objects without a namespace go to `default`; cluster-scoped ones lose theirs. */
function placed(object: DeepReadonly<KubeObject>, resource: DiscoveredResource): KubeObject {
  const copy = deepCopy<KubeObject>(object)
  if (resource.namespaced) copy.metadata.namespace ||= 'default'
  else delete copy.metadata.namespace
  // Tools that print Go structs leave `creationTimestamp: null` behind, which would be a change on every pass.
  if (copy.metadata.creationTimestamp === null) delete copy.metadata.creationTimestamp
  return copy
}

function keyOf(object: DeepReadonly<KubeObject>): ObjectKey {
  const { namespace, name = '' } = object.metadata
  return namespace === undefined ? { name } : { namespace, name }
}

async function threeWayPatch(
  resource: DiscoveredResource,
  desired: KubeObject,
  live: DeepReadonly<KubeObject>,
): Promise<Extract<Patch, { type: 'merge' | 'strategic' }>> {
  const original = (await lastApplied(live)) ?? {}
  const modified = desired as unknown as JsonObject
  const current = live as unknown as JsonObject
  const schema = builtInSchema(resource.group, resource.version, resource.kind)?.strategicMerge
  if (schema === undefined)
    return { type: 'merge', body: createThreeWayMergePatch(original, modified, current) as object }
  return { type: 'strategic', body: createThreeWayStrategicMergePatch(original, modified, current, schema) as object }
}

/** Fields that cannot change in place, by resource: wrangler's list without Service.spec.type, which can. */
const IMMUTABLE: ReadonlyMap<string, readonly string[]> = new Map([
  ['deployments.apps', ['selector']],
  ['daemonsets.apps', ['selector']],
  ['jobs.batch', ['template']],
])

function mustReplace(resource: DiscoveredResource, desired: KubeObject, live: DeepReadonly<KubeObject>): boolean {
  const fields = IMMUTABLE.get(`${resource.resource}.${resource.group}`) ?? []
  const [wanted, present] = [specOf(desired), specOf(live)]
  return fields.some((field) => wanted[field] !== undefined && !isCovered(wanted[field], present[field]))
}

function specOf(object: unknown): Record<string, unknown> {
  const spec = isObject(object) ? object['spec'] : undefined
  return isObject(spec) ? spec : {}
}

/** True when everything `wanted` says stands in `present`, which may say more (defaults, generated labels). */
function isCovered(wanted: unknown, present: unknown): boolean {
  if (Array.isArray(wanted)) {
    return (
      Array.isArray(present) &&
      wanted.length === present.length &&
      wanted.every((item, i) => isCovered(item, present[i]))
    )
  }
  if (isObject(wanted))
    return isObject(present) && Object.entries(wanted).every(([name, value]) => isCovered(value, present[name]))
  return deepEqual(wanted, present) || String(wanted) === String(present)
}
