/**
 * Where the store meets the allocations of services; a deleted service takes its Endpoints with it.
 * Upstream: pkg/registry/core/service/storage/storage.go.
 */

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
    async afterDelete(object, context) {
      allocations.release(object as FrozenService)
      const { namespace = '', name = '' } = object.metadata
      if (deps.objects.peek('', 'endpoints', namespace, name) === undefined) return
      // Now, so that the name's next service does not start with them. Should it fail, endpoints-controller deletes them.
      await deps.objects.delete('', 'endpoints', name, {}, context).catch(() => undefined)
    },
  }
}
