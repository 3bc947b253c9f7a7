/**
 * k3s.cattle.io/v1: Addon, one per file of the manifests directory; spec as k3s has it, status is ours.
 * The schema is crds/k3s.cattle.io/addons.yaml. Upstream: k3s-io/k3s pkg/apis/k3s.cattle.io/v1.
 */
import type { Condition, KubeList, KubeObject } from '../../meta/v1.ts'

export interface Addon extends KubeObject {
  spec?: AddonSpec
  status?: AddonStatus
}

export interface AddonSpec {
  /** Absolute path of the file on the server that touched it last. */
  source?: string
  /** SHA-256 of the file, hex. */
  checksum?: string
}

export interface AddonStatus {
  /** `spec.checksum` the rest of the status speaks of. */
  observedChecksum?: string
  lastAppliedTime?: string
  conditions?: Condition[]
  inventory?: AddonInventoryItem[]
  /** Absent when the last attempt succeeded. */
  lastError?: AddonError
  /** Who has the file, where several servers share a datastore. */
  servers?: AddonServer[]
}

/** One server's version of the file. */
export interface AddonServer {
  /** Node name. */
  name: string
  source: string
  checksum: string
  /** RFC 3339 with milliseconds, always UTC: they compare as text. */
  modifiedTime: string
}

/** One object the file owns. */
export interface AddonInventoryItem {
  group: string
  version: string
  kind: string
  namespace?: string
  name: string
  uid?: string
}

export interface AddonError {
  message: string
  /** Position in the file, from 0. */
  documentIndex?: number
  /** From 1. */
  line?: number
}

export type AddonList = KubeList<Addon>
