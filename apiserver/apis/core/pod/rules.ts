/**
 * What of a pod depends on feature gates, and on what its stored version already does: such a pod stays changeable.
 * Upstream: pkg/api/pod/util.go GetValidationOptionsFromPodSpecAndMeta, for the gates that are off in 1.36 and the rules
 * that came with it.
 */
import type { PodSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { IsGateEnabled } from '../../feature-gates.ts'

type FrozenSpec = DeepReadonly<PodSpec>

export interface PodRules {
  /** Tolerations may compare numbers (`Lt`, `Gt`). */
  readonly allowsComparisons: boolean
  /** `seLinuxChangePolicy` may be something else than `Recursive`. */
  readonly allowsSeLinuxMounts: boolean
  /** A user namespace of its own goes with the host's network. */
  readonly allowsHostNetworkInUserNamespace: boolean
  /** It goes with block devices, which do not work there. */
  readonly allowsDevicesInUserNamespace: boolean
  /** An init container that is no sidecar may want to be restarted by a resize. */
  readonly allowsRestartingInitResize: boolean
}

/** Of a new pod with upstream's default gates. */
export const DEFAULT_POD_RULES: PodRules = {
  allowsComparisons: false,
  allowsSeLinuxMounts: false,
  allowsHostNetworkInUserNamespace: false,
  allowsDevicesInUserNamespace: false,
  allowsRestartingInitResize: false,
}

/** Returns the rules for what replaces `old`; those of a new pod are made once. */
export function podRulesOf(isGateEnabled: IsGateEnabled): (old: FrozenSpec | undefined) => PodRules {
  const ofNew: PodRules = {
    ...DEFAULT_POD_RULES,
    allowsComparisons: isGateEnabled('TaintTolerationComparisonOperators'),
    allowsSeLinuxMounts: isGateEnabled('SELinuxMount'),
    allowsHostNetworkInUserNamespace: isGateEnabled('UserNamespacesHostNetworkSupport'),
  }
  return (old) => (old === undefined ? ofNew : relaxedFor(old, ofNew))
}

function relaxedFor(old: FrozenSpec, rules: PodRules): PodRules {
  const hasOwnUsers = old.hostUsers === false
  return {
    allowsComparisons:
      rules.allowsComparisons || (old.tolerations ?? []).some(({ operator }) => operator === 'Lt' || operator === 'Gt'),
    allowsSeLinuxMounts: rules.allowsSeLinuxMounts || old.securityContext?.seLinuxChangePolicy !== undefined,
    allowsHostNetworkInUserNamespace:
      rules.allowsHostNetworkInUserNamespace || (hasOwnUsers && old.hostNetwork === true),
    allowsDevicesInUserNamespace: hasOwnUsers && hasDevices(old),
    allowsRestartingInitResize: (old.initContainers ?? []).some(
      ({ restartPolicy, resizePolicy = [] }) =>
        restartPolicy !== 'Always' && resizePolicy.some((policy) => policy.restartPolicy === 'RestartContainer'),
    ),
  }
}

function hasDevices({ initContainers = [], containers, ephemeralContainers = [] }: FrozenSpec): boolean {
  return [initContainers, containers, ephemeralContainers].some((list) =>
    list.some(({ volumeDevices = [] }) => volumeDevices.length > 0),
  )
}
