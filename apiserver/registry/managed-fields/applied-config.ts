/** What an applied configuration must be before anything is merged. Upstream: internal/{versioncheck,structuredmerge}.go. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newBadRequest, newInternalError } from '#machinery/meta/errors.ts'
import type { Versions } from '#machinery/structured-merge/managers.ts'
import { validateConfig } from '#machinery/structured-merge/validate.ts'
import { assert } from '#machinery/util/assert.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export function checkConfig(
  versions: Versions,
  config: DeepReadonly<KubeObject>,
  apiVersion: string,
  kind: string,
): void {
  const { apiVersion: sent = '', kind: sentKind = '' } = config
  if (sent !== apiVersion || sentKind !== kind) {
    throw newBadRequest(`invalid object type: ${groupVersionText(sent)}, Kind=${sentKind}`)
  }
  const { managedFields, name = '', namespace = '' } = config.metadata
  if (managedFields !== undefined && managedFields !== null) throw newBadRequest('metadata.managedFields must be nil')
  const version = versions.typeOf(apiVersion)
  assert(version !== undefined, 'a configuration is applied in a version that is served')
  const problem = validateConfig(version.type, config)
  if (problem === undefined) return
  const what = `${namespace}/${name}; ${groupVersionText(apiVersion)}, Kind=${kind}`
  throw newInternalError(`failed to create typed patch object (${what}): ${problem}`)
}

/** As Go prints the group and version of a GroupVersionKind, the core group being empty. */
const groupVersionText = (apiVersion: string): string => (apiVersion.includes('/') ? apiVersion : `/${apiVersion}`)
