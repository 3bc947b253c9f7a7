/**
 * Has every object of a resource written again, by an empty server-side apply: what is stored in another version than the
 * current one is replaced, for everything else it is a request that changes nothing.
 *
 * Relies on: pages are read at the newest revision there is, so nothing that existed before `resourceVersion` is missed;
 * an object that is newer has been written in the current version.
 * Upstream: pkg/controller/storageversionmigrator/storageversionmigrator.go runMigration.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { isConflict, isExpired, isNotFound, isStatusError } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import { compareResourceVersions } from '#machinery/meta/resource-version.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const PAGE_LIMIT = 500
/** Writes of one migration under way at the same time. */
const WRITES_AT_ONCE = 10

export interface Rewrite {
  readonly client: Client
  readonly resource: Resource
  /** Objects that are newer are left alone. */
  readonly resourceVersion: string
  readonly fieldManager: string
  readonly signal: AbortSignal
  /** Asked between pages; false ends the work. */
  isWanted(): boolean
}

/** Rejects with the first failure that is neither a lost race nor an object that has gone. */
export async function rewriteAll(rewrite: Rewrite): Promise<void> {
  let token: string | undefined
  do {
    const page = await nextPage(rewrite, token)
    const due = page.items.filter((item) => isDue(item, rewrite.resourceVersion))
    for (let at = 0; at < due.length; at += WRITES_AT_ONCE)
      await Promise.all(due.slice(at, at + WRITES_AT_ONCE).map((item) => rewriteOne(rewrite, item)))
    token = page.token
  } while (token !== undefined && rewrite.isWanted())
}

interface Page {
  readonly items: readonly DeepReadonly<KubeObject>[]
  readonly token: string | undefined
}

/** Rewriting takes longer than history is kept: then the server gives a token that goes on at the present. */
async function nextPage({ client, resource, signal }: Rewrite, token: string | undefined): Promise<Page> {
  const read = (after: string | undefined) =>
    client.list(resource, { limit: PAGE_LIMIT, signal, ...(after === undefined ? {} : { continue: after }) })
  const { items, metadata } = await read(token).catch((err: unknown) => {
    const fresh = isExpired(err) && isStatusError(err) ? err.status.metadata?.continue : undefined
    if (fresh === undefined || fresh === '') throw err
    return read(fresh)
  })
  const next = metadata.continue
  return { items, token: next === '' ? undefined : next }
}

function isDue({ metadata }: DeepReadonly<KubeObject>, resourceVersion: string): boolean {
  const order = compareResourceVersions(metadata.resourceVersion, resourceVersion)
  return order === undefined || order <= 0
}

async function rewriteOne(rewrite: Rewrite, object: DeepReadonly<KubeObject>): Promise<void> {
  const { client, resource, fieldManager, signal } = rewrite
  const { uid = '', resourceVersion = '' } = object.metadata
  // The UID keeps what has gone from being made anew; the resourceVersion makes any other write win.
  const metadata = { uid, resourceVersion }
  const body = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata }
  try {
    await client.patch(resource, objectKeyOf(object), { type: 'apply', body }, { fieldManager, signal })
  } catch (err: unknown) {
    if (!isConflict(err) && !isNotFound(err)) throw err
  }
}
