/**
 * Webhook configurations as compiled lists, sorted by configuration name. The list is made anew only when the cached
 * configurations are others than the last time; without any, asking costs one look into the cache.
 * Upstream: apiserver pkg/admission/configuration, pkg/admission/plugin/webhook/accessors.go.
 */
import type {
  MutatingWebhook,
  MutatingWebhookConfiguration,
  RuleWithOperations,
  ValidatingWebhook,
  ValidatingWebhookConfiguration,
} from '#machinery/api/admissionregistration/v1/types.gen.ts'
import type { LabelSelector } from '#machinery/api/meta/v1.ts'
import { newInternalError } from '#machinery/meta/errors.ts'
import type { LabelSelectorMatcher } from '#machinery/selectors/label.ts'
import { labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { MatchConditions } from '../../cel/match-conditions.ts'

type Configuration = DeepReadonly<MutatingWebhookConfiguration | ValidatingWebhookConfiguration>

export interface CompiledWebhook {
  /** Tells apart equal names of one configuration. */
  readonly uid: string
  readonly configurationName: string
  readonly webhook: DeepReadonly<MutatingWebhook & ValidatingWebhook>
  readonly rules: readonly CompiledRule[]
  readonly namespaceSelector: LabelSelectorMatcher
  readonly objectSelector: LabelSelectorMatcher
  readonly isIgnoringFailures: boolean
  /** Compiled when first asked; undefined without any. */
  readonly conditions: MatchConditions | undefined
}

export interface CompiledRule {
  readonly operations: readonly string[]
  readonly groups: readonly string[]
  readonly versions: readonly string[]
  /** `['pods', 'status']`; '*' for any. */
  readonly resources: readonly (readonly [resource: string, subresource: string])[]
  readonly scope: string
}

const NONE: readonly CompiledWebhook[] = []

/** `read` answers the cache's objects: the same ones as long as nothing has changed. */
export function createWebhookSource(read: () => readonly Configuration[]): () => readonly CompiledWebhook[] {
  let known: readonly Configuration[] = []
  let compiled: readonly CompiledWebhook[] = NONE
  // A change of one configuration leaves the others' compiled conditions as they are.
  const ofConfiguration = new WeakMap<Configuration, CompiledWebhook[]>()
  const compileKnown = (configuration: Configuration): CompiledWebhook[] => {
    const webhooks = ofConfiguration.get(configuration) ?? compileOne(configuration)
    ofConfiguration.set(configuration, webhooks)
    return webhooks
  }
  return () => {
    const current = read()
    if (current.length === 0) return NONE
    if (current.length !== known.length || current.some((one, i) => one !== known[i])) {
      compiled = inOrder(current).flatMap(compileKnown)
      known = current
    }
    return compiled
  }
}

function inOrder(configurations: readonly Configuration[]): Configuration[] {
  return [...configurations].sort((a, b) => ((a.metadata.name ?? '') < (b.metadata.name ?? '') ? -1 : 1))
}

function compileOne(configuration: Configuration): CompiledWebhook[] {
  const configurationName = configuration.metadata.name ?? ''
  const seen = new Map<string, number>()
  return (configuration.webhooks ?? []).map((webhook: DeepReadonly<MutatingWebhook | ValidatingWebhook>) => {
    const index = seen.get(webhook.name) ?? 0
    seen.set(webhook.name, index + 1)
    return {
      uid: `${configurationName}/${webhook.name}/${index}`,
      configurationName,
      webhook,
      rules: (webhook.rules ?? []).map(compileRule),
      namespaceSelector: compileSelector(webhook.namespaceSelector),
      objectSelector: compileSelector(webhook.objectSelector),
      isIgnoringFailures: webhook.failurePolicy === 'Ignore',
      conditions:
        (webhook.matchConditions ?? []).length === 0 ? undefined : new MatchConditions(webhook.matchConditions ?? []),
    }
  })
}

/** A selector that cannot be read fails the requests it would decide about, not all of them. */
function compileSelector(selector: DeepReadonly<LabelSelector> = {}): LabelSelectorMatcher {
  try {
    return labelSelectorAsMatcher(selector)
  } catch (err: unknown) {
    const refuse = (): never => {
      throw newInternalError(errorMessage(err))
    }
    return { isEmpty: false, requirements: [], matches: refuse }
  }
}

function compileRule(rule: DeepReadonly<RuleWithOperations>): CompiledRule {
  return {
    operations: rule.operations ?? [],
    groups: rule.apiGroups ?? [],
    versions: rule.apiVersions ?? [],
    resources: (rule.resources ?? []).map(splitResource),
    scope: rule.scope ?? '*',
  }
}

function splitResource(text: string): readonly [string, string] {
  const slash = text.indexOf('/')
  return slash === -1 ? [text, ''] : [text.slice(0, slash), text.slice(slash + 1)]
}
