/** SelfSubjectRulesReview, `kubectl auth can-i --list`. Upstream: pkg/registry/authorization/selfsubjectrulesreview. */
import type {
  NonResourceRule,
  ResourceRule,
  SelfSubjectRulesReview,
} from '#machinery/api/authorization/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newBadRequest } from '#machinery/meta/errors.ts'
import type { PolicyRule, RuleResolver } from '../../authorization/interfaces.ts'
import type { RequestContext } from '../generic/interfaces.ts'

export function reviewSelfRules(resolver: RuleResolver): (object: KubeObject, context: RequestContext) => KubeObject {
  return (object, context) => {
    const review = object as SelfSubjectRulesReview
    const namespace = review.spec?.namespace ?? ''
    if (namespace === '') throw newBadRequest('no namespace on request')
    const { rules, errors } = resolver.rulesFor(context.user, namespace)
    const status = {
      resourceRules: rules.filter(isResourceRule).map(resourceRule),
      nonResourceRules: rules.filter((rule) => !isResourceRule(rule)).map(nonResourceRule),
      incomplete: errors.length > 0,
      ...(errors.length === 0 ? {} : { evaluationError: errors.join(', ') }),
    }
    return { ...review, status } as KubeObject
  }
}

function isResourceRule({ resources = [] }: PolicyRule): boolean {
  return resources.length > 0
}

function resourceRule({ verbs, apiGroups = [], resources = [], resourceNames = [] }: PolicyRule): ResourceRule {
  return {
    verbs: [...verbs],
    apiGroups: [...apiGroups],
    resources: [...resources],
    ...(resourceNames.length === 0 ? {} : { resourceNames: [...resourceNames] }),
  }
}

function nonResourceRule({ verbs, nonResourceURLs = [] }: PolicyRule): NonResourceRule {
  return { verbs: [...verbs], nonResourceURLs: [...nonResourceURLs] }
}
