/** Quotas that keep controllers from making what they want, and are raised or go. */
import { RESOURCE_QUOTAS } from '#machinery/api/core/v1/resources.gen.ts'
import type { ResourceQuota } from '#machinery/api/core/v1/types.gen.ts'
import { NAMESPACE } from '../manifests.ts'
import type { Activity, Tools } from './activity.ts'

const NAMES = ['quota-a', 'quota-b']
const PODS_MAX = 25

export function quotas({ hands }: Tools): Activity {
  const limits = (): Record<string, string> => ({
    pods: `${hands.below(PODS_MAX)}`,
    ...(hands.chance(0.3) ? { services: '3' } : {}),
    ...(hands.chance(0.3) ? { 'count/jobs.batch': '4' } : {}),
    ...(hands.chance(0.3) ? { 'count/replicasets.apps': '8' } : {}),
    ...(hands.chance(0.3) ? { persistentvolumeclaims: '5' } : {}),
  })
  const removeAll = async (): Promise<void> => {
    for (const quota of await hands.all(RESOURCE_QUOTAS)) await hands.remove(RESOURCE_QUOTAS, quota)
  }
  const newQuota = (): ResourceQuota => ({
    apiVersion: 'v1',
    kind: 'ResourceQuota',
    metadata: { name: hands.pick(NAMES) ?? 'quota-a', namespace: NAMESPACE },
    spec: { hard: limits() },
  })
  return {
    name: 'quotas',
    actions: [
      { name: 'create ResourceQuota', weight: 5, run: () => hands.create(RESOURCE_QUOTAS, newQuota()) },
      {
        name: 'change ResourceQuota',
        weight: 4,
        run: () => hands.change(RESOURCE_QUOTAS, () => ({ spec: { hard: limits() } })),
      },
      { name: 'delete ResourceQuota', weight: 2, run: () => hands.delete(RESOURCE_QUOTAS) },
    ],
    heal: removeAll,
  }
}
