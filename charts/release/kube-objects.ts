/**
 * The live side of a release: bring the objects of a manifest into being, change them, remove them, with Helm's ownership
 * marks and checks. Client-side three-way merge, which Helm calls "csa".
 * Upstream: helm pkg/kube/client.go, pkg/action/validate.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import type { DiscoveredResource } from '#machinery/client/discovery.ts'
import type { RestMapper } from '#machinery/client/rest-mapper.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { ObjectKey } from '#machinery/meta/resource.ts'
import { apiVersionOf, tryParseApiVersion } from '#machinery/meta/resource.ts'
import { createThreeWayMergePatch } from '#machinery/patch/merge-patch.ts'
import { createThreeWayStrategicMergePatch } from '#machinery/patch/strategic-diff.ts'
import { builtInSchema } from '#machinery/schema/builtin.ts'
import { deepCopy, isObject } from '#machinery/util/json.ts'
import type { DeepReadonly, JsonObject } from '#machinery/util/types.ts'
import { parseYamlDocuments } from '#machinery/yaml/yaml.ts'

export interface ReleaseIdentity {
  readonly name: string
  readonly namespace: string
}

export interface KubeDependencies {
  readonly client: Client
  readonly mapper: RestMapper
}

/** An object of a manifest with the resource that serves it. */
export interface MappedObject {
  readonly object: DeepReadonly<KubeObject>
  readonly resource: DiscoveredResource
  readonly key: ObjectKey
}

const FIELD_MANAGER = 'helm'
const MANAGED_BY = 'app.kubernetes.io/managed-by'
const RELEASE_NAME = 'meta.helm.sh/release-name'
const RELEASE_NAMESPACE = 'meta.helm.sh/release-namespace'
const RESOURCE_POLICY = 'helm.sh/resource-policy'

/** Parses YAML documents into objects; `source` is for the error text. Lists are flattened. */
export function parseObjects(yaml: string, source: string): KubeObject[] {
  return parseYamlDocuments(yaml).flatMap(({ value }) => objectsIn(value, source))
}

function objectsIn(value: unknown, source: string): KubeObject[] {
  if (value === null || value === undefined) return []
  if (!isObject(value) || typeof value['apiVersion'] !== 'string' || typeof value['kind'] !== 'string') {
    throw new Error(`${source}: a rendered document is no Kubernetes object (apiVersion or kind is missing)`)
  }
  if (value['kind'].endsWith('List') && Array.isArray(value['items']))
    return value['items'].flatMap((item) => objectsIn(item, source))
  return [value as unknown as KubeObject]
}

/** Throws for a kind nobody serves, with Helm's text. */
export async function mapObject(
  { mapper }: KubeDependencies,
  object: KubeObject,
  namespace: string,
  signal: AbortSignal,
): Promise<MappedObject> {
  const groupVersion = tryParseApiVersion(object.apiVersion)
  const kind = { ...(groupVersion ?? { group: '', version: object.apiVersion }), kind: object.kind }
  const resource = await mapper.resourceFor(kind, signal)
  if (resource === undefined) {
    throw new Error(
      `resource mapping not found for name: "${object.metadata?.name ?? ''}" namespace: "${object.metadata?.namespace ?? ''}": ` +
        `no matches for kind "${kind.kind}" in version "${apiVersionOf(kind)}": ensure CRDs are installed first`,
    )
  }
  const placed = deepCopy<KubeObject>(object)
  placed.metadata ??= {}
  if (resource.namespaced) placed.metadata.namespace ||= namespace
  else delete placed.metadata.namespace
  const { name = '', namespace: place } = placed.metadata
  return { object: placed, resource, key: place === undefined ? { name } : { namespace: place, name } }
}

