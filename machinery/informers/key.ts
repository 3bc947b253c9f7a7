/** Object keys as strings (`namespace/name` or `name`): what caches and queues are keyed by. Upstream: client-go MetaNamespaceKeyFunc. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { ObjectKey } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** `namespace/name`, or `name` for cluster-scoped objects. */
export function keyString(key: ObjectKey): string {
  return key.namespace === undefined || key.namespace === '' ? key.name : `${key.namespace}/${key.name}`
}

export function keyStringOf(object: DeepReadonly<KubeObject>): string {
  const { namespace, name = '' } = object.metadata
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`
}

/** Inverse of keyString; names and namespaces hold no slash. */
export function parseKey(key: string): ObjectKey {
  const slash = key.indexOf('/')
  return slash === -1 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) }
}

export function objectKeyOf(object: DeepReadonly<KubeObject>): ObjectKey {
  const { namespace, name = '' } = object.metadata
  return namespace === undefined || namespace === '' ? { name } : { namespace, name }
}
