/**
 * A release as Helm stores it: the JSON inside `sh.helm.release.v1.*` Secrets, readable and writable by real Helm 3 and 4.
 * Upstream: helm pkg/release/v1.
 */
import type { JsonObject } from '#machinery/util/types.ts'

export type ReleaseStatus =
  | 'unknown'
  | 'deployed'
  | 'uninstalled'
  | 'superseded'
  | 'failed'
  | 'uninstalling'
  | 'pending-install'
  | 'pending-upgrade'
  | 'pending-rollback'

export interface ReleaseInfo {
  first_deployed: string
  last_deployed: string
  /** '' while the release is not deleted: Helm 3 writes it so. */
  deleted: string
  description: string
  status: ReleaseStatus
  notes?: string
}

/** A file of the chart; `data` is base64, as Go encodes []byte. */
export interface RecordedFile {
  name: string
  data: string
}

/** Without dependencies: Helm does not store them either. */
export interface RecordedChart {
  metadata: JsonObject
  lock: JsonObject | null
  templates: RecordedFile[]
  values: JsonObject
  schema: string | null
  files: RecordedFile[]
}

export interface RecordedHook {
  name: string
  kind: string
  path: string
  manifest: string
  events: string[]
  last_run: { started_at?: string; completed_at?: string; phase: string }
  weight?: number
  delete_policies?: string[]
}

export interface Release {
  name: string
  info: ReleaseInfo
  chart: RecordedChart
  /** The values the user gave. */
  config?: JsonObject
  manifest: string
  hooks?: RecordedHook[]
  version: number
  namespace: string
  apply_method?: string
}

/** A release with the labels of the object that holds it: Helm keeps those outside the JSON. */
export interface StoredRelease {
  readonly release: Release
  readonly labels: Readonly<Record<string, string>>
}

export const PENDING: ReadonlySet<ReleaseStatus> = new Set(['pending-install', 'pending-upgrade', 'pending-rollback'])