/** Throws when a live object of that name belongs to somebody else. */
export async function checkOwnership(
  { client }: KubeDependencies,
  items: readonly MappedObject[],
  release: ReleaseIdentity,
  signal: AbortSignal,
): Promise<void> {
  const present = await Promise.all(
    items.map(({ resource, key }) => client.get(resource, key, { signal }).catch(undefinedIfNotFound)),
  )
  for (const [index, { resource, key }] of items.entries()) {
    const live = present[index]
    const problems = live === undefined ? [] : ownershipProblems(live, release)
    if (problems.length === 0) continue
    const where = key.namespace === undefined ? '' : ` in namespace "${key.namespace}"`
    throw new Error(
      `Unable to continue with install: ${resource.kind} "${key.name}"${where} exists and cannot be imported into the current release: ` +
        `invalid ownership metadata; ${problems.join('; ')}`,
    )
  }
}

function ownershipProblems(live: DeepReadonly<KubeObject>, release: ReleaseIdentity): string[] {
  const { labels = {}, annotations = {} } = live.metadata
  const rows = [
    ['label', labels, MANAGED_BY, 'Helm'],
    ['annotation', annotations, RELEASE_NAME, release.name],
    ['annotation', annotations, RELEASE_NAMESPACE, release.namespace],
  ] as const
  return rows.flatMap(([what, present, name, wanted]) => {
    const value = present[name]
    if (value === wanted) return []
    const why =
      value === undefined
        ? `missing key "${name}": must be set to "${wanted}"`
        : `key "${name}" must equal "${wanted}": current value is "${value}"`
    return [`${what} validation error: ${why}`]
  })
}

/** The object as Helm writes it to the cluster; the stored manifest stays without these marks. */
function withOwnershipMarks(object: DeepReadonly<KubeObject>, release: ReleaseIdentity): KubeObject {
  const marked = deepCopy<KubeObject>(object)
  marked.metadata.labels = { ...marked.metadata.labels, [MANAGED_BY]: 'Helm' }
  marked.metadata.annotations = {
    ...marked.metadata.annotations,
    [RELEASE_NAME]: release.name,
    [RELEASE_NAMESPACE]: release.namespace,
  }
  return marked
}

/** Creates it, or patches what is there three-way against `previous`, the same object of the revision before. */
export async function createOrPatch(
  { client }: KubeDependencies,
  item: MappedObject,
  previous: DeepReadonly<KubeObject> | undefined,
  release: ReleaseIdentity,
  signal: AbortSignal,
): Promise<void> {
  const { resource, key } = item
  const desired = withOwnershipMarks(item.object, release)
  const live = await client.get(resource, key, { signal }).catch(undefinedIfNotFound)
  if (live === undefined) {
    await client.create(resource, desired, { fieldManager: FIELD_MANAGER, signal })
    return
  }
  const original = (previous === undefined ? {} : withOwnershipMarks(previous, release)) as unknown as JsonObject
  const modified = desired as unknown as JsonObject
  const current = live as unknown as JsonObject
  const schema = builtInSchema(resource.group, resource.version, resource.kind)?.strategicMerge
  const body = (
    schema === undefined
      ? createThreeWayMergePatch(original, modified, current)
      : createThreeWayStrategicMergePatch(original, modified, current, schema)
  ) as object
  if (Object.keys(body).length === 0) return
  await client.patch(
    resource,
    key,
    { type: schema === undefined ? 'merge' : 'strategic', body },
    { fieldManager: FIELD_MANAGER, signal },
  )
}

/** Deletes in the background; objects of others and those with `helm.sh/resource-policy: keep` stay. Returns false for those. */
export async function deleteOwned(
  { client }: KubeDependencies,
  { resource, key }: MappedObject,
  release: ReleaseIdentity,
  signal: AbortSignal,
): Promise<boolean> {
  const live = await client.get(resource, key, { signal }).catch(undefinedIfNotFound)
  if (live === undefined) return true
  const policy = live.metadata.annotations?.[RESOURCE_POLICY]?.trim().toLowerCase()
  if (policy === 'keep' || ownershipProblems(live, release).length > 0) return false
  await client.delete(resource, key, { propagationPolicy: 'Background', signal }).catch(undefinedIfNotFound)
  return true
}
