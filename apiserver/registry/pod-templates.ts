/**
 * Kinds with a pod template: what feature gates leave of it, and the rules it is judged by. Upstream: the
 * pod.DropDisabledTemplateFields and pod.GetValidationOptionsFromPodTemplate every such strategy calls.
 */
import { disabledFieldDropper } from '#apiserver/apis/core/pod/disabled-fields.ts'
import type { PodRules } from '#apiserver/apis/core/pod/rules.ts'
import { podRulesOf } from '#apiserver/apis/core/pod/rules.ts'
import type { IsGateEnabled } from '#apiserver/apis/feature-gates.ts'
import type { PodSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Strategy } from './generic/interfaces.ts'

type Frozen = DeepReadonly<KubeObject>

interface TemplatedKind<T extends KubeObject> {
  /** Undefined for an object that has no template. */
  readonly specOf: (object: T) => PodSpec | undefined
  readonly validate: (object: DeepReadonly<T>, rules: PodRules) => FieldError[]
  readonly validateUpdate: (object: DeepReadonly<T>, old: DeepReadonly<T>, rules: PodRules) => FieldError[]
  readonly others: Strategy
}

/** The strategy is made once; its rules for new objects as well. */
export function templatedStrategy<T extends KubeObject>(
  isGateEnabled: IsGateEnabled,
  { specOf, validate, validateUpdate, others }: TemplatedKind<T>,
): Strategy {
  const rulesOf = podRulesOf(isGateEnabled)
  const drop = disabledFieldDropper(isGateEnabled)
  const frozenSpecOf = (object: Frozen): DeepReadonly<PodSpec> | undefined => specOf(object as unknown as T)
  return {
    ...others,
    prepareForCreate(draft, context) {
      drop(specOf(draft as T), undefined)
      others.prepareForCreate?.(draft, context)
    },
    prepareForUpdate(draft, old, context) {
      drop(specOf(draft as T), frozenSpecOf(old))
      others.prepareForUpdate?.(draft, old, context)
    },
    validate: (object) => validate(object as DeepReadonly<T>, rulesOf(undefined)),
    validateUpdate: (object, old) =>
      validateUpdate(object as DeepReadonly<T>, old as DeepReadonly<T>, rulesOf(frozenSpecOf(old))),
  }
}
