/** Deployments under a load that changes, sized by HorizontalPodAutoscalers. */
import { DEPLOYMENTS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { Deployment } from '#machinery/api/apps/v1/types.gen.ts'
import { HORIZONTAL_POD_AUTOSCALERS } from '#machinery/api/autoscaling/v2/resources.gen.ts'
import type { HorizontalPodAutoscaler } from '#machinery/api/autoscaling/v2/types.gen.ts'
import { NAMESPACE } from '../manifests.ts'
import type { Observer } from '../observer.ts'
import type { World } from '../world.ts'
import type { Activity, Tools } from './activity.ts'

const REQUEST_MILLI = 100
const UTILIZATION = 50
const TOLERANCE = 0.1
const MIN = 1
const MAX = 6
const LOAD_MAX = 400
/** Twice as long as Pods count as unready after they started; with less a size may go up and down for ever, as upstream. */
const STABILIZATION_SECONDS = 60

export function autoscaling({ hands, manifests, world }: Tools): Activity {
  const create = async (): Promise<void> => {
    const deployment = manifests.sizedDeployment({ name: 'scaled', cpu: `${REQUEST_MILLI}m` })
    const { name = '' } = deployment.metadata
    await hands.create(DEPLOYMENTS, deployment)
    world.metrics.loads.set(name, hands.below(LOAD_MAX))
    await hands.create(HORIZONTAL_POD_AUTOSCALERS, autoscaler(name))
  }
  const changeLoad = async (): Promise<void> => {
    const app = hands.pick([...world.metrics.loads.keys()])
    if (app !== undefined) world.metrics.loads.set(app, hands.below(LOAD_MAX))
  }
  return {
    name: 'autoscaling',
    actions: [
      { name: 'create Deployment with an autoscaler', weight: 4, run: create },
      { name: 'change load', weight: 6, run: changeLoad },
      {
        name: 'delete HorizontalPodAutoscaler',
        weight: 1,
        run: () => hands.delete(HORIZONTAL_POD_AUTOSCALERS),
      },
    ],
    begin: create,
    unrest: (observer) =>
      observer
        .objects<HorizontalPodAutoscaler>(HORIZONTAL_POD_AUTOSCALERS)
        .flatMap((scaler) => scalerUnrest(scaler, observer, world)),
    end: async () => {
      for (const scaler of await hands.all(HORIZONTAL_POD_AUTOSCALERS))
        await hands.remove(HORIZONTAL_POD_AUTOSCALERS, scaler)
    },
  }
}

function autoscaler(name: string): HorizontalPodAutoscaler {
  const target = { type: 'Utilization', averageUtilization: UTILIZATION }
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, namespace: NAMESPACE },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: MIN,
      maxReplicas: MAX,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }],
      behavior: { scaleDown: { stabilizationWindowSeconds: STABILIZATION_SECONDS } },
    },
  }
}

/** Its target has the size that its load asks for; one that somebody scaled to zero is left alone. */
function scalerUnrest({ metadata }: HorizontalPodAutoscaler, observer: Observer, world: World): string[] {
  const target = observer.objects<Deployment>(DEPLOYMENTS).find((found) => found.metadata.name === metadata.name)
  const replicas = target?.spec.replicas ?? 0
  if (replicas === 0 || target?.spec.paused === true) return []
  const load = world.metrics.loads.get(metadata.name ?? '') ?? 0
  const ratio = Math.floor(load / replicas) / ((REQUEST_MILLI * UTILIZATION) / 100)
  const isTolerable = 1 - TOLERANCE <= ratio && ratio <= 1 + TOLERANCE
  const wanted = isTolerable ? replicas : Math.ceil(ratio * replicas)
  const limited = Math.min(MAX, Math.max(MIN, wanted))
  return limited === replicas
    ? []
    : [`Deployment ${metadata.name} has ${replicas} replicas, its load asks for ${limited}`]
}
