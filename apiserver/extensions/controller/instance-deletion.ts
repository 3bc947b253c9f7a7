/**
 * Deletes every object of a custom resource through the API, so that admission and finalizers take part.
 * Upstream: apiextensions-apiserver pkg/controller/finalizer/crd_finalizer.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import type { Crd } from '../definition/types.ts'

const PAGE_SIZE = 500

/** How clients name the custom resource: in its storage version when that is served. */
export function resourceOf(crd: Crd): Resource {
  const { group, names, scope, versions } = crd.spec
  const storage = versions.find((version) => version.storage)
  const version = storage?.served === true ? storage : (versions.find(({ served }) => served) ?? storage)
  return {
    group,
    version: version?.name ?? '',
    resource: names.plural,
    kind: names.kind,
    namespaced: scope === 'Namespaced',
  }
}

/** Asks for the deletion of what exists; returns how many objects are still there (finalizers, grace periods). */
export async function deleteInstances(client: Client, resource: Resource, signal: AbortSignal): Promise<number> {
  for (const namespace of await namespacesInUse(client, resource, signal)) {
    const scope = namespace === '' ? {} : { namespace }
    await client.deleteCollection(resource, { ...scope, signal })
  }
  const left = await client.list<KubeObject>(resource, { limit: 1, signal })
  return left.items.length + (left.metadata.remainingItemCount ?? 0)
}

/** '' stands for the cluster scope. */
async function namespacesInUse(client: Client, resource: Resource, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const namespaces = new Set<string>()
  let continueToken = ''
  do {
    const page = await client.list<KubeObject>(resource, { limit: PAGE_SIZE, continue: continueToken, signal })
    for (const item of page.items) {
      if (item.metadata.deletionTimestamp === undefined) namespaces.add(item.metadata.namespace ?? '')
    }
    continueToken = page.metadata.continue ?? ''
  } while (continueToken !== '')
  return namespaces
}
