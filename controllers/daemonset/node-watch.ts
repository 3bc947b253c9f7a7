/**
 * Which DaemonSets a node change wakes: those whose verdict on the node it changes, and no others. Runs inside the informer's
 * handler. Upstream: pkg/controller/daemon/daemon_controller.go addNode, updateNode. Differs: a node that goes wakes as well.
 */
import type { DaemonSet } from '#machinery/api/apps/v1/types.gen.ts'
import type { Node } from '#machinery/api/core/v1/types.gen.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { InformerHandler } from '#machinery/informers/shared-informer.ts'
import type { ObjectKey } from '#sdk'
import type { NodeView } from './node-rules.ts'
import { mayChangeVerdict, nodeRulesOf } from './node-rules.ts'

export function nodeWatch(
  daemonSets: Lister<DaemonSet>,
  enqueue: (key: ObjectKey) => void,
  comparesNumbers: boolean,
): InformerHandler<Node> {
  const wakeThoseThatRunOn = (node: NodeView): void => {
    for (const daemonSet of daemonSets.list()) {
      if (nodeRulesOf(daemonSet, comparesNumbers)(node).mayStay) enqueue(objectKeyOf(daemonSet))
    }
  }
  return {
    onAdd: wakeThoseThatRunOn,
    onUpdate(old, node) {
      if (!mayChangeVerdict(old, node)) return
      for (const daemonSet of daemonSets.list()) {
        const rules = nodeRulesOf(daemonSet, comparesNumbers)
        const [before, after] = [rules(old), rules(node)]
        const isSame = before.shouldRun === after.shouldRun && before.mayStay === after.mayStay
        if (!isSame) enqueue(objectKeyOf(daemonSet))
      }
    },
    onDelete: wakeThoseThatRunOn,
  }
}
