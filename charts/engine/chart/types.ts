// The chart in memory. A loaded chart is never changed: rendering works on copies (see dependencies.ts), and
// compiled templates are cached by file object.

import type { GoMap, GoValue } from '../gotypes/value.ts'

export interface ChartFile {
  /** Relative to the chart's root, '/' separated. */
  readonly path: string
  readonly data: Buffer
}

export interface ChartDependency {
  readonly name: string
  readonly version: string
  readonly repository: string
  readonly condition: string
  readonly tags: readonly string[]
  readonly enabled: boolean
  readonly importValues: readonly GoValue[]
  readonly alias: string
}

export interface ChartMaintainer {
  readonly name: string
  readonly email: string
  readonly url: string
}

export interface ChartMetadata {
  readonly name: string
  readonly home: string
  readonly sources: readonly string[]
  readonly version: string
  readonly description: string
  readonly keywords: readonly string[]
  readonly maintainers: readonly ChartMaintainer[]
  readonly icon: string
  readonly apiVersion: string
  readonly condition: string
  readonly tags: string
  readonly appVersion: string
  readonly deprecated: boolean
  readonly annotations: ReadonlyMap<string, string>
  readonly kubeVersion: string
  readonly dependencies: readonly ChartDependency[]
  readonly type: string
}

export interface Chart {
  readonly metadata: ChartMetadata
  readonly values: GoMap
  readonly schema: Buffer | undefined
  readonly templates: readonly ChartFile[]
  /** Everything else that templates may read through .Files, crds/ included. */
  readonly files: readonly ChartFile[]
  readonly dependencies: readonly Chart[]
  /** Chart.lock or requirements.lock as parsed. */
  readonly lock: GoValue
}
