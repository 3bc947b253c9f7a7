/** internal.apiserver.k8s.io/v1alpha1, off by default. Upstream: pkg/registry/apiserverinternal. */

import {
  storageVersionNameProblems,
  validateStorageVersionStatus,
} from '#apiserver/apis/apiserverinternal/validation.ts'
import type { StorageVersion } from '#machinery/api/apiserverinternal/v1alpha1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { withStoredMetadata } from '../strategy.ts'
import { AGE, defineTable, NAME, orUnset } from '../table.ts'

type Version = DeepReadonly<StorageVersion>

const SERVERS_SHOWN = 3

export const API_SERVER_INTERNAL_GROUP: ResourceGroup = {
  group: 'internal.apiserver.k8s.io',
  version: 'v1alpha1',
  resources: [
    {
      resource: 'storageversions',
      kind: 'StorageVersion',
      namespaced: false,
      status: withStoredMetadata({ validateUpdate: (object) => validateStorageVersionStatus(object as Version) }),
      strategy: { allowUnconditionalUpdate: false, validateName: storageVersionNameProblems },
      table: defineTable([
        NAME,
        { name: 'CommonEncodingVersion', value: ({ status }: Version) => orUnset(status?.commonEncodingVersion) },
        { name: 'StorageVersions', value: (version: Version) => servers(version) },
        AGE,
      ]),
    },
  ],
}

function servers({ status }: Version): string {
  const all = status?.storageVersions ?? []
  const shown = all
    .slice(0, SERVERS_SHOWN)
    .map(({ apiServerID, encodingVersion }) => `${apiServerID}=${encodingVersion}`)
  const list = shown.join(',')
  if (all.length === 0) return '<unset>'
  return all.length > SERVERS_SHOWN ? `${list} + ${all.length - SERVERS_SHOWN} more...` : list
}
