/** Names of API types and resources: GroupVersionKind, GroupVersionResource, and the typed constants clients use. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'

export interface GroupKind {
  readonly group: string
  readonly kind: string
}

export interface GroupVersionKind extends GroupKind {
  readonly version: string
}

export interface GroupResource {
  readonly group: string
  readonly resource: string
}

/**
 * One served resource as a client names it. The type parameter ties the constant (`PODS: Resource<Pod>`) to what the
 * client returns; it has no run-time part.
 */
export interface Resource<T extends KubeObject = KubeObject> extends GroupResource {
  readonly version: string
  readonly kind: string
  readonly namespaced: boolean
  readonly objectType?: T
}

/** Name and, for namespaced resources, namespace of one object. */
export interface ObjectKey {
  readonly namespace?: string
  readonly name: string
}

/** `v1`, `apps/v1`. */
export function apiVersionOf(gv: { readonly group: string; readonly version: string }): string {
  return gv.group === '' ? gv.version : `${gv.group}/${gv.version}`
}

/** Splits an apiVersion; undefined when it has more than one slash or is empty. */
export function tryParseApiVersion(apiVersion: string): { group: string; version: string } | undefined {
  const parts = apiVersion.split('/')
  const [first = '', second] = parts
  if (parts.length > 2 || first === '' || second === '') return undefined
  return second === undefined ? { group: '', version: first } : { group: first, version: second }
}

/** Upstream's GroupResource.String(): `pods`, `deployments.apps`. */
export function groupResourceString(resource: GroupResource): string {
  return resource.group === '' ? resource.resource : `${resource.resource}.${resource.group}`
}

/** Upstream's GroupKind.String(): `Pod`, `Deployment.apps`. */
export function groupKindString(kind: GroupKind): string {
  return kind.group === '' ? kind.kind : `${kind.kind}.${kind.group}`
}

/** `/apis/apps/v1/namespaces/ns/deployments/name/status`; every segment is escaped. */
export function resourcePath(
  resource: Pick<Resource, 'group' | 'version' | 'resource' | 'namespaced'>,
  key: { readonly namespace?: string; readonly name?: string },
  subresource?: string,
): string {
  const root = resource.group === '' ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`
  const namespace =
    resource.namespaced && key.namespace !== undefined && key.namespace !== ''
      ? `/namespaces/${encodeURIComponent(key.namespace)}`
      : ''
  const name = key.name === undefined ? '' : `/${encodeURIComponent(key.name)}`
  return `${root}${namespace}/${resource.resource}${name}${subresource === undefined ? '' : `/${subresource}`}`
}
