/**
 * Deletes everything in a namespace, resource by resource as discovery lists them, Pods before all else so that nothing
 * a running Pod relies on goes first. One pass; what remains is counted for the conditions.
 * Upstream: pkg/controller/namespace/deletion/namespaced_resources_deleter.go.
 */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import type { DiscoveredResource, Discovery } from '#machinery/client/discovery.ts'
import { discoverPreferredResources } from '#machinery/client/discovery.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { isNotFound, isStatusError, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { DeletionFindings } from './conditions.ts'

/** Upstream's finalizerEstimateSeconds: how long we give finalizers before looking again. */
const FINALIZER_ESTIMATE_SECONDS = 15

export interface ContentPass extends DeletionFindings {
  /** Seconds until it is worth looking again; 0 = nothing remains, or it cannot be told. */
  readonly estimateSeconds: number
}

interface Tally {
  readonly contentErrors: string[]
  readonly remaining: Map<string, number>
  readonly finalizers: Map<string, number>
  estimateSeconds: number
  readonly deletingMs: number
}

/** `deletingMs`: since when the namespace is on its way out. Pods that are longer about it than their grace are stuck. */
export async function deleteAllContent(
  client: Client,
  namespace: string,
  deletingMs: number,
  signal: AbortSignal,
): Promise<ContentPass> {
  const discovery = await discoverPreferredResources(client, signal)
  const tally: Tally = {
    contentErrors: [],
    remaining: new Map(),
    finalizers: new Map(),
    estimateSeconds: 0,
    deletingMs,
  }
  const { pods, others } = deletableResources(discovery)
  if (pods !== undefined) await deleteResource(client, pods, namespace, tally, signal)
  if (tally.remaining.size === 0)
    for (const resource of others) await deleteResource(client, resource, namespace, tally, signal)
  const { deletingMs: _known, ...found } = tally
  return { ...found, discoveryFailures: discovery.failures }
}

function deletableResources({ resources }: Discovery): {
  readonly pods: DiscoveredResource | undefined
  readonly others: readonly DiscoveredResource[]
} {
  const deletable = resources.filter(({ namespaced, verbs }) => namespaced && verbs.includes('delete'))
  const isPods = ({ group, resource }: Resource): boolean => group === '' && resource === PODS.resource
  return { pods: deletable.find(isPods), others: deletable.filter((resource) => !isPods(resource)) }
}

async function deleteResource(
  client: Client,
  resource: DiscoveredResource,
  namespace: string,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  try {
    const isCollectionDeleted = await deleteCollection(client, resource, namespace, signal)
    if (!resource.verbs.includes('list')) return
    const { items } = await client.list(resource, { namespace, signal })
    if (items.length === 0) return
    if (!isCollectionDeleted) await deleteEach(client, resource, items, signal)
    const left = isCollectionDeleted ? items : (await client.list(resource, { namespace, signal })).items
    count(resource, namespace, left, tally)
  } catch (err: unknown) {
    signal.throwIfAborted()
    tally.contentErrors.push(errorMessage(err))
  }
}

/** False when the resource has no such verb. */
async function deleteCollection(
  client: Client,
  resource: DiscoveredResource,
  namespace: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (!resource.verbs.includes('deletecollection')) return false
  try {
    await client.deleteCollection(resource, { namespace, propagationPolicy: 'Background', signal })
    return true
  } catch (err: unknown) {
    if (isNotFound(err) || (isStatusError(err) && err.code === 405)) return false
    throw err
  }
}

async function deleteEach(
  client: Client,
  resource: Resource,
  items: readonly DeepReadonly<KubeObject>[],
  signal: AbortSignal,
): Promise<void> {
  for (const item of items)
    await client
      .delete(resource, objectKeyOf(item), { propagationPolicy: 'Background', signal })
      .catch(undefinedIfNotFound)
}

function count(
  { group, version, resource }: Resource,
  namespace: string,
  items: readonly DeepReadonly<KubeObject>[],
  tally: Tally,
): void {
  const id = `${resource}.${group}`
  if (items.length === 0) return
  tally.remaining.set(id, items.length)
  let hasFinalizers = false
  for (const { metadata } of items)
    for (const finalizer of metadata.finalizers ?? []) {
      hasFinalizers = true
      tally.finalizers.set(finalizer, (tally.finalizers.get(finalizer) ?? 0) + 1)
    }
  const graceSeconds = id === 'pods.' ? longestGraceSeconds(items as readonly DeepReadonly<Pod>[]) : 0
  const isInGrace = tally.deletingMs < graceSeconds * 1_000
  const seconds = isInGrace ? graceSeconds : hasFinalizers ? FINALIZER_ESTIMATE_SECONDS : 0
  tally.estimateSeconds = Math.max(tally.estimateSeconds, seconds)
  if (seconds > 0) return
  const gvr = `${group}/${version}, Resource=${resource}`
  tally.contentErrors.push(`unexpected items still remain in namespace: ${namespace} for gvr: ${gvr}`)
}

function longestGraceSeconds(pods: readonly DeepReadonly<Pod>[]): number {
  return Math.max(0, ...pods.map(graceSecondsOf))
}

/** One that has just stopped is about to be taken away by its node, within the time it was given. */
function graceSecondsOf({ metadata, spec, status }: DeepReadonly<Pod>): number {
  const isFinished = status?.phase === 'Succeeded' || status?.phase === 'Failed'
  if (!isFinished) return spec.terminationGracePeriodSeconds ?? 0
  return metadata.deletionTimestamp === undefined ? 0 : (metadata.deletionGracePeriodSeconds ?? 0)
}
