/**
 * Applies all objects of one file: phases in order, waiting for CRDs to be established, every object tried even when an
 * earlier one failed.
 */
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { RestMapper } from '#machinery/client/rest-mapper.ts'
import { isForbidden, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { sleep } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { applyPhases } from './apply-order.ts'
import type { ManifestObject, ManifestPosition } from './manifest.ts'
import type { AppliedObject, ObjectApplier } from './object-applier.ts'
import type { AddonIdentity } from './object-set.ts'

/** One object that could not be applied. */
export interface ApplyFailure extends ManifestPosition {
  readonly message: string
  readonly cause: unknown
}

export interface ApplyResult {
  readonly applied: readonly AppliedObject[]
  readonly failures: readonly ApplyFailure[]
}

export interface ManifestApplierDependencies {
  readonly client: Client
  readonly mapper: RestMapper
  readonly applier: ObjectApplier
  readonly clock: Clock
}

const ESTABLISH_WAIT_MS = 10_000
const POLL_MS = 20
/** A Pod in a namespace made a moment ago waits this long for the namespace's default ServiceAccount. */
const SERVICE_ACCOUNT_WAIT_MS = 3_000

export class ManifestApplier {
  readonly #client: Client
  readonly #mapper: RestMapper
  readonly #applier: ObjectApplier
  readonly #clock: Clock

  constructor({ client, mapper, applier, clock }: ManifestApplierDependencies) {
    this.#client = client
    this.#mapper = mapper
    this.#applier = applier
    this.#clock = clock
  }

  async apply(objects: readonly ManifestObject[], addon: AddonIdentity, signal: AbortSignal): Promise<ApplyResult> {
    const result = { applied: [] as AppliedObject[], failures: [] as ApplyFailure[] }
    const phases = applyPhases(objects)
    await this.#applyAll(phases.namespaces, addon, result, signal)
    await this.#applyAll(phases.customResourceDefinitions, addon, result, signal)
    if (phases.customResourceDefinitions.length > 0) await this.#waitEstablished(result, signal)
    await this.#applyAll(phases.others, addon, result, signal)
    return result
  }

  async #applyAll(
    objects: readonly ManifestObject[],
    addon: AddonIdentity,
    result: { applied: AppliedObject[]; failures: ApplyFailure[] },
    signal: AbortSignal,
  ): Promise<void> {
    for (const item of objects) {
      try {
        result.applied.push(await this.#applyOne(item, addon, signal))
      } catch (err: unknown) {
        signal.throwIfAborted()
        const message = `${item.kind.kind} ${item.object.metadata.name}: ${errorMessage(err)}`
        result.failures.push({ documentIndex: item.documentIndex, line: item.line, message, cause: err })
      }
    }
  }

  async #applyOne(item: ManifestObject, addon: AddonIdentity, signal: AbortSignal): Promise<AppliedObject> {
    const deadlineMs = this.#clock.monotonicMs() + SERVICE_ACCOUNT_WAIT_MS
    for (;;) {
      try {
        return await this.#applier.apply(item, addon, signal)
      } catch (err: unknown) {
        const mayPass = item.kind.kind === 'Pod' && isForbidden(err) && errorMessage(err).includes('serviceaccount')
        if (!mayPass || this.#clock.monotonicMs() > deadlineMs) throw err
        await sleep(this.#clock, POLL_MS, signal)
      }
    }
  }

  /** A CRD that is not established in time is no failure of its own: its objects will say what they miss. */
  async #waitEstablished(result: ApplyResult, signal: AbortSignal): Promise<void> {
    const definitions = result.applied.filter(({ resource }) => resource.kind === 'CustomResourceDefinition')
    const deadlineMs = this.#clock.monotonicMs() + ESTABLISH_WAIT_MS
    for (const { key } of definitions) {
      for (;;) {
        const live = await this.#client.get(CUSTOM_RESOURCE_DEFINITIONS, key, { signal }).catch(undefinedIfNotFound)
        if (live === undefined || isEstablished(live.status?.conditions) || this.#clock.monotonicMs() > deadlineMs)
          break
        await sleep(this.#clock, POLL_MS, signal)
      }
    }
    await this.#mapper.refresh(signal)
  }
}

function isEstablished(conditions: readonly { readonly type: string; readonly status: string }[] | undefined): boolean {
  return conditions?.some(({ type, status }) => type === 'Established' && status === 'True') ?? false
}
