/**
 * Which webhooks a request concerns, and in which version each wants it.
 * Upstream: apiserver pkg/admission/plugin/webhook/{generic/webhook.go,predicates}. matchConditions come
 * after, in conditions.ts: nobody pays for an expression of a webhook that is not concerned.
 */

import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newNotFound } from '#machinery/meta/errors.ts'
import type { GroupVersionKind } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionDeps } from '../deps.ts'
import type { AdmissionAttributes, AdmissionView } from '../interfaces.ts'
import type { CompiledRule, CompiledWebhook } from './configuration.ts'

/** One webhook to call, and what to show it. */
export interface Invocation {
  readonly hook: CompiledWebhook
  /** The version is the object's too, unless its kind is another than the resource's. */
  readonly resource: GroupVersionResource
  readonly kind: GroupVersionKind
  /** How the objects of this resource are shown; absent when they are shown as they are. */
  readonly view: AdmissionView | undefined
}

interface GroupVersionResource {
  readonly group: string
  readonly version: string
  readonly resource: string
}

const ADMISSION_GROUP = 'admissionregistration.k8s.io'

/** What configures admission is never sent to webhooks: a bad one could not be removed any more. */
export function isExempt({ group, kind }: AdmissionAttributes): boolean {
  return (group === ADMISSION_GROUP || kind.group === ADMISSION_GROUP) && EXEMPT_KINDS.has(kind.kind)
}

const EXEMPT_KINDS: ReadonlySet<string> = new Set([
  'MutatingAdmissionPolicy',
  'MutatingAdmissionPolicyBinding',
  'MutatingWebhookConfiguration',
  'ValidatingAdmissionPolicy',
  'ValidatingAdmissionPolicyBinding',
  'ValidatingWebhookConfiguration',
])

/** Undefined: not this one. Throws NotFound when the request's namespace is gone and the selector needs its labels. */
export function matchWebhook(
  hook: CompiledWebhook,
  attributes: AdmissionAttributes,
  deps: Pick<AdmissionDeps, 'namespace'>,
): Invocation | undefined {
  const invocation = matchRules(hook, attributes)
  if (invocation === undefined || !matchesObject(hook, attributes)) return undefined
  return matchesNamespace(hook, attributes, deps) ? invocation : undefined
}

function matchRules(hook: CompiledWebhook, attributes: AdmissionAttributes): Invocation | undefined {
  const { group, version, resource, view } = attributes
  const own = { group, version, resource }
  if (hook.rules.some((rule) => matchesRule(rule, attributes, own))) {
    return { hook, resource: own, kind: attributes.kind, view }
  }
  if (hook.webhook.matchPolicy === 'Exact' || view === undefined) return undefined
  const equivalents = equivalentsOf(view, own)
  // Earlier rules first, as upstream.
  for (const rule of hook.rules) {
    const equivalent = equivalents.find((other) => matchesRule(rule, attributes, other.resource))
    if (equivalent !== undefined) {
      const kind = isForeignKind(attributes) ? attributes.kind : equivalent.view.kindIn(equivalent.resource.version)
      return { hook, resource: equivalent.resource, kind, view: equivalent.view }
    }
  }
  return undefined
}

interface Equivalent {
  readonly view: AdmissionView
  readonly resource: GroupVersionResource
}

/** The other versions of the resource, and all versions of those that are stored with it. */
function equivalentsOf(view: AdmissionView, own: GroupVersionResource): Equivalent[] {
  const all = [{ ...own, view }, ...(view.equivalents ?? [])]
  return all.flatMap(({ group, resource, view: shown }) =>
    shown.versions
      .filter((version) => shown !== view || version !== own.version)
      .map((version) => ({ view: shown, resource: { group, version, resource } })),
  )
}

/** A kind of its own (bindings, exec options, scales): it is not converted with the resource's versions. */
export function isForeignKind({ kind, view, version }: AdmissionAttributes): boolean {
  return view === undefined || view.kindIn(version).kind !== kind.kind
}

const has = (items: readonly string[], wanted: string): boolean => items.includes(wanted) || items.includes('*')

function matchesRule(
  rule: CompiledRule,
  attributes: AdmissionAttributes,
  { group, version, resource: wanted }: GroupVersionResource,
): boolean {
  return (
    has(rule.operations, attributes.operation) &&
    has(rule.groups, group) &&
    has(rule.versions, version) &&
    matchesScope(rule.scope, attributes) &&
    rule.resources.some(
      ([resource, subresource]) =>
        (resource === '*' || resource === wanted) && (subresource === '*' || subresource === attributes.subresource),
    )
  )
}

function matchesScope(scope: string, attributes: AdmissionAttributes): boolean {
  if (scope === '*') return true
  // A Namespace's attributes carry its own name as namespace.
  const isNamespaced = attributes.namespace !== '' && !isNamespaceResource(attributes)
  return scope === 'Namespaced' ? isNamespaced : scope === 'Cluster' && !isNamespaced
}

const isNamespaceResource = ({ group, resource }: AdmissionAttributes): boolean =>
  group === '' && resource === 'namespaces'

function matchesObject({ objectSelector }: CompiledWebhook, { object, oldObject }: AdmissionAttributes): boolean {
  if (objectSelector.isEmpty) return true
  const matches = (one: DeepReadonly<KubeObject> | undefined): boolean =>
    one !== undefined && objectSelector.matches(one.metadata?.labels)
  return matches(object) || matches(oldObject)
}

function matchesNamespace(
  { namespaceSelector }: CompiledWebhook,
  attributes: AdmissionAttributes,
  deps: Pick<AdmissionDeps, 'namespace'>,
): boolean {
  if (namespaceSelector.isEmpty) return true
  const { namespace, operation, object, subresource } = attributes
  const isNamespace = isNamespaceResource(attributes)
  // What is cluster-scoped and no namespace is never exempt.
  if (namespace === '' && !isNamespace) return true
  if (isNamespace && subresource === '' && (operation === 'CREATE' || operation === 'UPDATE')) {
    return namespaceSelector.matches(object?.metadata.labels)
  }
  const found = deps.namespace(namespace)
  if (found === undefined) throw newNotFound({ group: '', resource: 'namespaces' }, namespace)
  return namespaceSelector.matches(found.metadata.labels)
}
