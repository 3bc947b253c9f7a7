/** Who a controller is to the API server. The same shape as the server's UserInfo, which controllers may not import. */

export interface ControllerIdentity {
  readonly name: string
  readonly uid: string
  readonly groups: readonly string[]
  readonly extra: ReadonlyMap<string, readonly string[]>
}

/** Fills the caches all controllers share; its bootstrap ClusterRole of the same name may list and watch everything. */
export const SHARED_INFORMERS_IDENTITY: ControllerIdentity = {
  name: 'system:kube-controller-manager',
  uid: '',
  groups: ['system:authenticated'],
  extra: new Map(),
}
