/**
 * Which resources a policy is certainly about: those its rules name, wildcards and subresources left out. Pure.
 * Upstream: apiserver pkg/admission/plugin/policy/validating/typechecking.go typesToCheck.
 */
import type { ValidatingAdmissionPolicy } from '#machinery/api/admissionregistration/v1/types.gen.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const KINDS_MAX = 10

/** At most ten, by group, version and kind, each kind once. */
export function matchedResources<R extends Resource>(
  { spec }: DeepReadonly<ValidatingAdmissionPolicy>,
  served: readonly R[],
): R[] {
  const found = new Map<string, R>()
  for (const rule of spec.matchConstraints?.resourceRules ?? []) {
    const { apiGroups = [], apiVersions = [], resources = [] } = rule
    if ([...apiGroups, ...apiVersions].some((name) => name.includes('*'))) continue
    const names = resources.filter((name) => !/[*/]/.test(name))
    const matching = served
      .filter(
        ({ group, version, resource }) =>
          apiGroups.includes(group) && apiVersions.includes(version) && names.includes(resource),
      )
      .sort(byName)
    for (const resource of matching.slice(0, KINDS_MAX)) found.set(idOf(resource), resource)
    if (found.size >= KINDS_MAX) break
  }
  return [...found.values()].sort(byName).slice(0, KINDS_MAX)
}

const idOf = ({ group, version, kind }: Resource): string => `${group}/${version}/${kind}`

function byName(a: Resource, b: Resource): number {
  const [left, right] = [a, b].map(({ group, version, kind }) => `${group}\0${version}\0${kind}`) as [string, string]
  return left < right ? -1 : left > right ? 1 : 0
}
