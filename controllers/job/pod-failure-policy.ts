/** Which rule of spec.podFailurePolicy a failed Pod meets: the first in order. Pure. Upstream: pkg/controller/job/pod_failure_policy.go. */
import type {
  PodFailurePolicy,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyRule,
} from '#machinery/api/batch/v1/types.gen.ts'
import type { ContainerStatus, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export interface PolicyMatch {
  /** Undefined when no rule matches. */
  readonly action: string | undefined
  /** The failure counts towards the backoff limit. */
  readonly isCounted: boolean
  /** Why the Job fails; for action FailJob. */
  readonly failJobMessage: string | undefined
}

const NO_MATCH: PolicyMatch = { action: undefined, isCounted: true, failJobMessage: undefined }

export function matchPodFailurePolicy(
  policy: DeepReadonly<PodFailurePolicy> | undefined,
  pod: DeepReadonly<Pod>,
): PolicyMatch {
  if (policy === undefined) return NO_MATCH
  for (const [index, rule] of policy.rules.entries()) {
    const cause = matchRule(rule, pod)
    if (cause === undefined) continue
    const { action } = rule
    const failJobMessage = action === 'FailJob' ? `${cause} matching ${action} rule at index ${index}` : undefined
    return { action, isCounted: action !== 'Ignore', failJobMessage }
  }
  return NO_MATCH
}

/** What matched, in upstream's words. */
function matchRule(rule: DeepReadonly<PodFailurePolicyRule>, pod: DeepReadonly<Pod>): string | undefined {
  const podName = `${pod.metadata.namespace ?? ''}/${pod.metadata.name ?? ''}`
  if (rule.onExitCodes !== undefined) {
    const container = matchingContainer(pod, rule.onExitCodes)
    if (container === undefined) return undefined
    const exitCode = container.state?.terminated?.exitCode ?? 0
    return `Container ${container.name} for pod ${podName} failed with exit code ${exitCode}`
  }
  const condition = pod.status?.conditions?.find(({ type, status }) =>
    rule.onPodConditions?.some((pattern) => pattern.type === type && (pattern.status ?? 'True') === status),
  )
  return condition === undefined ? undefined : `Pod ${podName} has condition ${condition.type}`
}

function matchingContainer(
  pod: DeepReadonly<Pod>,
  requirement: DeepReadonly<PodFailurePolicyOnExitCodesRequirement>,
): DeepReadonly<ContainerStatus> | undefined {
  const { containerStatuses = [], initContainerStatuses = [] } = pod.status ?? {}
  return [...containerStatuses, ...initContainerStatuses].find(({ name, state }) => {
    const exitCode = state?.terminated?.exitCode
    if (exitCode === undefined || exitCode === 0) return false
    if (requirement.containerName !== undefined && requirement.containerName !== name) return false
    return requirement.operator === 'In'
      ? requirement.values.includes(exitCode)
      : requirement.operator === 'NotIn' && !requirement.values.includes(exitCode)
  })
}
