/** Services of type LoadBalancer share a node's address only on different ports. */
import { SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Service } from '#machinery/api/core/v1/types.gen.ts'
import { invariantOf } from './interface.ts'

/** A controller that died may still have had the address of its last pass to write. */
export const addressesAreNotShared = invariantOf<Service>(SERVICES, ({ after }, cluster) => {
  if (after === undefined || cluster.answersAreLost || cluster.hasCrashed) return
  const own = new Set(frontsOf(after))
  if (own.size === 0) return
  for (const other of cluster.objects<Service>(SERVICES)) {
    if (other.metadata.uid === after.metadata.uid) continue
    const shared = frontsOf(other).filter((front) => own.has(front))
    if (shared.length > 0)
      cluster.violated(`Services ${after.metadata.name} and ${other.metadata.name} both have ${shared.join(', ')}`)
  }
})

function frontsOf({ spec, status }: Service): string[] {
  const ips = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => (ip === undefined ? [] : [ip]))
  return ips.flatMap((ip) => (spec?.ports ?? []).map(({ port, protocol }) => `${ip}:${port}/${protocol}`))
}
