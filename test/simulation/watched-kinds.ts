/** What the observer keeps of everything that is written: the kinds that users make and what is made of them. */
import {
  CONTROLLER_REVISIONS,
  DAEMON_SETS,
  DEPLOYMENTS,
  REPLICA_SETS,
  STATEFUL_SETS,
} from '#machinery/api/apps/v1/resources.gen.ts'
import { HORIZONTAL_POD_AUTOSCALERS } from '#machinery/api/autoscaling/v2/resources.gen.ts'
import { CRON_JOBS, JOBS } from '#machinery/api/batch/v1/resources.gen.ts'
import {
  NAMESPACES,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
  PODS,
  REPLICATION_CONTROLLERS,
  RESOURCE_QUOTAS,
  SERVICES,
} from '#machinery/api/core/v1/resources.gen.ts'
import { ENDPOINT_SLICES } from '#machinery/api/discovery/v1/resources.gen.ts'
import { POD_DISRUPTION_BUDGETS } from '#machinery/api/policy/v1/resources.gen.ts'
import type { GroupResource } from '#machinery/meta/resource.ts'

const WATCHED: readonly GroupResource[] = [
  CONTROLLER_REVISIONS,
  DAEMON_SETS,
  DEPLOYMENTS,
  REPLICA_SETS,
  STATEFUL_SETS,
  CRON_JOBS,
  HORIZONTAL_POD_AUTOSCALERS,
  JOBS,
  NAMESPACES,
  NODES,
  PERSISTENT_VOLUME_CLAIMS,
  PERSISTENT_VOLUMES,
  PODS,
  REPLICATION_CONTROLLERS,
  RESOURCE_QUOTAS,
  SERVICES,
  ENDPOINT_SLICES,
  POD_DISRUPTION_BUDGETS,
]

export const prefixOf = ({ group, resource }: GroupResource): string =>
  group === '' ? `/registry/${resource}/` : `/registry/${group}/${resource}/`

const PREFIXES = new Set(WATCHED.map(prefixOf))

export const isWatched = (prefix: string): boolean => PREFIXES.has(prefix)

export function prefixOfKey(key: string): string {
  const [, registry, first, second] = key.split('/')
  const core = `/${registry}/${first}/`
  return PREFIXES.has(core) ? core : `/${registry}/${first}/${second}/`
}
