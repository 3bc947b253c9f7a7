/**
 * Ends generated token Secrets that nobody has used for a year: the token is marked invalid first, and after another year
 * the Secret is deleted. Once a day, and only when uses have been tracked long enough to know.
 *
 * Reads: secrets, serviceaccounts and pods from caches; live the ConfigMap that says since when uses are tracked.
 * Writes: the label `kubernetes.io/legacy-token-invalid-since`; deletes of secrets.
 * Upstream: pkg/controller/serviceaccount/legacy_serviceaccount_token_cleaner.go.
 */
import { CONFIG_MAPS, PODS, SECRETS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod, Secret, ServiceAccount } from '#machinery/api/core/v1/types.gen.ts'
import { untilAborted } from '#machinery/informers/factory.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Informer } from '#machinery/informers/shared-informer.ts'
import { isConflict, isNotFound } from '#machinery/meta/errors.ts'
import { sleep } from '#machinery/util/clock.ts'
import { toError } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ControllerComponent, ControllerContext } from '#sdk'
import { defineComponent } from '#sdk'
import { LEGACY_TOKEN_CLEANER_CONTROLLER } from '../manager/names.ts'
import { secretNamesOf } from './pod-secrets.ts'

type FrozenSecret = DeepReadonly<Secret>

const TRACKING = { namespace: 'kube-system', name: 'kube-apiserver-legacy-service-account-token-tracking' } as const
const TOKEN_TYPE = 'kubernetes.io/service-account-token'
const LAST_USED_LABEL = 'kubernetes.io/legacy-token-last-used'
const INVALID_SINCE_LABEL = 'kubernetes.io/legacy-token-invalid-since'
const ACCOUNT_NAME = 'kubernetes.io/service-account.name'
const ACCOUNT_UID = 'kubernetes.io/service-account.uid'
const DATE = /^\d{4}-\d{2}-\d{2}$/
const DAY_MS = 86_400_000
/** Upstream's default of --legacy-service-account-token-clean-up-period. */
const CLEAN_UP_PERIOD_MS = 365 * DAY_MS

export const legacyTokenCleanerController = defineComponent({
  name: LEGACY_TOKEN_CLEANER_CONTROLLER,
  permissions: [
    { resource: CONFIG_MAPS, verbs: ['get'], names: [TRACKING.name] },
    { resource: SECRETS, verbs: ['list', 'watch', 'patch', 'delete'] },
    { resource: SERVICE_ACCOUNTS, verbs: ['list', 'watch'] },
    { resource: PODS, verbs: ['list', 'watch'] },
  ],
  createComponent: (context) => new LegacyTokenCleaner(context),
})

class LegacyTokenCleaner implements ControllerComponent {
  readonly #context: ControllerContext
  readonly #secrets: Informer<Secret>
  readonly #accounts: Informer<ServiceAccount>
  readonly #pods: Informer<Pod>

  constructor(context: ControllerContext) {
    this.#context = context
    this.#secrets = context.informer(SECRETS, { fieldSelector: `type=${TOKEN_TYPE}` })
    this.#accounts = context.informer(SERVICE_ACCOUNTS)
    this.#pods = context.informer(PODS)
  }

  async run(signal: AbortSignal, onReady: () => void): Promise<void> {
    const { clock, logger } = this.#context
    await untilAborted(Promise.all([this.#secrets.synced, this.#accounts.synced, this.#pods.synced]), signal)
    onReady()
    while (!signal.aborted) {
      await this.#clean(signal).catch((err: unknown) => {
        if (!signal.aborted)
          logger.error({ err: toError(err) }, 'unused tokens were not cleaned up, trying again in a day')
      })
      await sleep(clock, DAY_MS, signal).catch(() => undefined)
    }
  }

  async #clean(signal: AbortSignal): Promise<void> {
    const nowMs = this.#context.clock.nowMs()
    const sinceMs = await this.#trackedSinceMs(signal)
    if (sinceMs === undefined || nowMs < sinceMs + CLEAN_UP_PERIOD_MS) return
    const unused = this.#secrets.lister.list().filter((secret) => this.#isUnused(secret, nowMs - CLEAN_UP_PERIOD_MS))
    if (unused.length === 0) return
    const mounted = new Set<string>()
    for (const pod of this.#pods.lister.list())
      for (const name of secretNamesOf(pod)) mounted.add(`${pod.metadata.namespace}/${name}`)
    for (const secret of unused) {
      if (mounted.has(`${secret.metadata.namespace}/${secret.metadata.name}`)) continue
      await this.#end(secret, nowMs, signal).catch((err: unknown) => {
        if (!isConflict(err) && !isNotFound(err)) throw err
      })
    }
  }

  /** The beginning of the first day that was tracked from its start. */
  async #trackedSinceMs(signal: AbortSignal): Promise<number | undefined> {
    const { data } = await this.#context.client.get(CONFIG_MAPS, TRACKING, { signal })
    const since = data?.['since']
    return isDate(since) ? Date.parse(since) + DAY_MS : undefined
  }

  #isUnused(secret: FrozenSecret, keptSinceMs: number): boolean {
    const { creationTimestamp, deletionTimestamp, labels } = secret.metadata
    if (deletionTimestamp !== undefined || !(Date.parse(creationTimestamp ?? '') < keptSinceMs)) return false
    const lastUsed = labels?.[LAST_USED_LABEL]
    // What is not a date tells nothing.
    if (lastUsed !== undefined && (!isDate(lastUsed) || lastUsed >= dateOf(keptSinceMs))) return false
    return this.#isGenerated(secret)
  }

  /** Generated ones are listed by their account; those made by hand are their makers' to delete. */
  #isGenerated({ metadata: { namespace = '', name, annotations } }: FrozenSecret): boolean {
    const account = this.#accounts.lister.get({ namespace, name: annotations?.[ACCOUNT_NAME] ?? '' })
    const uid = annotations?.[ACCOUNT_UID] ?? ''
    if (account === undefined || (uid !== '' && uid !== account.metadata.uid)) return false
    return account.secrets?.some((reference) => reference.name === name) ?? false
  }

  async #end(secret: FrozenSecret, nowMs: number, signal: AbortSignal): Promise<void> {
    const { client, logger } = this.#context
    const { namespace = '', name = '', uid, resourceVersion = '', labels } = secret.metadata
    const invalidSince = labels?.[INVALID_SINCE_LABEL]
    if (!isDate(invalidSince)) {
      logger.info({ secret: { namespace, name } }, 'an unused token is marked invalid')
      const body = { metadata: { uid, labels: { [INVALID_SINCE_LABEL]: dateOf(nowMs) } } }
      await client.patch(SECRETS, objectKeyOf(secret), { type: 'merge', body }, { signal })
    } else if (invalidSince < dateOf(nowMs - CLEAN_UP_PERIOD_MS)) {
      logger.info({ secret: { namespace, name }, invalidSince }, 'an unused token is deleted')
      await client.delete(SECRETS, objectKeyOf(secret), { preconditions: { resourceVersion }, signal })
    }
  }
}

const dateOf = (timeMs: number): string => new Date(timeMs).toISOString().slice(0, 10)

const isDate = (text: string | undefined): text is string =>
  text !== undefined && DATE.test(text) && !Number.isNaN(Date.parse(text))
