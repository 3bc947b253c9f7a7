/** apiregistration.k8s.io/v1: APIServices are stored; proxying to them is the aggregator's. */

import { setApiServiceDefaults } from '#apiserver/apis/apiregistration/defaults.ts'
import { validateApiService, validateApiServiceStatus } from '#apiserver/apis/apiregistration/validation.ts'
import type { APIService } from '#machinery/api/apiregistration/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { isPathSegmentName } from '#machinery/meta/validation.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { RequestContext, Strategy } from '../generic/interfaces.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { withStoredMetadata } from '../strategy.ts'
import { apiServiceTable } from './tables.ts'

const check = (object: DeepReadonly<KubeObject>) => validateApiService(object as DeepReadonly<APIService>)

const strategy: Strategy = {
  // The name is bound to spec, which is checked with it: `v1.` is the legacy group's.
  validateName: isPathSegmentName,
  allowUnconditionalUpdate: false,
  prepareForCreate: markLocal,
  validate: check,
  validateUpdate: check,
}

/** What this server serves itself is available at once. */
function markLocal(draft: KubeObject, context: RequestContext): void {
  const service = draft as APIService
  if (service.spec?.service !== undefined) return
  const lastTransitionTime = formatTime(context.clock.now())
  const message = 'Local APIServices are always available'
  service.status = { conditions: [{ type: 'Available', status: 'True', lastTransitionTime, reason: 'Local', message }] }
}

export const API_REGISTRATION_GROUP: ResourceGroup = {
  group: 'apiregistration.k8s.io',
  version: 'v1',
  resources: [
    {
      resource: 'apiservices',
      kind: 'APIService',
      namespaced: false,
      categories: ['api-extensions'],
      status: withStoredMetadata({
        validateUpdate: (object) => validateApiServiceStatus(object as DeepReadonly<APIService>),
      }),
      defaults: setApiServiceDefaults,
      strategy,
      table: apiServiceTable,
    },
  ],
}
