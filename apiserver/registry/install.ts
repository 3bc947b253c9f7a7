/**
 * Every built-in resource of Kubernetes 1.36's GA groups and the few of its alpha and beta versions that are here, as
 * definitions the server can register. One line per group.
 * Upstream: pkg/controlplane/instance.go (the storage providers).
 */
import { STABLE_APIS_ON } from '#apiserver/apis/feature-gates.ts'
import { ADMISSION_REGISTRATION_GROUP } from './admissionregistration/install.ts'
import { API_REGISTRATION_GROUP } from './apiregistration/install.ts'
import { API_SERVER_INTERNAL_GROUP } from './apiserverinternal/install.ts'
import { APPS_GROUP } from './apps/install.ts'
import { AUTOSCALING_GROUP } from './autoscaling/install.ts'
import { BATCH_GROUP } from './batch/install.ts'
import { CERTIFICATES_GROUP } from './certificates/install.ts'
import { COORDINATION_GROUP } from './coordination/install.ts'
import { CORE_GROUP } from './core/install.ts'
import type { RegistryDeps } from './deps.ts'
import { DISCOVERY_GROUP } from './discovery/install.ts'
import { EVENTS_GROUP } from './events/install.ts'
import { FLOW_CONTROL_GROUP } from './flowcontrol/install.ts'
import { NETWORKING_GROUP } from './networking/install.ts'
import { NODE_GROUP } from './node/install.ts'
import { POLICY_GROUP } from './policy/install.ts'
import { RESOURCE_GROUP } from './resource/install.ts'
import type { BuiltInResource, ResourceGroup } from './resource-row.ts'
import { defineGroup } from './resource-row.ts'
import { SCHEDULING_GROUP } from './scheduling/install.ts'
import { STORAGE_GROUP } from './storage/install.ts'
import { STORAGE_MIGRATION_GROUP } from './storagemigration/install.ts'

const GROUPS: readonly ResourceGroup[] = [
  CORE_GROUP,
  API_REGISTRATION_GROUP,
  APPS_GROUP,
  EVENTS_GROUP,
  AUTOSCALING_GROUP,
  BATCH_GROUP,
  CERTIFICATES_GROUP,
  NETWORKING_GROUP,
  POLICY_GROUP,
  STORAGE_GROUP,
  ADMISSION_REGISTRATION_GROUP,
  SCHEDULING_GROUP,
  COORDINATION_GROUP,
  NODE_GROUP,
  DISCOVERY_GROUP,
  FLOW_CONTROL_GROUP,
  RESOURCE_GROUP,
  API_SERVER_INTERNAL_GROUP,
  STORAGE_MIGRATION_GROUP,
]

/** Definitions in the order discovery lists their groups; `deps.otherResources` are appended as they are. */
export function builtInResources(deps: RegistryDeps): BuiltInResource[] {
  return withEquivalents([...GROUPS.flatMap((group) => defineGroup(group, deps)), ...(deps.otherResources ?? [])])
}

/**
 * Resources of several groups that are one in the store know of each other. Upstream: the EquivalentResourceRegistry goes by the
 * storage's prefix, which in 1.36 core and events.k8s.io events share, and no others.
 */
function withEquivalents(definitions: readonly BuiltInResource[]): BuiltInResource[] {
  const storeOf = ({ group, resource, storedWith }: BuiltInResource): string =>
    storedWith === undefined ? `${group}/${resource}` : `${storedWith.group}/${storedWith.resource}`
  const shared = new Set(definitions.filter(({ storedWith }) => storedWith !== undefined).map(storeOf))
  const linked: BuiltInResource[] = definitions.map((definition) => {
    const store = storeOf(definition)
    if (!shared.has(store)) return definition
    const isOther = (other: BuiltInResource): boolean => other.group !== definition.group && storeOf(other) === store
    return { ...definition, equivalents: () => linked.filter(isOther) }
  })
  return linked
}

/** A resource in an alpha or beta version, which is served only when asked for. */
export interface OptionalApi {
  readonly group: string
  readonly version: string
  readonly resource: string
  /** What must be on besides. */
  readonly featureGate?: string
}

export function optionalApis(): OptionalApi[] {
  return GROUPS.flatMap(({ group, version, resources }) =>
    resources
      .filter(({ resource }) => !STABLE_APIS_ON(group, version, resource))
      .map(({ resource, featureGate }) => ({
        group,
        version,
        resource,
        ...(featureGate === undefined ? {} : { featureGate }),
      })),
  )
}
