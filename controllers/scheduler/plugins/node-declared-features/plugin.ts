/**
 * Pods that use what only some kubelets can do go to nodes that say they can. Upstream: plugins/nodedeclaredfeatures,
 * component-helpers nodedeclaredfeatures/features (v1.36; gate NodeDeclaredFeatures).
 */
import type { Node, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { deepEqual } from '#machinery/util/json.ts'
import { type Change, changeOf, isSamePod } from '../../framework/change.ts'
import type { FilterPlugin, FrozenPod, PluginDefinition } from '../../framework/interfaces.ts'
import { SKIP, unresolvable } from '../../framework/verdicts.ts'

const NAME = 'NodeDeclaredFeatures'
const MISSING = unresolvable("node(s) didn't match Pod's required features")

const createPlugin = (isEnabled: boolean): FilterPlugin<readonly string[]> => ({
  name: NAME,
  events: [
    {
      resource: 'nodes',
      actions: ['add', 'update'],
      kinds: ['UpdateNodeDeclaredFeature'],
      mayHelp: (_pod, event) => declaresOthers(changeOf<Node>(event)),
    },
    { resource: 'pods', actions: ['update'], mayHelp: (pod, event) => wantsOthers(pod, changeOf<Pod>(event)) },
  ],

  preFilter({ pod }) {
    const state = isEnabled ? wantedFeatures(pod) : []
    return state.length === 0 ? SKIP : { state }
  },

  filter(wanted, _pod, { node }) {
    const declared = node.status?.declaredFeatures ?? []
    return wanted.every((feature) => declared.includes(feature)) ? undefined : MISSING
  },
})

/** What the kubelet must be able to do to run the Pod. */
function wantedFeatures({ spec }: FrozenPod): readonly string[] {
  const containers = [...spec.containers, ...(spec.initContainers ?? [])]
  const restartsAll = containers.some(({ restartPolicyRules = [] }) =>
    restartPolicyRules.some(({ action }) => action === 'RestartAllContainers'),
  )
  return [
    ...(restartsAll ? ['RestartAllContainersOnContainerExits'] : []),
    ...(spec.hostNetwork === true && spec.hostUsers === false ? ['UserNamespacesHostNetworkSupport'] : []),
  ]
}

const declaresOthers = ({ old, object }: Change<Node>): boolean =>
  old === undefined || !deepEqual(old.status?.declaredFeatures ?? [], object?.status?.declaredFeatures ?? [])

/** The Pod that waits has changed so that it needs something else. */
function wantsOthers(pod: FrozenPod, { old, object }: Change<Pod>): boolean {
  if (object === undefined || old === undefined || !isSamePod(pod, object)) return false
  return !deepEqual(wantedFeatures(old), wantedFeatures(object))
}

export const nodeDeclaredFeaturesPlugin: PluginDefinition = {
  name: NAME,
  create: (_args, handle) => createPlugin(handle.isGateEnabled(NAME)),
}
