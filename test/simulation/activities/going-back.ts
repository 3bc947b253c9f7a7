/** Rollouts that are paused, resumed and undone. */
import {
  CONTROLLER_REVISIONS,
  DAEMON_SETS,
  DEPLOYMENTS,
  REPLICA_SETS,
  STATEFUL_SETS,
} from '#machinery/api/apps/v1/resources.gen.ts'
import type { DaemonSet, Deployment, StatefulSet } from '#machinery/api/apps/v1/types.gen.ts'
import type { PodTemplateSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { controllerOf } from '#sdk'
import type { Activity, Tools } from './activity.ts'

const ROLLBACK_TO = 'deprecated.deployment.rollback.to'

export function goingBack(tools: Tools): Activity {
  const { hands } = tools
  const pause = (isPaused: boolean) => hands.change(DEPLOYMENTS, () => ({ spec: { paused: isPaused } }))
  return {
    name: 'going back',
    actions: [
      { name: 'pause Deployment', weight: 4, run: () => pause(true) },
      { name: 'resume Deployment', weight: 3, run: () => pause(false) },
      { name: 'undo Deployment', weight: 6, run: () => undoDeployment(tools) },
      {
        name: 'undo Deployment by annotation',
        weight: 1,
        run: () => hands.change(DEPLOYMENTS, () => ({ metadata: { annotations: { [ROLLBACK_TO]: '0' } } })),
      },
      { name: 'undo StatefulSet', weight: 3, run: () => undoSet(tools, STATEFUL_SETS as Resource<StatefulSet>) },
      { name: 'undo DaemonSet', weight: 3, run: () => undoSet(tools, DAEMON_SETS as Resource<DaemonSet>) },
    ],
    // Some stay paused: that is rest too.
    heal: () => pause(false),
  }
}

/** As `kubectl rollout undo`: the template of an old ReplicaSet becomes the Deployment's again. */
async function undoDeployment({ hands }: Tools): Promise<void> {
  const deployment = await hands.any(DEPLOYMENTS)
  if (deployment === undefined) return
  const sets = (await hands.all(REPLICA_SETS)).filter((set) => controllerOf(set)?.uid === deployment.metadata.uid)
  const template = hands.pick(sets)?.spec.template
  if (template === undefined) return
  await hands.edit<Deployment>(DEPLOYMENTS, deployment, ({ spec }) => {
    spec.template = deepCopy<PodTemplateSpec>(template)
    delete spec.template.metadata?.labels?.['pod-template-hash']
  })
}

async function undoSet<T extends StatefulSet | DaemonSet>({ hands }: Tools, resource: Resource<T>): Promise<void> {
  const set = await hands.any(resource)
  if (set === undefined) return
  const revisions = await hands.all(CONTROLLER_REVISIONS)
  const own = revisions.filter((revision) => controllerOf(revision)?.uid === set.metadata.uid)
  const data = hands.pick(own)?.data as { readonly spec: { readonly template: PodTemplateSpec } } | undefined
  if (data === undefined) return
  await hands.edit<T>(resource, set, (draft) => {
    const { $patch, ...template } = deepCopy<PodTemplateSpec & { $patch?: string }>(data.spec.template)
    draft.spec.template = template
  })
}
