/**
 * Deletes what an Addon owns and no longer wants: found by the hash label, over every kind it has ever applied.
 * Upstream: rancher/wrangler pkg/apply (desiredset_process prune). Differs: PersistentVolumeClaims, Namespaces and CRDs hold
 * data of others, so leaving the file does not delete them unless they are labelled prune=true.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import type { DiscoveredResource } from '#machinery/client/discovery.ts'
import type { RestMapper } from '#machinery/client/rest-mapper.ts'
import { isStatusError, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { GroupVersionKind } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AddonIdentity } from './object-set.ts'
import { HASH_LABEL, objectSetHash, PRUNE_LABEL } from './object-set.ts'

export interface PruneOptions {
  /** Objects that stay, as `pruneId` names them. */
  readonly keep: ReadonlySet<string>
  /** True for --disable: data-bearing kinds go as well. */
  readonly includeProtected: boolean
}

/** Group, kind and place, without the version: an object that moved to a newer version of its kind is the same object. */
export function pruneId(
  kind: { readonly group: string; readonly kind: string },
  namespace: string | undefined,
  name: string,
): string {
  return `${kind.group}/${kind.kind}/${namespace ?? ''}/${name}`
}

const PROTECTED: ReadonlySet<string> = new Set([
  '/PersistentVolumeClaim',
  '/Namespace',
  'apiextensions.k8s.io/CustomResourceDefinition',
])

/** Namespaces and definitions last: deleting them first would take their content along in no order. */
const LAST: readonly string[] = ['apiextensions.k8s.io/CustomResourceDefinition', '/Namespace']

/** Returns what was deleted, as `Kind namespace/name`. Kinds nobody serves any more are skipped. */
export async function prune(
  { client, mapper }: { readonly client: Client; readonly mapper: RestMapper },
  addon: AddonIdentity,
  kinds: readonly GroupVersionKind[],
  options: PruneOptions,
  signal: AbortSignal,
): Promise<string[]> {
  const deleted: string[] = []
  for (const kind of inDeletionOrder(kinds)) {
    const resource = await mapper.resourceFor(kind, signal)
    if (resource === undefined) continue
    const labelSelector = `${HASH_LABEL}=${objectSetHash(addon)}`
    const list = await client.list(resource, { labelSelector, signal }).catch(undefinedIfNotListed)
    for (const object of list?.items ?? []) {
      const { namespace, name = '' } = object.metadata
      if (options.keep.has(pruneId(kind, namespace, name)) || !mayDelete(object, resource, options)) continue
      await remove(client, resource, object, signal)
      deleted.push(`${resource.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`)
    }
  }
  return deleted
}

/** NotFound: its definition was deleted since the mapper last looked. Not allowed: reviews, of which nothing is kept. */
function undefinedIfNotListed(err: unknown): undefined {
  if (isStatusError(err) && err.code === 405) return undefined
  return undefinedIfNotFound(err)
}

function inDeletionOrder(kinds: readonly GroupVersionKind[]): GroupVersionKind[] {
  const rank = (kind: GroupVersionKind): number => LAST.indexOf(`${kind.group}/${kind.kind}`)
  return [...kinds].sort((a, b) => rank(a) - rank(b))
}

function mayDelete(object: DeepReadonly<KubeObject>, resource: DiscoveredResource, options: PruneOptions): boolean {
  const wish = object.metadata.labels?.[PRUNE_LABEL]
  if (wish === 'false' || object.metadata.deletionTimestamp !== undefined) return false
  const isProtected = PROTECTED.has(`${resource.group}/${resource.kind}`)
  return !isProtected || options.includeProtected || wish === 'true'
}

async function remove(
  client: Client,
  resource: DiscoveredResource,
  object: DeepReadonly<KubeObject>,
  signal: AbortSignal,
): Promise<void> {
  const { namespace, name = '', uid } = object.metadata
  const key = namespace === undefined ? { name } : { namespace, name }
  const preconditions = uid === undefined ? {} : { preconditions: { uid } }
  await client
    .delete(resource, key, { propagationPolicy: 'Background', ...preconditions, signal })
    .catch(undefinedIfNotFound)
}
