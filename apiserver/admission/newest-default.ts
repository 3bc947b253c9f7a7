/** Picks the default among classes marked as default by an annotation. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** The youngest marked one, by name among equals; undefined when none is marked. */
export function newestDefault<T extends KubeObject>(
  classes: readonly DeepReadonly<T>[],
  annotations: readonly string[],
): string | undefined {
  const meta = classes.map(({ metadata }) => metadata as DeepReadonly<KubeObject['metadata']>)
  const marked = meta.filter((m) => annotations.some((annotation) => m.annotations?.[annotation] === 'true'))
  marked.sort((a, b) => {
    const byAge = (b.creationTimestamp ?? '').localeCompare(a.creationTimestamp ?? '')
    return byAge === 0 ? (a.name ?? '').localeCompare(b.name ?? '') : byAge
  })
  return marked[0]?.name
}
