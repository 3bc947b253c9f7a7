/** What the built-in resources need from the server that serves them. */
import type { IsApiEnabled, IsGateEnabled } from '#apiserver/apis/feature-gates.ts'
import { ALL_GATES_OFF, STABLE_APIS_ON } from '#apiserver/apis/feature-gates.ts'
import type { DeleteOptions, KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { SyncAuthorizer } from '../authorization/chain.ts'
import type { RequestContext, ResourceDefinition, SubresourceDefinition } from './generic/interfaces.ts'

/**
 * Other resources' stores, for the few subresources and hooks that touch a second object (binding, eviction, quota).
 * Late-bound: called while serving, never while the definitions are built.
 */
export interface StoredObjects {
  /** The cached object; undefined when it is not there. */
  peek(group: string, resource: string, namespace: string, name: string): DeepReadonly<KubeObject> | undefined
  /** Every cached object of the namespace ('' = all). */
  list(group: string, resource: string, namespace: string): readonly DeepReadonly<KubeObject>[]
  /**
   * Reads, lets `change` edit a copy (and know its resourceVersion), writes; again on conflict. No admission, no strategy: the caller is the strategy.
   * NotFound when it is gone. Honours context.isDryRun.
   */
  update(
    group: string,
    resource: string,
    namespace: string,
    name: string,
    change: (draft: KubeObject, resourceVersion: string) => void,
    context: RequestContext,
  ): Promise<DeepReadonly<KubeObject>>
  /** The generic delete with its graces, finalizers and preconditions, in the namespace of the request. */
  delete(group: string, resource: string, name: string, options: DeleteOptions, context: RequestContext): Promise<void>
}

export interface RegistryConfig {
  /** CIDR of cluster IPs, or two, one of each IP family, with a comma; the first address is the `kubernetes` service's. */
  readonly serviceCidr: string
  readonly nodePortRange: { readonly first: number; readonly last: number }
  readonly eventTtlSeconds: number
  /** Types of Node addresses, the first a node has is where its kubelet is asked. Absent: DEFAULT_KUBELET_ADDRESS_TYPES. */
  readonly kubeletAddressTypes?: readonly string[]
  readonly isGateEnabled: IsGateEnabled
  /** As --runtime-config says. */
  readonly isApiEnabled: IsApiEnabled
}

/** As k3s sets it; kube-apiserver's own default starts with Hostname, which is of use only where DNS knows the nodes. */
export const DEFAULT_KUBELET_ADDRESS_TYPES: readonly string[] = ['InternalIP', 'ExternalIP', 'Hostname']

export const DEFAULT_REGISTRY_CONFIG: RegistryConfig = {
  serviceCidr: '10.43.0.0/16',
  nodePortRange: { first: 30000, last: 32767 },
  eventTtlSeconds: 3600,
  isGateEnabled: ALL_GATES_OFF,
  isApiEnabled: STABLE_APIS_ON,
}

export interface RegistryDeps {
  readonly objects: StoredObjects
  readonly config: RegistryConfig
  /** For rules about what a writer may do beyond the request; absent: everything. */
  readonly authorizer?: SyncAuthorizer
  /** Resources built elsewhere: CRDs (extensions), reviews (authentication, authorization), rbac. */
  readonly otherResources?: readonly ResourceDefinition[]
  /** Subresources built elsewhere: serviceaccounts/token. */
  extraSubresources?(group: string, resource: string): readonly SubresourceDefinition[]
}
