/**
 * Does one set of rules grant everything another does? Used where permissions are handed on: roles, bindings and the
 * reconciliation of the bootstrap roles.
 * Upstream: component-helpers auth/rbac/validation/policy_comparator.go, pkg/registry/rbac/validation/policy_compact.go.
 */
import type { PolicyRule } from '../interfaces.ts'
import { withoutTrailingStars } from './compiled-rule.ts'

const ALL = '*'
const NONE: readonly string[] = []

/** The single permissions of `wanted` that no rule of `held` grants. */
export function missingRules(held: readonly PolicyRule[], wanted: readonly PolicyRule[]): PolicyRule[] {
  const missing: PolicyRule[] = []
  for (const rule of wanted) {
    for (const single of breakDown(rule)) if (!held.some((holder) => ruleCovers(holder, single))) missing.push(single)
  }
  return missing
}

/** One rule per group, resource, verb and name. */
function breakDown(rule: PolicyRule): PolicyRule[] {
  const singles: PolicyRule[] = []
  const { apiGroups = NONE, resources = NONE, resourceNames = NONE, nonResourceURLs = NONE, verbs } = rule
  for (const group of apiGroups) {
    for (const resource of resources) {
      for (const verb of verbs) {
        const single = { apiGroups: [group], resources: [resource], verbs: [verb] }
        if (resourceNames.length === 0) singles.push(single)
        else for (const name of resourceNames) singles.push({ ...single, resourceNames: [name] })
      }
    }
  }
  for (const url of nonResourceURLs) for (const verb of verbs) singles.push({ nonResourceURLs: [url], verbs: [verb] })
  return singles
}

function ruleCovers(holder: PolicyRule, single: PolicyRule): boolean {
  const { apiGroups = NONE, resources = NONE, resourceNames = NONE, nonResourceURLs = NONE } = single
  const heldNames = holder.resourceNames ?? NONE
  return (
    coversAll(holder.verbs, single.verbs) &&
    coversAll(holder.apiGroups ?? NONE, apiGroups) &&
    resourcesCover(holder.resources ?? NONE, resources) &&
    nonResourceURLs.every((url) => urlsCover(holder.nonResourceURLs ?? NONE, url)) &&
    (heldNames.length === 0 || (resourceNames.length > 0 && resourceNames.every((name) => heldNames.includes(name))))
  )
}

function coversAll(held: readonly string[], wanted: readonly string[]): boolean {
  return held.includes(ALL) || wanted.every((value) => held.includes(value))
}

function resourcesCover(held: readonly string[], wanted: readonly string[]): boolean {
  if (coversAll(held, wanted)) return true
  return wanted.every((resource) => {
    const slash = resource.indexOf('/')
    return held.includes(resource) || (slash !== -1 && held.includes(`*${resource.slice(slash)}`))
  })
}

function urlsCover(held: readonly string[], url: string): boolean {
  return held.some((owned) => owned === url || (owned.endsWith(ALL) && url.startsWith(withoutTrailingStars(owned))))
}

/** Puts the verbs of one resource (and name) together again, for messages. */
export function compactRules(rules: readonly PolicyRule[]): PolicyRule[] {
  const compacted: PolicyRule[] = []
  const verbsOf = new Map<string, { readonly rule: PolicyRule; readonly verbs: string[] }>()
  for (const rule of rules) {
    const { apiGroups = NONE, resources = NONE, resourceNames = NONE, nonResourceURLs = NONE } = rule
    if (apiGroups.length !== 1 || resources.length !== 1 || resourceNames.length > 1 || nonResourceURLs.length > 0) {
      compacted.push(rule)
      continue
    }
    const key = JSON.stringify([apiGroups, resources, resourceNames])
    const entry = verbsOf.get(key)
    if (entry === undefined) verbsOf.set(key, { rule, verbs: [...rule.verbs] })
    else entry.verbs.push(...rule.verbs)
  }
  for (const { rule, verbs } of verbsOf.values()) compacted.push({ ...rule, verbs })
  return compacted
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}` */
export function ruleText(rule: PolicyRule): string {
  const parts: string[] = []
  const add = (label: string, values: readonly string[] = NONE): void => {
    if (values.length > 0) parts.push(`${label}:${quotedList(values)}`)
  }
  add('APIGroups', rule.apiGroups)
  add('Resources', rule.resources)
  add('NonResourceURLs', rule.nonResourceURLs)
  add('ResourceNames', rule.resourceNames)
  add('Verbs', rule.verbs)
  return `{${parts.join(', ')}}`
}

/** Go's %q of a list. */
export function quotedList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`
}
