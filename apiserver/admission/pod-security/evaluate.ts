/** Which checks a level has in a version, and what they say of a pod. Upstream: pod-security-admission policy/registry.go. */
import { BASELINE_CHECKS } from './baseline.ts'
import type { Check, PodLike, Violation } from './check.ts'
import type { LevelVersion } from './policy.ts'
import { RESTRICTED_CHECKS } from './restricted.ts'

/** The version of this API: newer ones are taken for it. */
const MINOR_MAX = 36

type CheckPod = Check['versions'][number]['check']

const cache = new Map<string, readonly CheckPod[]>()

export function violations(pod: PodLike, policy: LevelVersion): readonly Violation[] {
  if (policy.level === 'privileged') return []
  return checksOf(policy).flatMap((check) => check(pod) ?? [])
}

/** `hostPort (container "a" uses hostPort 80), privileged (…)`. */
export const detailText = (found: readonly Violation[]): string =>
  found.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ')

export const reasonText = (found: readonly Violation[]): string => found.map(({ reason }) => reason).join(', ')

function checksOf(policy: LevelVersion): readonly CheckPod[] {
  const minor = Math.min(policy.minor, MINOR_MAX)
  const key = `${policy.level} ${minor}`
  const known = cache.get(key)
  if (known !== undefined) return known
  const effective = (checks: readonly Check[]) =>
    checks.flatMap((check) => {
      const version = check.versions.findLast((candidate) => candidate.minor <= minor)
      return version === undefined ? [] : [{ ...check, check: version.check }]
    })
  const restricted = policy.level === 'restricted' ? effective(RESTRICTED_CHECKS) : []
  const overridden = new Set(restricted.map(({ overrides }) => overrides))
  const baseline = effective(BASELINE_CHECKS).filter(({ id }) => !overridden.has(id))
  const checks = [...baseline, ...restricted].map(({ check }) => check)
  cache.set(key, checks)
  return checks
}
