/**
 * Fills Secrets of type kubernetes.io/service-account-token for their ServiceAccount and deletes those whose account is
 * gone; with legacy generation on, gives every account such a Secret, as Kubernetes did before 1.24.
 *
 * Reads: accounts and token Secrets from the cache; live before deleting or changing one.
 * Writes: Secrets (create, update, delete), accounts (`secrets` list: the names of deleted token Secrets; with legacy
 * generation the new one's).
 * Upstream: pkg/controller/serviceaccount/tokens_controller.go (legacy generation: v1.23).
 * Differs: one queue, keyed by account, instead of one for accounts and one for Secrets.
 */
import { SECRETS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Secret, ServiceAccount } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { isConflict, isNotFound, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { Random } from '#machinery/util/random.ts'
import { randomSuffix } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ControllerDefinition, ObjectKey, Reconciler, Result } from '#sdk'
import { DONE, defineController, isNamespaceTerminating, watching } from '#sdk'
import { SERVICE_ACCOUNT_TOKEN_CONTROLLER } from '../manager/names.ts'
import type { TokenFacts } from './token-secret.ts'
import {
  accountNameOf,
  belongsTo,
  filledTokenSecret,
  hasReferencedToken,
  newTokenSecret,
  TOKEN_SECRETS,
} from './token-secret.ts'

export interface ServiceAccountTokenOptions {
  /** PEM; '' publishes none. */
  readonly rootCa: string
  /** A JWT that is valid as long as the Secret exists. */
  issueLegacyToken(serviceAccount: DeepReadonly<ServiceAccount>, secret: DeepReadonly<Secret>): string | Promise<string>
  /** Feature gate LegacyServiceAccountTokenNoAutoGeneration is false. */
  readonly generatesForEveryAccount: boolean
}

const ACCOUNT_INDEX = 'service-account'
const CONFLICT_TRIES_MAX = 10

export function serviceAccountTokenController(
  options: ServiceAccountTokenOptions,
): ControllerDefinition<ServiceAccount> {
  return defineController({
    name: SERVICE_ACCOUNT_TOKEN_CONTROLLER,
    reconciles: SERVICE_ACCOUNTS,
    watches: [watching(SECRETS, accountKeysOf, TOKEN_SECRETS)],
    permissions: [
      { resource: SERVICE_ACCOUNTS, verbs: ['get', 'list', 'watch', 'update'] },
      { resource: SECRETS, verbs: ['create', 'get', 'list', 'watch', 'update', 'delete'] },
    ],
    concurrency: 5,
    create: ({ client, lister, informer, random }) => {
      const secrets = informer(SECRETS, TOKEN_SECRETS)
      secrets.addIndex(ACCOUNT_INDEX, (secret) => [`${secret.metadata.namespace ?? ''}/${accountNameOf(secret) ?? ''}`])
      const gone = new Map<string, Set<string>>()
      secrets.addHandler({ onDelete: (secret) => noteDeletion(gone, secret) })
      return new ServiceAccountTokenReconciler(client, lister(SERVICE_ACCOUNTS), secrets.lister, gone, random, options)
    },
  })
}

function accountKeysOf(secret: DeepReadonly<Secret>): ObjectKey[] {
  const name = accountNameOf(secret)
  return name === undefined || name === '' ? [] : [{ namespace: secret.metadata.namespace ?? '', name }]
}

/** Names of deleted token Secrets by account. A name that is listed and never existed is the user's business: it stays. */
type DeletedNames = Map<string, Set<string>>

/** The Secret's watch brings the account into the queue, whose reconcile takes the entry out again. */
function noteDeletion(gone: DeletedNames, secret: DeepReadonly<Secret>): void {
  const { name = '' } = secret.metadata
  for (const key of accountKeysOf(secret)) {
    const names = gone.get(indexKeyOf(key))
    if (names === undefined) gone.set(indexKeyOf(key), new Set([name]))
    else names.add(name)
  }
}

function indexKeyOf({ namespace = '', name }: ObjectKey): string {
  return `${namespace}/${name}`
}

class ServiceAccountTokenReconciler implements Reconciler {
  readonly #client: Client
  readonly #accounts: Lister<ServiceAccount>
  readonly #secrets: Lister<Secret>
  readonly #gone: DeletedNames
  readonly #random: Random
  readonly #options: ServiceAccountTokenOptions

