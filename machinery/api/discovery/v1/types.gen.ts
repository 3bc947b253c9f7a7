// Generated from the Kubernetes 1.36 API types by machinery/schema/generate. Do not edit.
import type { ObjectReference } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeList, KubeObject } from '#machinery/api/meta/v1.ts'

export interface EndpointSlice extends KubeObject {
  addressType: string
  endpoints?: Endpoint[]
  ports?: EndpointPort[]
}

export interface Endpoint {
  addresses: string[]
  conditions?: EndpointConditions
  hostname?: string
  targetRef?: ObjectReference
  deprecatedTopology?: Record<string, string>
  nodeName?: string
  zone?: string
  hints?: EndpointHints
}

export interface EndpointConditions {
  ready?: boolean
  serving?: boolean
  terminating?: boolean
}

export interface EndpointHints {
  forZones?: ForZone[]
  forNodes?: ForNode[]
}

export interface ForZone {
  name: string
}

export interface ForNode {
  name: string
}

export interface EndpointPort {
  name?: string
  protocol?: string
  port?: number
  appProtocol?: string
}

export type EndpointSliceList = KubeList<EndpointSlice>
