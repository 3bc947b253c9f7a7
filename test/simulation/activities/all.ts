/** What a seed may choose from. */
import type { World } from '../world.ts'
import type { Activity, Tools } from './activity.ts'
import { autoscaling } from './autoscaling.ts'
import { goingBack } from './going-back.ts'
import { localVolumes } from './local-volumes.ts'
import { machines } from './machines.ts'
import { namespaces } from './namespaces.ts'
import { priorities } from './priorities.ts'
import { quotas } from './quotas.ts'
import { selectors } from './selectors.ts'
import { suspension } from './suspension.ts'

const ACTIVITIES: readonly ((tools: Tools) => Activity)[] = [
  autoscaling,
  goingBack,
  localVolumes,
  machines,
  namespaces,
  priorities,
  quotas,
  selectors,
  suspension,
]
const CHOSEN = 2

export function chooseActivities(world: World, tools: Tools): readonly Activity[] {
  const left = [...ACTIVITIES]
  return Array.from({ length: CHOSEN }, () => left.splice(world.below(left.length), 1))
    .flat()
    .map((newActivity) => newActivity(tools))
}
