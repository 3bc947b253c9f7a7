/**
 * Which DaemonSets a change of a ControllerRevision wakes: the owner of one that changes or goes, whoever may adopt one that
 * belongs to nobody. One that is made for a DaemonSet wakes nobody: whoever made it knows. Runs inside the informer's
 * handler. Upstream: pkg/controller/daemon/daemon_controller.go addHistory, updateHistory, deleteHistory.
 */
import { DAEMON_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { ControllerRevision, DaemonSet } from '#machinery/api/apps/v1/types.gen.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { InformerHandler } from '#machinery/informers/shared-informer.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey } from '#sdk'
import { controllerOf } from '#sdk'

type RevisionView = DeepReadonly<ControllerRevision>

export function revisionWatch(
  daemonSets: Lister<DaemonSet>,
  enqueue: (key: ObjectKey) => void,
): InformerHandler<ControllerRevision> {
  const wakeOwner = (revision: RevisionView): void => {
    const controller = controllerOf(revision)
    if (controller?.kind !== DAEMON_SETS.kind) return
    const key = { namespace: revision.metadata.namespace ?? '', name: controller.name }
    if (daemonSets.get(key)?.metadata.uid === controller.uid) enqueue(key)
  }
  const wakeAdopters = ({ metadata }: RevisionView): void => {
    if (Object.keys(metadata.labels ?? {}).length === 0) return
    for (const daemonSet of daemonSets.list(metadata.namespace)) {
      if (labelSelectorAsMatcher(daemonSet.spec.selector).matches(metadata.labels)) enqueue(objectKeyOf(daemonSet))
    }
  }
  return {
    onAdd(revision) {
      if (revision.metadata.deletionTimestamp !== undefined) wakeOwner(revision)
      else if (controllerOf(revision) === undefined) wakeAdopters(revision)
    },
    onUpdate(old, revision) {
      const isMoved = controllerOf(old)?.uid !== controllerOf(revision)?.uid
      if (isMoved) wakeOwner(old)
      if (controllerOf(revision) !== undefined) wakeOwner(revision)
      else if (isMoved || !deepEqual(old.metadata.labels ?? {}, revision.metadata.labels ?? {})) wakeAdopters(revision)
    },
    onDelete: wakeOwner,
  }
}