  constructor(
    client: Client,
    accounts: Lister<ServiceAccount>,
    secrets: Lister<Secret>,
    gone: DeletedNames,
    random: Random,
    options: ServiceAccountTokenOptions,
  ) {
    this.#client = client
    this.#accounts = accounts
    this.#secrets = secrets
    this.#gone = gone
    this.#random = random
    this.#options = options
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const secrets = this.#secrets.byIndex(ACCOUNT_INDEX, indexKeyOf(key))
    await this.#unlistDeleted(key, secrets, signal)
    const cached = this.#accounts.get(key)
    const isAmiss = cached === undefined || secrets.some((secret) => !belongsTo(secret, cached))
    // Deleting a credential on the word of a lagging cache would cut off a running pod: ask the API.
    const account =
      isAmiss && secrets.length > 0
        ? await this.#client.get(SERVICE_ACCOUNTS, key, { signal }).catch(undefinedIfNotFound)
        : cached
    for (const secret of secrets) {
      if (account === undefined || !belongsTo(secret, account)) await this.#delete(secret, signal)
      else await this.#fill(secret, account, signal)
    }
    if (account !== undefined && this.#options.generatesForEveryAccount) {
      await this.#ensureToken(account, secrets, signal).catch((err: unknown) => {
        // The account goes with its namespace.
        if (!isNamespaceTerminating(err)) throw err
      })
    }
    return DONE
  }

  async #unlistDeleted(key: ObjectKey, secrets: readonly DeepReadonly<Secret>[], signal: AbortSignal): Promise<void> {
    const names = this.#gone.get(indexKeyOf(key))
    if (names === undefined) return
    // A deletion noted while the requests run starts a new set, and the queue brings the account back.
    this.#gone.delete(indexKeyOf(key))
    for (const { metadata } of secrets) names.delete(metadata.name ?? '')
    try {
      await this.#unlist(key, names, signal)
    } catch (err: unknown) {
      this.#gone.set(indexKeyOf(key), new Set([...names, ...(this.#gone.get(indexKeyOf(key)) ?? [])]))
      throw err
    }
  }

  async #unlist(key: ObjectKey, names: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries++) {
      const live = await this.#client.get(SERVICE_ACCOUNTS, key, { signal }).catch(undefinedIfNotFound)
      const kept = live?.secrets?.filter(({ name = '' }) => !names.has(name))
      if (live === undefined || kept?.length === live.secrets?.length) return
      try {
        await this.#client.update(SERVICE_ACCOUNTS, { ...live, secrets: kept ?? [] }, { signal })
        return
      } catch (err: unknown) {
        if (isNotFound(err)) return
        if (!isConflict(err) || tries >= CONFLICT_TRIES_MAX) throw err
      }
    }
  }

  async #delete(secret: DeepReadonly<Secret>, signal: AbortSignal): Promise<void> {
    const { uid = '' } = secret.metadata
    const options = { preconditions: { uid }, signal }
    await this.#client.delete(SECRETS, objectKeyOf(secret), options).catch(undefinedIfNotFound)
  }

  async #fill(secret: DeepReadonly<Secret>, account: DeepReadonly<ServiceAccount>, signal: AbortSignal): Promise<void> {
    const facts = this.#facts(account)
    if (filledTokenSecret(secret, facts) === undefined) return
    const live = await this.#client.get(SECRETS, objectKeyOf(secret), { signal }).catch(undefinedIfNotFound)
    if (live === undefined || live.metadata.uid !== secret.metadata.uid) return
    const filled = filledTokenSecret(live, facts)
    if (filled === undefined) return
    if (filled.needsToken) filled.setToken(await this.#options.issueLegacyToken(account, live))
    await this.#client.update(SECRETS, filled.secret, { signal }).catch(undefinedIfNotFound)
  }

  /** Creates the account's token Secret and lists it in the account; undone when the account cannot be updated. */
  async #ensureToken(
    account: DeepReadonly<ServiceAccount>,
    secrets: readonly DeepReadonly<Secret>[],
    signal: AbortSignal,
  ): Promise<void> {
    if (account.metadata.deletionTimestamp !== undefined || hasReferencedToken(account, secrets)) return
    const live = await this.#client.get(SERVICE_ACCOUNTS, objectKeyOf(account), { signal }).catch(undefinedIfNotFound)
    // The cache lags: its next change brings us back.
    if (live === undefined || live.metadata.resourceVersion !== account.metadata.resourceVersion) return
    const secret = newTokenSecret(live, randomSuffix(this.#random))
    const filled = filledTokenSecret(secret, this.#facts(live))
    filled?.setToken(await this.#options.issueLegacyToken(live, secret))
    const created = await this.#client.create(SECRETS, filled?.secret ?? secret, { signal })
    const changed = deepCopy<ServiceAccount>(live)
    changed.secrets = [...(changed.secrets ?? []), { name: created.metadata.name ?? '' }]
    try {
      await this.#client.update(SERVICE_ACCOUNTS, changed, { signal })
    } catch (err: unknown) {
      await this.#delete(created, signal)
      throw err
    }
  }

  #facts(account: DeepReadonly<ServiceAccount>): TokenFacts {
    return { account, rootCa: this.#options.rootCa }
  }
}
