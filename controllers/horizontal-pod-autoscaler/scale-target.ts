/** The scale subresource of what an autoscaler points at. Upstream: horizontal.go scaleForResourceMappings. */
import type { Scale } from '#machinery/api/autoscaling/v1/types.gen.ts'
import type { CrossVersionObjectReference } from '#machinery/api/autoscaling/v2/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { RestMapper } from '#machinery/client/rest-mapper.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { isConflict } from '#machinery/meta/errors.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { tryParseApiVersion } from '#machinery/meta/resource.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export interface ScaleTarget {
  readonly resource: Resource<Scale>
  readonly scale: DeepReadonly<Scale>
}

/** Throws an Error with upstream's text: for the condition, and with what it was doing for the log. */
export async function readScale(
  client: Client,
  mapper: RestMapper,
  { apiVersion = 'v1', kind, name }: DeepReadonly<CrossVersionObjectReference>,
  namespace: string,
  signal: AbortSignal,
): Promise<ScaleTarget> {
  const version = tryParseApiVersion(apiVersion)
  if (version === undefined) throw new Error(`unexpected GroupVersion string: ${apiVersion}`)
  const { group } = version
  const exact = await mapper.resourceFor({ ...version, kind }, signal)
  const resource =
    exact ?? (await mapper.resources(signal)).find((other) => other.group === group && other.kind === kind)
  if (resource === undefined) throw new Error(`no matches for kind "${kind}" in group "${group}"`)
  const scaled = resource as Resource as Resource<Scale>
  return { resource: scaled, scale: await client.get(scaled, { namespace, name }, { subresource: 'scale', signal }) }
}

/** How often a write is tried on a scale that others change. Upstream: client-go retry.DefaultRetry. */
const WRITES_MAX = 5

/** A scale that somebody else has changed meanwhile is read again: what is wanted of it does not depend on what it was. */
export async function writeScale(
  client: Client,
  { resource, scale }: ScaleTarget,
  replicas: number,
  signal: AbortSignal,
): Promise<void> {
  let draft = deepCopy<Scale>(scale)
  for (let writes = 1; ; writes++) {
    draft.spec = { ...draft.spec, replicas }
    try {
      await client.update(resource, draft, { subresource: 'scale', signal })
      return
    } catch (err: unknown) {
      if (!isConflict(err) || writes === WRITES_MAX) throw err
      draft = deepCopy<Scale>(await client.get(resource, objectKeyOf(draft), { subresource: 'scale', signal }))
    }
  }
}
