/**
 * Keeps a ServiceAccount `default` in every active namespace.
 *
 * Reads: namespaces and service accounts from the cache.  Writes: creates service accounts.
 * Upstream: pkg/controller/serviceaccount/serviceaccounts_controller.go.
 */
import { NAMESPACES, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Namespace, ServiceAccount } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { isAlreadyExists, isNotFound } from '#machinery/meta/errors.ts'
import type { ObjectKey, Reconciler, Result } from '#sdk'
import { DONE, defineController, isNamespaceTerminating, watching } from '#sdk'
import { SERVICE_ACCOUNT_CONTROLLER } from '../manager/names.ts'

const DEFAULT_NAME = 'default'
/** Of all accounts only the default ones are of interest. */
const DEFAULT_ONLY = { fieldSelector: `metadata.name=${DEFAULT_NAME}` }

export const serviceAccountController = defineController({
  name: SERVICE_ACCOUNT_CONTROLLER,
  reconciles: NAMESPACES,
  watches: [watching(SERVICE_ACCOUNTS, (account) => [{ name: account.metadata.namespace ?? '' }], DEFAULT_ONLY)],
  permissions: [
    { resource: NAMESPACES, verbs: ['get', 'list', 'watch'] },
    { resource: SERVICE_ACCOUNTS, verbs: ['create', 'list', 'watch'] },
  ],
  create: ({ client, lister }) =>
    new ServiceAccountReconciler(client, lister(NAMESPACES), lister(SERVICE_ACCOUNTS, DEFAULT_ONLY)),
})

class ServiceAccountReconciler implements Reconciler {
  readonly #client: Client
  readonly #namespaces: Lister<Namespace>
  readonly #accounts: Lister<ServiceAccount>

  constructor(client: Client, namespaces: Lister<Namespace>, accounts: Lister<ServiceAccount>) {
    this.#client = client
    this.#namespaces = namespaces
    this.#accounts = accounts
  }

  async reconcile({ name: namespace }: ObjectKey, signal: AbortSignal): Promise<Result> {
    const found = this.#namespaces.get({ name: namespace })
    if (found === undefined || found.status?.phase === 'Terminating') return DONE
    if (this.#accounts.get({ namespace, name: DEFAULT_NAME }) !== undefined) return DONE
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name: DEFAULT_NAME } }
    try {
      await this.#client.create(SERVICE_ACCOUNTS, account, { signal })
    } catch (err: unknown) {
      // Seen or made by others meanwhile, or the namespace went away between our look at it and the create.
      if (!isAlreadyExists(err) && !isNotFound(err) && !isNamespaceTerminating(err)) throw err
    }
    return DONE
  }
}
