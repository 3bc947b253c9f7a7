/**
 * Which Pods belong together when a Pod has no constraints of its own: those behind its Services and of its controller.
 * Upstream: plugins/helper/spread.go DefaultSelector. Differs: Services are found by an index, not by looking at all of
 * the namespace.
 */
import { REPLICA_SETS, STATEFUL_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import type { ReplicaSet, StatefulSet } from '#machinery/api/apps/v1/types.gen.ts'
import { REPLICATION_CONTROLLERS, SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { ReplicationController, Service } from '#machinery/api/core/v1/types.gen.ts'
import type { LabelSelector } from '#machinery/api/meta/v1.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { LabelSelectorMatcher } from '#machinery/selectors/label.ts'
import { EVERYTHING, labelSelectorAsMatcher } from '#machinery/selectors/label.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ControllerContext } from '#sdk'
import { controllerOf } from '#sdk'
import type { FrozenPod } from '../../framework/interfaces.ts'

const SELECTOR_INDEX = 'first-selector-label'

export class DefaultSelectors {
  readonly #services: Lister<Service>
  readonly #controllers: Lister<ReplicationController>
  readonly #replicaSets: Lister<ReplicaSet>
  readonly #statefulSets: Lister<StatefulSet>

  constructor({ informer, lister }: Pick<ControllerContext, 'informer' | 'lister'>) {
    const services = informer(SERVICES)
    services.addIndex(SELECTOR_INDEX, firstSelectorLabel)
    this.#services = services.lister
    this.#controllers = lister(REPLICATION_CONTROLLERS)
    this.#replicaSets = lister(REPLICA_SETS)
    this.#statefulSets = lister(STATEFUL_SETS)
  }

  /** Empty (`isEmpty`) when nothing groups the Pod. */
  selectorFor(pod: FrozenPod): LabelSelectorMatcher {
    const labels: Record<string, string> = {}
    for (const service of this.#servicesOf(pod)) Object.assign(labels, service.spec?.selector)
    const owner = this.#ownerSelector(pod)
    const { matchLabels, matchExpressions = [] } = owner ?? {}
    // Both must hold; that they contradict each other is possible only while the Pod no longer belongs to one of them.
    const same = Object.entries(matchLabels ?? {}).map(([key, value]) => ({ key, operator: 'In', values: [value] }))
    const selector = { matchLabels: labels, matchExpressions: [...same, ...matchExpressions] }
    try {
      return labelSelectorAsMatcher(selector)
    } catch {
      return EVERYTHING
    }
  }

  #servicesOf({ metadata }: FrozenPod): DeepReadonly<Service>[] {
    const { namespace = '', labels = {} } = metadata
    return Object.entries(labels)
      .flatMap(([key, value]) => this.#services.byIndex(SELECTOR_INDEX, indexValue(namespace, key, value)))
      .filter(({ spec }) => Object.entries(spec?.selector ?? {}).every(([key, value]) => labels[key] === value))
  }

  #ownerSelector(pod: FrozenPod): DeepReadonly<LabelSelector> | undefined {
    const owner = controllerOf(pod)
    if (owner === undefined) return undefined
    const { namespace = '' } = pod.metadata
    const key = { namespace, name: owner.name }
    switch (`${owner.apiVersion} ${owner.kind}`) {
      case 'v1 ReplicationController': {
        const selector = this.#controllers.get(key)?.spec?.selector
        return selector === undefined ? undefined : { matchLabels: selector }
      }
      case 'apps/v1 ReplicaSet':
        return this.#replicaSets.get(key)?.spec?.selector
      case 'apps/v1 StatefulSet':
        return this.#statefulSets.get(key)?.spec?.selector
      default:
        return undefined
    }
  }
}

/** A Pod that a Service selects has this label, so a look-up per label of the Pod finds all of its Services. */
function firstSelectorLabel({ metadata, spec }: DeepReadonly<Service>): readonly string[] {
  const [first] = Object.entries(spec?.selector ?? {})
  return first === undefined ? [] : [indexValue(metadata.namespace ?? '', ...first)]
}

const indexValue = (namespace: string, key: string, value: string): string => `${namespace}/${key}=${value}`
