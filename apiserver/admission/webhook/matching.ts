/**
 * Which webhooks a request concerns, and in which version each wants it.
 * Upstream: apiserver pkg/admission/plugin/webhook/{generic/webhook.go,predicates}. Differs: matchConditions are not
 * evaluated: a webhook that has some is called for everything else that matches (its configuration got a Warning).
 */

import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newNotFound } from '#machinery/meta/errors.ts'
import type { GroupVersionKind } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionDeps } from '../deps.ts'
import type { AdmissionAttributes } from '../interfaces.ts'
import type { CompiledRule, CompiledWebhook } from './configuration.ts'

/** One webhook to call, and what to show it. */
export interface Invocation {
  readonly hook: CompiledWebhook
  /** Of the resource; the object has it too unless its kind is another than the resource's. */
  readonly version: string
  readonly kind: GroupVersionKind
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
  const { version } = attributes
  if (hook.rules.some((rule) => matchesRule(rule, attributes, version))) {
    return { hook, version, kind: attributes.kind }
  }
  const { view } = attributes
  if (hook.webhook.matchPolicy === 'Exact' || view === undefined || view.versions.length < 2) return undefined
  // Earlier rules first, as upstream.
  for (const rule of hook.rules) {
    const equivalent = view.versions.find((other) => other !== version && matchesRule(rule, attributes, other))
    if (equivalent !== undefined) {
      const isForeign = isForeignKind(attributes)
      return { hook, version: equivalent, kind: isForeign ? attributes.kind : view.kindIn(equivalent) }
    }
  }
  return undefined
}

/** A kind of its own (bindings, exec options, scales): it is not converted with the resource's versions. */
export function isForeignKind({ kind, view, version }: AdmissionAttributes): boolean {
  return view === undefined || view.kindIn(version).kind !== kind.kind
}

const has = (items: readonly string[], wanted: string): boolean => items.includes(wanted) || items.includes('*')

function matchesRule(rule: CompiledRule, attributes: AdmissionAttributes, version: string): boolean {
  return (
    has(rule.operations, attributes.operation) &&
    has(rule.groups, attributes.group) &&
    has(rule.versions, version) &&
    matchesScope(rule.scope, attributes) &&
    rule.resources.some(
      ([resource, subresource]) =>
        (resource === '*' || resource === attributes.resource) &&
        (subresource === '*' || subresource === attributes.subresource),
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
