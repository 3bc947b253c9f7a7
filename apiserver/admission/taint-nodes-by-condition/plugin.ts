/** New nodes take no pods until they report ready. Upstream: plugin/pkg/admission/nodetaint. */
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import type { AdmissionDeps } from '../deps.ts'
import { isResource } from '../forbidden.ts'
import type { AdmissionPlugin } from '../interfaces.ts'

const NOT_READY = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' } as const

export function createTaintNodesByCondition(_deps: Pick<AdmissionDeps, never>): AdmissionPlugin {
  return {
    name: 'TaintNodesByCondition',
    handles: (operation) => operation === 'CREATE',
    admit(attributes) {
      if (!isResource(attributes, '', 'nodes') || attributes.object === undefined) return
      const node = attributes.object as Node
      const taints = node.spec?.taints ?? []
      if (taints.some(({ key, effect }) => key === NOT_READY.key && effect === NOT_READY.effect)) return
      node.spec = { ...node.spec, taints: [...taints, { ...NOT_READY }] }
    },
  }
}
