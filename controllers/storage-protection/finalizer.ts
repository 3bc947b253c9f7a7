/** The finalizer of a protected object: who still lacks it, who waits for it to go. Upstream: pkg/controller/volume/protectionutil. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export type Protection = 'missing' | 'releasable' | 'settled'

/** `missing`: alive without the finalizer. `releasable`: being deleted and held by it. */
export function protectionOf({ metadata }: DeepReadonly<KubeObject>, finalizer: string): Protection {
  const isHeld = metadata.finalizers?.includes(finalizer) ?? false
  if (metadata.deletionTimestamp === undefined) return isHeld ? 'settled' : 'missing'
  return isHeld ? 'releasable' : 'settled'
}

/** Written with the resourceVersion that was judged: a change in between is a Conflict. */
export async function writeProtection<T extends KubeObject>(
  client: Client,
  resource: Resource<T>,
  object: DeepReadonly<T>,
  finalizer: string,
  signal: AbortSignal,
): Promise<void> {
  const draft = deepCopy<T>(object)
  const { finalizers = [] } = draft.metadata
  draft.metadata.finalizers = finalizers.includes(finalizer)
    ? finalizers.filter((name) => name !== finalizer)
    : [...finalizers, finalizer]
  await client.update(resource, draft as DeepReadonly<T>, { signal })
}
