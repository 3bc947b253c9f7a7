/** Node labels of old and what is said of those who still select by them. Upstream: pkg/api/node/util.go. */
import type { NodeSelectorTerm } from '#machinery/api/core/v1/types.gen.ts'
import type { LabelSelector } from '#machinery/api/meta/v1.ts'
import { isLabelValue } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const DEPRECATED: ReadonlyMap<string, string> = new Map([
  ['beta.kubernetes.io/arch', 'deprecated since v1.14; use "kubernetes.io/arch" instead'],
  ['beta.kubernetes.io/os', 'deprecated since v1.14; use "kubernetes.io/os" instead'],
  ['failure-domain.beta.kubernetes.io/region', 'deprecated since v1.17; use "topology.kubernetes.io/region" instead'],
  ['failure-domain.beta.kubernetes.io/zone', 'deprecated since v1.17; use "topology.kubernetes.io/zone" instead'],
  ['beta.kubernetes.io/instance-type', 'deprecated since v1.17; use "node.kubernetes.io/instance-type" instead'],
  ['app.kubernetes.io/created-by', 'deprecated since v1.9'],
  ['scheduler.alpha.kubernetes.io/preferAvoidPods', 'deprecated since v1.22; use Taints and Tolerations instead'],
  ['node-role.kubernetes.io/master', 'use "node-role.kubernetes.io/control-plane" instead'],
])

/** What is wrong with using this node label; undefined: nothing. */
export const deprecatedNodeLabel = (key: string): string | undefined => DEPRECATED.get(key)

type Expressions = NonNullable<NodeSelectorTerm['matchExpressions']>

/** `checksValues`: also of values that no label can have, where they are accepted. */
export function nodeTermWarnings(
  field: string,
  term: DeepReadonly<NodeSelectorTerm> | undefined,
  checksValues = false,
): string[] {
  const warnings: string[] = []
  for (const [i, { key, values = [] }] of (term?.matchExpressions ?? []).entries()) {
    const at = `${field}.matchExpressions[${i}]`
    const detail = DEPRECATED.get(key)
    if (detail !== undefined) warnings.push(`${at}.key: ${key} is ${detail}`)
    if (checksValues) warnings.push(...valueWarnings(`${at}.values`, values))
  }
  return warnings
}

function valueWarnings(field: string, values: readonly string[]): string[] {
  return values.flatMap((value, i) =>
    isLabelValue(value).map((problem) => `${field}[${i}]: ${value} is invalid, ${problem}`),
  )
}

/** A label is one more step of upstream's path. */
export function nodeSelectorWarnings(field: string, selector: DeepReadonly<LabelSelector> | undefined): string[] {
  const warnings = nodeTermWarnings(field, { matchExpressions: selector?.matchExpressions as Expressions })
  for (const label of Object.keys(selector?.matchLabels ?? {})) {
    const detail = DEPRECATED.get(label)
    if (detail !== undefined) warnings.push(`${field}.matchLabels.${label}: ${detail}`)
  }
  return warnings
}
