/**
 * Names that belong to configurations from manifests, with the gate ManifestBasedAdmissionControlConfig (off).
 * Upstream: pkg/apis/admissionregistration/validation/static_suffix.go.
 */
import type { ObjectMeta } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const SUFFIX = '.static.k8s.io'

export function staticNameWarnings({ name = '' }: DeepReadonly<ObjectMeta>): string[] {
  if (!name.endsWith(SUFFIX)) return []
  const owner = 'reserved for static manifest-based configurations and cannot be managed via the API'
  return [`metadata.name: names ending with "${SUFFIX}" are ${owner}`]
}
