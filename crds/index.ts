/**
 * knarr's own CustomResourceDefinitions. The YAML files in this folder are the source of truth; definitions.gen.json is
 * the same as JSON, so that start-up does not parse YAML (index.test.ts proves that it is fresh).
 */
import { isDeepStrictEqual } from 'node:util'
import type { CustomResourceDefinition } from '#machinery/api/apiextensions/v1/types.gen.ts'
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isAlreadyExists, isConflict, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import definitions from './definitions.gen.json' with { type: 'json' }

const ATTEMPTS_MAX = 5

/** Fresh copies. */
export function ownCustomResourceDefinitions(): CustomResourceDefinition[] {
  return structuredClone(definitions) as CustomResourceDefinition[]
}

/** Creates what is missing and updates what differs. Idempotent; safe beside other servers that do the same. */
export async function installOwnCrds(client: Client, signal?: AbortSignal): Promise<void> {
  await Promise.all(ownCustomResourceDefinitions().map((crd) => installCrd(client, crd, signal)))
}

async function installCrd(client: Client, crd: CustomResourceDefinition, signal?: AbortSignal): Promise<void> {
  const name = crd.metadata.name ?? ''
  const options = signal === undefined ? {} : { signal }
  for (let attempt = 1; ; attempt++) {
    try {
      const existing = await client.get(CUSTOM_RESOURCE_DEFINITIONS, { name }, options).catch(undefinedIfNotFound)
      if (existing === undefined) {
        await client.create(CUSTOM_RESOURCE_DEFINITIONS, crd, options)
      } else if (!isInstalled(existing.spec, crd.spec)) {
        const draft = structuredClone(existing) as CustomResourceDefinition
        draft.spec = crd.spec
        await client.update(CUSTOM_RESOURCE_DEFINITIONS, draft, options)
      }
      return
    } catch (err: unknown) {
      if (attempt >= ATTEMPTS_MAX || !(isAlreadyExists(err) || isConflict(err))) throw err
    }
  }
}

/** The server adds defaults the files do not spell out. */
function isInstalled(existing: unknown, wanted: CustomResourceDefinition['spec']): boolean {
  return isDeepStrictEqual(existing, { conversion: { strategy: 'None' }, ...wanted })
}
