/** Pods and nodes for scheduler tests. */

import type { MutableNodeInfo, PodInfo, Snapshot } from '#controllers/scheduler/framework/interfaces.ts'
import { createNodeInfo } from '#controllers/scheduler/framework/node-info.ts'
import { createPodInfo } from '#controllers/scheduler/framework/pod-info.ts'
import { createSnapshot } from '#controllers/scheduler/framework/snapshot.ts'
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'

export interface PodOptions {
  readonly name?: string
  readonly namespace?: string
  readonly uid?: string
  readonly labels?: Record<string, string>
  /** Of the one container: `{ cpu: '100m' }`. */
  readonly requests?: Record<string, string>
  readonly node?: string
  readonly priority?: number
  readonly spec?: Partial<Pod['spec']>
  readonly status?: Pod['status']
  readonly metadata?: Pod['metadata']
}

let sequence = 0

export function makePod(options: PodOptions = {}): Pod {
  sequence++
  const { name = `pod-${sequence}`, namespace = 'default', labels, requests, node, priority, spec, status } = options
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      namespace,
      uid: options.uid ?? `uid-${name}-${sequence}`,
      ...(labels === undefined ? {} : { labels }),
      ...options.metadata,
    },
    spec: {
      schedulerName: 'default-scheduler',
      ...(node === undefined ? {} : { nodeName: node }),
      ...(priority === undefined ? {} : { priority }),
      ...spec,
      containers: containersOf(spec?.containers ?? [{ name: 'c', image: 'i' }], requests),
    },
    ...(status === undefined ? {} : { status }),
  }
}

export const makePodInfo = (options: PodOptions = {}): PodInfo => createPodInfo(makePod(options))

export interface NodeOptions {
  readonly name?: string
  readonly labels?: Record<string, string>
  /** Default 4 CPUs, 8 GiB, 110 pods. */
  readonly allocatable?: Record<string, string>
  readonly spec?: Node['spec']
  readonly status?: Node['status']
}

/** The first container, with these requests. */
function containersOf(
  containers: Pod['spec']['containers'],
  requests: PodOptions['requests'],
): Pod['spec']['containers'] {
  return containers.map((container, i) =>
    i === 0 && requests !== undefined ? { ...container, resources: { requests } } : container,
  )
}

/** Labelled with its host name. */
export function makeNode({ name = 'node', labels, allocatable, spec, status }: NodeOptions = {}): Node {
  const amounts = { cpu: '4', memory: '8Gi', pods: '110', ...allocatable }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { 'kubernetes.io/hostname': name, ...labels } },
    spec: { ...spec },
    status: { capacity: amounts, allocatable: amounts, ...status },
  }
}

export function makeNodeInfo(options: NodeOptions = {}, pods: readonly (PodOptions | PodInfo)[] = []): MutableNodeInfo {
  const node = makeNode(options)
  const name = node.metadata.name ?? ''
  const infos = pods.map((pod) =>
    'requests' in pod && 'pod' in pod ? pod : makePodInfo({ node: name, ...(pod as PodOptions) }),
  )
  return createNodeInfo(node, infos)
}

export const makeSnapshot = (nodes: readonly MutableNodeInfo[]): Snapshot => createSnapshot(nodes)
