/**
 * Which requests are recorded, and how much of them: the first rule that matches decides, without one nothing is recorded.
 * Upstream: apiserver pkg/audit/policy/checker.go.
 */
import type { AuditAttributes, AuditDecision, AuditLevel, AuditPolicyEvaluator, AuditStage } from './interfaces.ts'

/** audit.k8s.io/v1 Policy. */
export interface AuditPolicy {
  readonly rules: readonly AuditPolicyRule[]
  readonly omitStages: readonly AuditStage[]
  readonly omitManagedFields: boolean
}

/** An empty list matches everything; all of them must match. */
export interface AuditPolicyRule {
  readonly level: AuditLevel
  readonly users: readonly string[]
  readonly userGroups: readonly string[]
  readonly verbs: readonly string[]
  readonly resources: readonly GroupResources[]
  /** '' = what has no namespace. */
  readonly namespaces: readonly string[]
  readonly nonResourceURLs: readonly string[]
  readonly omitStages: readonly AuditStage[]
  /** Absent: as the policy says. */
  readonly omitManagedFields?: boolean | undefined
}

export interface GroupResources {
  readonly group: string
  // `pods`, `pods/log`, `pods/*`, `*/scale`, `*`.
  readonly resources: readonly string[]
  readonly resourceNames: readonly string[]
}

export function createPolicyEvaluator(policy: AuditPolicy): AuditPolicyEvaluator {
  const rules = policy.rules.map((rule) => ({
    matches: (attributes: AuditAttributes) => matchesRule(rule, attributes),
    decision: {
      level: rule.level,
      omitStages: new Set([...policy.omitStages, ...rule.omitStages]),
      omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields,
    },
  }))
  const unmatched: AuditDecision = {
    level: 'None',
    omitStages: new Set(policy.omitStages),
    omitManagedFields: policy.omitManagedFields,
  }
  return {
    evaluate(attributes) {
      for (const { matches, decision } of rules) if (matches(attributes)) return decision
      return unmatched
    },
  }
}

function matchesRule(rule: AuditPolicyRule, attributes: AuditAttributes): boolean {
  const { user, verb, isResourceRequest, namespace, path } = attributes
  if (rule.users.length > 0 && (user === undefined || !rule.users.includes(user.name))) return false
  if (rule.userGroups.length > 0 && user?.groups.some((group) => rule.userGroups.includes(group)) !== true) return false
  if (rule.verbs.length > 0 && !rule.verbs.includes(verb)) return false
  if (rule.namespaces.length > 0 || rule.resources.length > 0) {
    if (!isResourceRequest) return false
    if (rule.namespaces.length > 0 && !rule.namespaces.includes(namespace)) return false
    return rule.resources.length === 0 || rule.resources.some((wanted) => matchesResource(wanted, attributes))
  }
  if (rule.nonResourceURLs.length === 0) return true
  return !isResourceRequest && rule.nonResourceURLs.some((pattern) => matchesPath(pattern, path))
}

function matchesResource({ group, resources, resourceNames }: GroupResources, attributes: AuditAttributes): boolean {
  const { apiGroup, resource, subresource, name } = attributes
  if (group !== apiGroup && group !== '*') return false
  if (resources.length === 0) return true
  if (resourceNames.length > 0 && !resourceNames.includes(name)) return false
  const whole = subresource === '' ? resource : `${resource}/${subresource}`
  return resources.some(
    (pattern) =>
      pattern === '*' ||
      pattern === whole ||
      pattern === `${resource}/*` ||
      (subresource !== '' && pattern === `*/${subresource}`),
  )
}

function matchesPath(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true
  return pattern.endsWith('*') && path.startsWith(pattern.replace(/\*+$/, ''))
}
