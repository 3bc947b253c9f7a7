/**
 * Whether the server already stores custom resources in the version their definition names: it takes a change of a
 * CustomResourceDefinition over a moment after it was written, and what is rewritten before stays in the old version.
 * Discovery tells, by a hash of the version. Upstream: apiserver pkg/endpoints/discovery/storageversionhash.go.
 */
import { createHash } from 'node:crypto'
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import type { APIResourceList } from '#machinery/api/meta/v1.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { apiVersionOf, groupResourceString } from '#machinery/meta/resource.ts'

const HASH_BYTES = 8

/** True for everything that is no custom resource. */
export async function storesAsDefined(client: Client, resource: Resource, signal: AbortSignal): Promise<boolean> {
  const { group, version, kind } = resource
  const key = { name: groupResourceString(resource) }
  const crd = await client.get(CUSTOM_RESOURCE_DEFINITIONS, key, { signal }).catch(undefinedIfNotFound)
  const defined = crd?.spec.versions.find(({ storage }) => storage)?.name
  if (defined === undefined) return true
  const { status, body } = await client.raw({
    method: 'GET',
    path: `/apis/${apiVersionOf({ group, version })}`,
    signal,
  })
  const { resources = [] } = (status === 200 ? body : {}) as Partial<APIResourceList>
  const hash = resources.find(({ name }) => name === resource.resource)?.storageVersionHash
  return hash === hashOf(`${group}/${defined}/${kind}`)
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest().subarray(0, HASH_BYTES).toString('base64')
}
