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

function warnOfProjected(warnings: string[], volume: string, sources: readonly DeepReadonly<VolumeProjection>[]): void {
  const all = new Set<string>()
  for (const source of sources) {
    if (Object.keys(source).length === 0) {
      warnings.push(`${volume} (Projected) has no sources provided`)
      continue
    }
    const { kind, paths } = describe(source)
    if (paths.length === 0) continue
    const message = `${volume} (Projected ${kind}): overlapping paths`
    warnOfOverlaps(warnings, paths, message)
    const own = [...new Set(paths)]
    // The first source has nothing to collide with but itself, which has just been said.
    if (all.size > 0) warnOfOverlaps(warnings, [...own, ...all].sort(), message)
    for (const path of own) all.add(path)
  }
}

function describe(source: DeepReadonly<VolumeProjection>): { readonly kind: string; readonly paths: string[] } {
  const { configMap, secret, downwardAPI, serviceAccountToken, clusterTrustBundle: bundle } = source
  const quoted = (name = ''): string => JSON.stringify(name)
  if (configMap?.items !== undefined) {
    return { kind: `ConfigMap ${quoted(configMap.name)}`, paths: pathsOf(configMap.items) }
  }
  if (secret?.items !== undefined) return { kind: `Secret ${quoted(secret.name)}`, paths: pathsOf(secret.items) }
  if (downwardAPI?.items !== undefined) return { kind: 'DownwardAPI', paths: pathsOf(downwardAPI.items) }
  if (serviceAccountToken !== undefined) {
    return { kind: 'ServiceAccountToken', paths: [serviceAccountToken.path ?? ''] }
  }
  if (bundle === undefined) return { kind: '', paths: [] }
  return { kind: `ClusterTrustBundle ${quoted(bundle.name ?? bundle.signerName)}`, paths: [bundle.path ?? ''] }
}

const pathsOf = (items: Items): string[] => items.map(({ path = '' }) => path)

function warnOfOverlaps(warnings: string[], paths: readonly string[], message: string): void {
  const seen = new Set<string>()
  for (const path of paths) {
    const normalized = path.replace(/\/+$/, '')
    const collision = collisionOf(seen, normalized)
    if (collision !== undefined) {
      warnings.push(`${message}: ${JSON.stringify(normalized)} with ${JSON.stringify(collision)}`)
    }
    seen.add(normalized)
  }
}

function collisionOf(seen: ReadonlySet<string>, path: string): string | undefined {
  if (path === '' || seen.has('')) return undefined
  for (const other of seen) {
    if (other === path || other.startsWith(`${path}/`) || path.startsWith(`${other}/`)) return other
  }
  return undefined
}
