/**
 * Publishes the cluster's CA as ConfigMap `kube-root-ca.crt` in every active namespace, where pods find it.
 *
 * Reads: namespaces and those ConfigMaps from the cache.  Writes: creates and updates them.
 * Upstream: pkg/controller/certificates/rootcacertpublisher.
 */
import { CONFIG_MAPS, NAMESPACES } from '#machinery/api/core/v1/resources.gen.ts'
import type { ConfigMap, Namespace } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { isAlreadyExists, isNotFound } from '#machinery/meta/errors.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { ControllerDefinition, ObjectKey, Reconciler, Result } from '#sdk'
import { DONE, defineController, isNamespaceTerminating, watching } from '#sdk'
import { ROOT_CA_PUBLISHER_CONTROLLER } from '../manager/names.ts'

const NAME = 'kube-root-ca.crt'
const ONLY_OURS = { fieldSelector: `metadata.name=${NAME}` }
const DESCRIPTION = 'kubernetes.io/description'
const DESCRIPTION_TEXT =
  'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.'

export interface RootCaPublisherOptions {
  /** PEM. */
  readonly rootCa: string
}

export function rootCaPublisherController({ rootCa }: RootCaPublisherOptions): ControllerDefinition<Namespace> {
  return defineController({
    name: ROOT_CA_PUBLISHER_CONTROLLER,
    reconciles: NAMESPACES,
    watches: [watching(CONFIG_MAPS, (map) => [{ name: map.metadata.namespace ?? '' }], ONLY_OURS)],
    permissions: [
      { resource: NAMESPACES, verbs: ['get', 'list', 'watch'] },
      { resource: CONFIG_MAPS, verbs: ['create', 'update', 'get', 'list', 'watch'] },
    ],
    create: ({ client, lister }) =>
      new RootCaReconciler(client, lister(NAMESPACES), lister(CONFIG_MAPS, ONLY_OURS), { 'ca.crt': rootCa }),
  })
}

class RootCaReconciler implements Reconciler {
  readonly #client: Client
  readonly #namespaces: Lister<Namespace>
  readonly #maps: Lister<ConfigMap>
  readonly #data: Record<string, string>

  constructor(client: Client, namespaces: Lister<Namespace>, maps: Lister<ConfigMap>, data: Record<string, string>) {
    this.#client = client
    this.#namespaces = namespaces
    this.#maps = maps
    this.#data = data
  }

  async reconcile({ name: namespace }: ObjectKey, signal: AbortSignal): Promise<Result> {
    const found = this.#namespaces.get({ name: namespace })
    if (found === undefined || found.status?.phase === 'Terminating') return DONE
    const map = this.#maps.get({ namespace, name: NAME })
    if (map === undefined) {
      await this.#create(namespace, signal)
      return DONE
    }
    if (deepEqual(map.data, this.#data) && map.metadata.annotations?.[DESCRIPTION] === DESCRIPTION_TEXT) return DONE
    const changed = deepCopy<ConfigMap>(map)
    changed.data = { ...this.#data }
    changed.metadata.annotations = { ...changed.metadata.annotations, [DESCRIPTION]: DESCRIPTION_TEXT }
    await this.#client.update(CONFIG_MAPS, changed, { signal })
    return DONE
  }

  async #create(namespace: string, signal: AbortSignal): Promise<void> {
    const metadata = { namespace, name: NAME, annotations: { [DESCRIPTION]: DESCRIPTION_TEXT } }
    const map: ConfigMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { ...this.#data } }
    try {
      await this.#client.create(CONFIG_MAPS, map, { signal })
    } catch (err: unknown) {
      // The namespace may be going away; a leftover of ours is met by the watch.
      if (!isAlreadyExists(err) && !isNotFound(err) && !isNamespaceTerminating(err)) throw err
    }
  }
}
