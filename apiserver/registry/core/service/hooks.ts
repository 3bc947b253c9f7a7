/** Where the store meets the allocations of services. Upstream: pkg/registry/core/service/storage/storage.go. */

import type { FrozenService } from '#apiserver/apis/core/service/facts.ts'
import type { Service } from '#machinery/api/core/v1/types.gen.ts'
import type { RegistryDeps } from '../../deps.ts'
import type { StoreHooks } from '../../generic/interfaces.ts'
import { ServiceAllocations } from './allocations.ts'

export function serviceHooks(deps: RegistryDeps): StoreHooks {
  const allocations = new ServiceAllocations(deps)
  return {
    beginCreate: (draft, context) => allocations.create(draft as Service, context),
    beginUpdate: (draft, old, context) => allocations.update(draft as Service, old as FrozenService, context),
    afterDelete(object) {
      allocations.release(object as FrozenService)
    },
  }
}
