/** policy/v1. Upstream: pkg/registry/policy. */

import { validatePodDisruptionBudget, validatePodDisruptionBudgetStatus } from '#apiserver/apis/policy/validation.ts'
import type { PodDisruptionBudget } from '#machinery/api/policy/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ResourceGroup } from '../resource-row.ts'
import { podDisruptionBudgetTable } from './tables.ts'

export const POLICY_GROUP: ResourceGroup = {
  group: 'policy',
  version: 'v1',
  resources: [
    {
      resource: 'poddisruptionbudgets',
      kind: 'PodDisruptionBudget',
      namespaced: true,
      shortNames: ['pdb'],
      status: {
        validateUpdate: (object) => validatePodDisruptionBudgetStatus(object as DeepReadonly<PodDisruptionBudget>),
      },
      emptyStatus: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
      generation: true,
      strategy: {
        allowUnconditionalUpdate: false,
        validate: (object) => validatePodDisruptionBudget(object as DeepReadonly<PodDisruptionBudget>),
        validateUpdate: (object, old) =>
          validatePodDisruptionBudget(
            object as DeepReadonly<PodDisruptionBudget>,
            old as DeepReadonly<PodDisruptionBudget>,
          ),
      },
      table: podDisruptionBudgetTable,
    },
  ],
}
