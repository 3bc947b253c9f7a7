/** Files of one volume that would overwrite one another. Upstream: pkg/api/pod/warnings.go warningsForOverlappingVirtualPaths. */
import type { Volume, VolumeProjection } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type Items = readonly { readonly path?: string }[]

export function overlapWarnings(volumes: readonly DeepReadonly<Volume>[]): string[] {
  const warnings: string[] = []
  for (const { name, configMap, secret, downwardAPI, projected } of volumes) {
    const volume = `volume ${JSON.stringify(name)}`
    if (configMap?.items !== undefined) {
      const message = `${volume} (ConfigMap ${JSON.stringify(configMap.name ?? '')}): overlapping paths`
      warnOfOverlaps(warnings, pathsOf(configMap.items), message)
    }
    if (secret?.items !== undefined) {
      const message = `${volume} (Secret ${JSON.stringify(secret.secretName ?? '')}): overlapping paths`
      warnOfOverlaps(warnings, pathsOf(secret.items), message)
    }
    if (downwardAPI?.items !== undefined) {
      warnOfOverlaps(warnings, pathsOf(downwardAPI.items), `${volume} (DownwardAPI): overlapping paths`)
    }
    if (projected !== undefined) warnOfProjected(warnings, volume, projected.sources ?? [])
  }
  return warnings
}

/** Where a path comes from; '' when the volume has one source only. */
interface SourcedPath {
  readonly path: string
  readonly source: string
}

function warnOfProjected(warnings: string[], volume: string, sources: readonly DeepReadonly<VolumeProjection>[]): void {
  const all: SourcedPath[] = []
  for (const source of sources) {
    if (Object.keys(source).length === 0) warnings.push(`${volume} (Projected) has no sources provided`)
    else warnOfOverlaps(warnings, sourcedPaths(source), `${volume} (Projected): overlapping paths`, all)
  }
}

function sourcedPaths(projection: DeepReadonly<VolumeProjection>): SourcedPath[] {
  const { configMap, secret, downwardAPI, serviceAccountToken: token, clusterTrustBundle: bundle } = projection
  const quoted = (name = ''): string => JSON.stringify(name)
  if (configMap?.items !== undefined) return pathsOf(configMap.items, `ConfigMap ${quoted(configMap.name)}`)
  if (secret?.items !== undefined) return pathsOf(secret.items, `Secret ${quoted(secret.name)}`)
  if (downwardAPI?.items !== undefined) return pathsOf(downwardAPI.items, 'DownwardAPI')
  if (token !== undefined) return pathsOf([token], 'ServiceAccountToken')
  if (bundle !== undefined) return pathsOf([bundle], `ClusterTrustBundle ${quoted(bundle.name ?? bundle.signerName)}`)
  return certificatePaths(projection.podCertificate)
}

const certificatePaths = (certificate: DeepReadonly<VolumeProjection>['podCertificate']): SourcedPath[] =>
  [
    { path: certificate?.certificateChainPath ?? '', source: 'PodCertificate chain' },
    { path: certificate?.keyPath ?? '', source: 'PodCertificate key' },
    { path: certificate?.credentialBundlePath ?? '', source: 'PodCertificate credential bundle' },
  ].filter(({ path }) => path !== '')

const pathsOf = (items: Items, source = ''): SourcedPath[] => items.map(({ path = '' }) => ({ path, source }))

/** Each with every one before it, those of `all` too; they are added to it. */
function warnOfOverlaps(
  warnings: string[],
  paths: readonly SourcedPath[],
  message: string,
  all: SourcedPath[] = [],
): void {
  for (const { path: written, source } of paths) {
    const next = { path: written.replace(/\/+$/, ''), source }
    for (const other of all) {
      if (doOverlap(next.path, other.path)) warnings.push(`${message}: ${show(next)} with ${show(other)}`)
    }
    all.push(next)
  }
}

const show = ({ path, source }: SourcedPath): string =>
  source === '' ? JSON.stringify(path) : `${JSON.stringify(path)} (${source})`

const doOverlap = (a: string, b: string): boolean =>
  a !== '' && b !== '' && (`${a}/`.startsWith(`${b}/`) || `${b}/`.startsWith(`${a}/`))
