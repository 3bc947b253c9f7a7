/** Which of two states of one object is newer. Upstream: apimachinery util/resourceversion (KEP-5504: versions are decimal numbers). */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** The newer one; of two equal ones the first. A state that is not there is older than any. */
export function newest<T extends DeepReadonly<KubeObject>>(a: T | undefined, b: T): T {
  if (a === undefined) return b
  const [left, right] = [a.metadata.resourceVersion ?? '', b.metadata.resourceVersion ?? '']
  if (left.length !== right.length) return left.length > right.length ? a : b
  return left >= right ? a : b
}
