/** What a process hands to its simulated nodes, and what the parts of a simulated node share. */
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Informer } from '#machinery/informers/shared-informer.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Stage } from './stages/stage.ts'
import type { StageRenderer } from './stages/template.ts'

/** One node to register. Absent facts are chosen. */
export interface SimulatedNodeSpec {
  readonly name: string
  readonly address?: string
  /** Quantities by resource name, over those every simulated node has. */
  readonly capacity?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
}

/** The shape of an event recorder; the controllers' own fits. */
export interface SimulatedEvents {
  record(object: DeepReadonly<KubeObject>, type: 'Normal' | 'Warning', reason: string, message: string): void
}

export interface SimulatedNodesDependencies {
  readonly client: Client
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly events?: SimulatedEvents
  /** Of all Pods, or of those with spec.nodeName. Filled by the caller. */
  readonly pods: Informer<Pod>
  readonly nodes: Informer<Node>
}

export interface SimulatedNodesOptions {
  readonly nodes: readonly SimulatedNodeSpec[]
  /** The Kubernetes version the nodes claim, `v1.36.0`; `-simulated` is appended. */
  readonly version: string
  /** How long the containers of a Job's Pods run when nothing else says so. Default 0. */
  readonly jobDurationMs?: number
  /** Events for containers that start and stop as well, not only for what goes wrong. */
  readonly reportsStarts?: boolean
  /** Played instead of the built-in behaviour: those of Pods if there are any, those of Nodes besides the heartbeats. */
  readonly stages?: { readonly list: readonly Stage[]; readonly render: StageRenderer }
}

export const SIMULATED_LABEL = 'knarr.io/simulated'
/** Prefix of the annotations that steer one Pod or node; docs/simulated-nodes.md lists them. */
export const ANNOTATION_PREFIX = 'simulated.knarr.io/'
