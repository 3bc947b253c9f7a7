/** ReplicaSets and ReplicationControllers are one controller over two kinds: what differs between them. */
import { REPLICA_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { ReplicaSet, ReplicaSetStatus } from '#machinery/api/apps/v1/types.gen.ts'
import { REPLICATION_CONTROLLERS } from '#machinery/api/core/v1/resources.gen.ts'
import type { ReplicationController } from '#machinery/api/core/v1/types.gen.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import type { LabelSelectorMatcher } from '#machinery/selectors/label.ts'
import { labelSelectorAsMatcher, matcherOfSet } from '#machinery/selectors/label.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { REPLICA_SET_CONTROLLER, REPLICATION_CONTROLLER } from '../manager/names.ts'

/** Equal but for the selector, which only `selectorOf` reads; a ReplicationController's status lacks terminatingReplicas. */
export type ReplicaOwner = ReplicaSet | ReplicationController

export interface ReplicaKind {
  readonly controller: string
  readonly resource: Resource<ReplicaOwner>
  readonly countsTerminating: boolean
  selectorOf(owner: DeepReadonly<ReplicaOwner>): LabelSelectorMatcher
}

export type ReplicaStatus = ReplicaSetStatus

export const REPLICA_SET_KIND: ReplicaKind = {
  controller: REPLICA_SET_CONTROLLER,
  resource: REPLICA_SETS as Resource<ReplicaOwner>,
  countsTerminating: true,
  selectorOf: ({ spec }) => labelSelectorAsMatcher((spec as ReplicaSet['spec'])?.selector),
}

export const REPLICATION_CONTROLLER_KIND: ReplicaKind = {
  controller: REPLICATION_CONTROLLER,
  resource: REPLICATION_CONTROLLERS as Resource<ReplicaOwner>,
  countsTerminating: false,
  selectorOf: ({ spec }) => matcherOfSet((spec as ReplicationController['spec'])?.selector),
}
