/** What an endpoint works on: the request as parsed, and one resource in one served version. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionChain } from '../registry/generic/admission-chain.ts'
import type { ResourceDefinition, ResourceStore, VersionDefinition } from '../registry/generic/interfaces.ts'
import type { CachedObject } from '../storage/cacher/interface.ts'

export interface EndpointScope {
  readonly definition: ResourceDefinition
  readonly version: VersionDefinition
  /** `apps/v1` */
  readonly apiVersion: string
  /** Undefined for virtual resources. */
  readonly store: ResourceStore | undefined
  /** For what is created without being stored. */
  readonly admission: AdmissionChain
  readonly presenter: Presenter
  /** Frames already encoded for other watchers of the same events. */
  readonly frames: FrameCache
  /** The same in protobuf. */
  readonly protobufFrames: FrameCache
}

/** Stored objects as this version shows them. */
export interface Presenter {
  object(cached: CachedObject): DeepReadonly<KubeObject>
  json(cached: CachedObject): Buffer
  /** The object's protobuf message, without the envelope that names its kind. Undefined: the kind has no protobuf form. */
  readonly protobuf: ((cached: CachedObject) => Buffer) | undefined
}

export interface FrameCache {
  get(object: CachedObject, type: string, encode: () => Buffer): Buffer
}

/** The query string as Go's url.Values reads it. */
export interface Query {
  /** The first value; '' when absent. */
  get(name: string): string
  has(name: string): boolean
  all(name: string): readonly string[]
}

/** Which verb on which resource a method and path mean. */
export interface RequestInfo {
  readonly isResourceRequest: boolean
  /** Decoded. */
  readonly path: string
  /** A resource verb, or the lower-case method for other paths. */
  readonly verb: string
  readonly apiGroup: string
  readonly apiVersion: string
  readonly namespace: string
  readonly resource: string
  readonly subresource: string
  readonly name: string
  /** Segments from the resource on: more than three means nobody serves it. */
  readonly depth: number
  /** The name came from a field selector of a list or watch, not from the path. */
  readonly isCollection: boolean
}
