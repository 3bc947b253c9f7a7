/** Pods that are large and more or less important, more of them than the nodes take. */
import { DEPLOYMENTS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { Deployment } from '#machinery/api/apps/v1/types.gen.ts'
import { PRIORITY_CLASSES } from '#machinery/api/scheduling/v1/resources.gen.ts'
import type { Activity, Tools } from './activity.ts'

const CLASSES = [
  { name: 'low', value: 10 },
  { name: 'middle', value: 100 },
  { name: 'high', value: 1_000 },
]
/** Of the 32 a node has: two such Pods fit. */
const CPU = '15'
export const LARGE_PODS_PER_NODE = 2

export function priorities({ hands, manifests }: Tools): Activity {
  const large = (): Deployment => {
    const { name } = hands.pick(CLASSES) ?? { name: 'low' }
    return manifests.sizedDeployment({ name: `large-${name}`, cpu: CPU, priorityClassName: name })
  }
  return {
    name: 'priorities',
    actions: [{ name: 'create large Deployment', weight: 12, run: () => hands.create(DEPLOYMENTS, large()) }],
    begin: async () => {
      for (const { name, value } of CLASSES)
        await hands.create(PRIORITY_CLASSES, {
          apiVersion: 'scheduling.k8s.io/v1',
          kind: 'PriorityClass',
          metadata: { name },
          value,
        })
    },
  }
}
