// Generated from the Kubernetes 1.36 API types by machinery/schema/generate. Do not edit.
import type { GroupVersionKind } from '#machinery/api/meta/v1.gen.ts'
import type { KubeList, KubeObject } from '#machinery/api/meta/v1.ts'

export type APIGroupDiscoveryList = KubeList<APIGroupDiscovery>

export interface APIGroupDiscovery extends KubeObject {
  versions?: APIVersionDiscovery[]
}

export interface APIVersionDiscovery {
  version: string
  resources?: APIResourceDiscovery[]
  freshness?: string
}

export interface APIResourceDiscovery {
  resource: string
  responseKind?: GroupVersionKind
  scope: string
  singularResource: string
  verbs: string[]
  shortNames?: string[]
  categories?: string[]
  subresources?: APISubresourceDiscovery[]
}

export interface APISubresourceDiscovery {
  subresource: string
  responseKind?: GroupVersionKind
  acceptedTypes?: GroupVersionKind[]
  verbs: string[]
}
