/**
 * Pods tolerate a node that is not ready or unreachable for five minutes unless they say otherwise.
 * Upstream: plugin/pkg/admission/defaulttolerationseconds/admission.go.
 */
import type { Pod, Toleration } from '#machinery/api/core/v1/types.gen.ts'
import type { AdmissionDeps } from '../deps.ts'
import { isResource } from '../forbidden.ts'
import type { AdmissionPlugin } from '../interfaces.ts'

const TAINTS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'] as const
const TOLERATION_SECONDS = 300

export function createDefaultTolerationSeconds(_deps: Pick<AdmissionDeps, never>): AdmissionPlugin {
  return {
    name: 'DefaultTolerationSeconds',
    // Updates as well: who replaces a Pod by what he once wrote does not know of these.
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    admit(attributes) {
      if (!isResource(attributes, '', 'pods') || attributes.object === undefined) return
      const { spec } = attributes.object as Pod
      const present = spec.tolerations ?? []
      const missing = TAINTS.filter((taint) => !present.some((toleration) => tolerates(toleration, taint)))
      if (missing.length === 0) return
      spec.tolerations = [
        ...present,
        ...missing.map((key) => ({
          key,
          operator: 'Exists',
          effect: 'NoExecute',
          tolerationSeconds: TOLERATION_SECONDS,
        })),
      ]
    },
  }
}

function tolerates({ key = '', effect = '' }: Toleration, taint: string): boolean {
  return (key === taint || key === '') && (effect === 'NoExecute' || effect === '')
}
