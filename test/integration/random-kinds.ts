/**
 * Random objects and configurations of every built-in kind. KNARR_FUZZ_OBJECTS and KNARR_FUZZ_SEED look further than the
 * default; a failure names the seed of its object.
 */
import type { ResourceDefinition, VersionDefinition } from '#apiserver/registry/generic/interfaces.ts'
import { builtInResources } from '#apiserver/registry/install.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import { schemaFacts } from '#machinery/schema/facts.ts'
import { builtInMergeType } from '#machinery/structured-merge/fact-types.ts'
import type { MergeType } from '#machinery/structured-merge/types.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { JsonObject } from '#machinery/util/types.ts'
import type { Plain } from '#test/support/random-change.ts'
import { thinned, uniqueItems, withoutEmpty, withoutNulls } from '#test/support/random-change.ts'
import { EVERY_API } from '#test/support/registry-config.ts'
import { randomObject, seededRandom } from '#test/support/random-object.ts'

export const OBJECTS = Number(process.env['KNARR_FUZZ_OBJECTS'] ?? 2_000)
export const SEED = Number(process.env['KNARR_FUZZ_SEED'] ?? 1)

export interface Row {
  readonly definition: ResourceDefinition
  readonly version: VersionDefinition
  readonly type: string
  readonly mergeType: MergeType
}

const unused = () => Promise.reject(new Error('not stored'))
const objects = { peek: () => undefined, list: () => [], update: unused, delete: unused }
export const ROWS: readonly Row[] = builtInResources({ objects, config: EVERY_API }).flatMap((definition) =>
  definition.versions.map((version) => {
    const { group, kind } = definition
    const type = schemaFacts().typeOfKind(group, version.version, kind)
    const mergeType = builtInMergeType(group, version.version, kind)
    if (type === undefined || mergeType === undefined) throw new Error(`no facts of ${kind}`)
    return { definition, version, type, mergeType }
  }),
)

/** Each with its own seed: the property, the object and what it is compared with all follow from it. */
export function everyObject(property: (row: Row, random: () => number) => void, rows: readonly Row[] = ROWS): void {
  for (let i = 0; i < OBJECTS; i++) {
    const row = rows[i % rows.length] as Row
    try {
      property(row, seededRandom(SEED * 1_000_003 + i))
    } catch (err) {
      throw new Error(`object ${i} of seed ${SEED}: ${row.definition.kind} ${row.version.version}`, { cause: err })
    }
  }
}

export function objectOf({ definition, version, type }: Row, random: () => number): KubeObject & JsonObject {
  const apiVersion = apiVersionOf({ group: definition.group, version: version.version })
  const object = { kind: definition.kind, apiVersion, ...randomObject(type, random) } as unknown as KubeObject
  object.metadata ??= {}
  delete object.metadata.managedFields
  return object as KubeObject & JsonObject
}

/** The same or another object of the kind, with members gone. */
export function otherOf(row: Row, object: KubeObject & JsonObject, random: () => number): KubeObject & JsonObject {
  const base = random() < 0.5 ? object : objectOf(row, random)
  const other = deepCopy(thinned(row.mergeType, base, random, 0.3))
  other.metadata ??= {}
  return other
}

const IDENTITY = ['name', 'namespace', 'uid', 'creationTimestamp', 'selfLink', 'generation', 'resourceVersion']

/** What people apply: no status, nothing of the server's own, names in what merges by name. */
export function configOf(row: Row, random: () => number): KubeObject & JsonObject {
  const config = withoutNulls(objectOf(row, random))
  delete config['status']
  const metadata = config.metadata as unknown as Plain
  for (const name of IDENTITY) delete metadata[name]
  metadata['name'] = 'x'
  uniqueItems(row.type, config)
  return withoutEmpty(config) as KubeObject & JsonObject
}
