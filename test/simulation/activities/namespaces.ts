/** Namespaces that are filled, and deleted while what is in them is still being made. */
import { DAEMON_SETS, DEPLOYMENTS, STATEFUL_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import { JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import { CONFIG_MAPS, NAMESPACES, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import { POD_DISRUPTION_BUDGETS } from '#machinery/api/policy/v1/resources.gen.ts'
import { Manifests } from '../manifests.ts'
import type { Activity, Tools } from './activity.ts'

export const TEMPORARY_NAMESPACES = ['busy-0', 'busy-1']

export function namespaces({ hands, world }: Tools): Activity {
  const manifests = new Map(TEMPORARY_NAMESPACES.map((name) => [name, new Manifests(world, name)]))
  const pick = (): string => hands.pick(TEMPORARY_NAMESPACES) ?? 'busy-0'
  const make = async (name: string): Promise<void> => {
    const its = manifests.get(name)
    if (its === undefined) return
    const kinds = [
      () => hands.create(DEPLOYMENTS, its.deployment()),
      () => hands.create(STATEFUL_SETS, its.statefulSet()),
      () => hands.create(DAEMON_SETS, its.daemonSet()),
      () => hands.create(JOBS, its.job()),
      () => hands.create(SERVICES, its.service()),
      () => hands.create(POD_DISRUPTION_BUDGETS, its.podDisruptionBudget()),
      () => hands.create(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: name } }),
    ]
    for (let i = 0; i < 3; i++) await hands.pick(kinds)?.()
  }
  const fill = async (): Promise<void> => {
    const name = pick()
    await hands.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} })
    await make(name)
  }
  const remove = (name: string) => hands.remove(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  return {
    name: 'namespaces',
    actions: [
      { name: 'fill a namespace', weight: 6, run: fill },
      { name: 'make more in a namespace', weight: 3, run: () => make(pick()) },
      { name: 'delete a namespace', weight: 5, disturbs: true, run: () => remove(pick()) },
    ],
    end: async () => {
      for (const name of TEMPORARY_NAMESPACES) await remove(name)
    },
  }
}
