/**
 * Pods: phase and QoS class are set on create, the spec hardly changes afterwards, deletion is graceful for pods a
 * kubelet may be running. Upstream: pkg/registry/core/pod/strategy.go.
 */

import { applyAppArmorAnnotations } from '#apiserver/apis/core/pod/app-armor.ts'
import { setServiceAccountAlias } from '#apiserver/apis/core/pod/defaults.ts'
import { disabledFieldDropper } from '#apiserver/apis/core/pod/disabled-fields.ts'
import { disabledStatusDropper } from '#apiserver/apis/core/pod/disabled-status-fields.ts'
import { podQosClass } from '#apiserver/apis/core/pod/qos.ts'
import { validatePodResize } from '#apiserver/apis/core/pod/resize-validation.ts'
import { podRulesOf } from '#apiserver/apis/core/pod/rules.ts'
import { isSameButForEmpties } from '#apiserver/apis/core/pod/spec-equality.ts'
import { validatePodStatusUpdate } from '#apiserver/apis/core/pod/status-validation.ts'
import { validateEphemeralContainersUpdate, validatePodUpdate } from '#apiserver/apis/core/pod/update-validation.ts'
import { validatePod } from '#apiserver/apis/core/pod/validation.ts'
import { podWarnings } from '#apiserver/apis/core/pod/warnings.ts'
import type { IsGateEnabled } from '#apiserver/apis/feature-gates.ts'
import { ipWarnings } from '#apiserver/apis/ip-validation.ts'
import type { Container, Pod, PodSpec, PodStatus } from '#machinery/api/core/v1/types.gen.ts'
import type { DeleteOptions, KubeObject } from '#machinery/api/meta/v1.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Strategy, SubresourceDefinition, Verb } from '../../generic/interfaces.ts'
import { templatedStrategy } from '../../pod-templates.ts'
import { restoreExcept, restoreMetadata } from '../../strategy.ts'
import { applyMatchLabelKeys } from './match-label-keys.ts'

const asPod = (object: KubeObject): Pod => object as Pod
const asFrozenPod = (object: DeepReadonly<KubeObject>): DeepReadonly<Pod> => object as DeepReadonly<Pod>

const POD: Strategy = {
  prepareForCreate(draft, context) {
    const pod = asPod(draft)
    pod.metadata.generation = 1
    applyMatchLabelKeys(pod)
    pod.status = { phase: 'Pending', qosClass: podQosClass(pod) }
    if ((pod.spec.schedulingGates ?? []).length > 0) {
      pod.status.conditions = [
        {
          type: 'PodScheduled',
          status: 'False',
          reason: 'SchedulingGated',
          message: 'Scheduling is blocked due to non-empty scheduling gates',
        },
      ]
    }
    applyAppArmorAnnotations(pod, (message) => context.warn(message))
  },
  prepareForUpdate(draft, old) {
    const pod = asPod(draft)
    setServiceAccountAlias(pod.spec)
    bumpGeneration(draft, old)
  },
  // Upstream warns of pods when they are made, not each time they change.
  warnings: (object, old) => (old === undefined ? podWarnings(asFrozenPod(object)) : []),
  returnsDeletedObject: true,
  gracePeriodSeconds: (object, options) => podGracePeriodSeconds(asFrozenPod(object), options),
}

export const podStrategy = (isGateEnabled: IsGateEnabled): Strategy =>
  templatedStrategy<Pod>(isGateEnabled, {
    specOf: ({ spec }) => spec,
    validate: validatePod,
    validateUpdate: validatePodUpdate,
    others: POD,
  })

/** Pods nobody runs go at once: unscheduled or finished ones. Upstream: CheckGracefulDelete. */
function podGracePeriodSeconds(pod: DeepReadonly<Pod>, options: DeleteOptions): number {
  const phase = pod.status?.phase
  if ((pod.spec.nodeName ?? '') === '' || phase === 'Failed' || phase === 'Succeeded') return 0
  const asked = options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
  return asked < 0 ? 1 : asked
}

export const podStatusStrategy = (isGateEnabled: IsGateEnabled): Strategy => {
  const drop = disabledStatusDropper(isGateEnabled)
  return {
    resetFields: ['spec', 'metadata.deletionTimestamp', 'metadata.ownerReferences'],
    prepareForUpdate(draft, old) {
      const pod = asPod(draft)
      const frozen = asFrozenPod(old)
      // The kubelet never learns about owners, so its writes must not change them.
      if (frozen.metadata.ownerReferences === undefined) delete pod.metadata.ownerReferences
      else pod.metadata.ownerReferences = frozen.metadata.ownerReferences.map((reference) => ({ ...reference }))
      pod.status ??= {}
      keepOlderMembers(pod.status, frozen.status ?? {})
      drop(pod.status, frozen.status ?? {})
    },
    warnings(object) {
      const { podIPs, hostIPs } = asFrozenPod(object).status ?? {}
      return Object.entries({ podIPs, hostIPs }).flatMap(([list, addresses]) =>
        (addresses ?? []).flatMap(({ ip = '' }, i) => ipWarnings(`status.${list}[${i}].ip`, ip)),
      )
    },
    validateUpdate: (object, old) => validatePodStatusUpdate(asFrozenPod(object), asFrozenPod(old)),
  }
}

/** What clients older than these members leave out. */
function keepOlderMembers(status: PodStatus, before: DeepReadonly<PodStatus>): void {
  if ((status.qosClass ?? '') === '' && before.qosClass !== undefined) status.qosClass = before.qosClass
  const { observedGeneration = 0 } = before
  if ((status.observedGeneration ?? 0) === 0 && observedGeneration !== 0) status.observedGeneration = observedGeneration
  const older = [...(before.conditions ?? [])]
  for (const condition of status.conditions ?? []) {
    // A type may be there more than once: the first is the first's.
    const at = older.findIndex(({ type }) => type === condition.type)
    const was = (at === -1 ? undefined : older.splice(at, 1)[0]?.observedGeneration) ?? 0
    if ((condition.observedGeneration ?? 0) === 0 && was !== 0) condition.observedGeneration = was
  }
}

const VIEW_VERBS: readonly Verb[] = ['get', 'patch', 'update']
const SPEC_ONLY: ReadonlySet<string> = new Set(['spec'])

/** Upstream's strategies of these views name what they leave, in GetResetFieldsFilter, but storage.go of 1.36 passes it to nobody. */
const OWNS_ALL: readonly string[] = []

/** /ephemeralcontainers: only that list may change. */
export const podEphemeralContainers = (isGateEnabled: IsGateEnabled): SubresourceDefinition => {
  const { drop, rulesOf } = podGates(isGateEnabled)
  return {
    name: 'ephemeralcontainers',
    type: 'view',
    verbs: VIEW_VERBS,
    strategy: {
      resetFields: OWNS_ALL,
      prepareForUpdate(draft, old) {
        const { ephemeralContainers } = asPod(draft).spec
        restoreExcept(draft, old, new Set())
        restoreMetadata(draft, old)
        const spec = deepCopy<PodSpec>(asPod(draft).spec)
        if (ephemeralContainers === undefined) delete spec.ephemeralContainers
        else spec.ephemeralContainers = ephemeralContainers
        asPod(draft).spec = spec
        drop(spec, asFrozenPod(old).spec)
        bumpGeneration(draft, old)
      },
      validateUpdate: (object, old) =>
        validateEphemeralContainersUpdate(asFrozenPod(object), asFrozenPod(old), rulesOf(asFrozenPod(old).spec)),
    },
  }
}

/** /resize: only the pod's and the containers' cpu and memory may change. */
export const podResize = (isGateEnabled: IsGateEnabled): SubresourceDefinition => {
  const { drop, rulesOf } = podGates(isGateEnabled)
  return {
    name: 'resize',
    type: 'view',
    verbs: VIEW_VERBS,
    strategy: {
      resetFields: OWNS_ALL,
      prepareForUpdate(draft, old) {
        restoreExcept(draft, old, SPEC_ONLY)
        restoreMetadata(draft, old)
        asPod(draft).spec = onlyResized(asPod(draft).spec, asFrozenPod(old).spec)
        drop(asPod(draft).spec, asFrozenPod(old).spec)
        bumpGeneration(draft, old)
      },
      validateUpdate: (object, old) =>
        validatePodResize(asFrozenPod(object), asFrozenPod(old), rulesOf(asFrozenPod(old).spec)),
    },
  }
}

const RESIZED_LISTS = ['containers', 'initContainers'] as const
const RESIZED_MEMBERS = ['resources', 'resizePolicy'] as const

/** What else the client changed is ignored; containers that are not the stored ones are left to the validation. */
function onlyResized(next: PodSpec, old: DeepReadonly<PodSpec>): PodSpec {
  const spec = deepCopy<PodSpec>(old)
  const haveCounts = RESIZED_LISTS.every((list) => (next[list] ?? []).length === (spec[list] ?? []).length)
  if (!haveCounts) return next
  for (const list of RESIZED_LISTS) {
    const stored: readonly Container[] = spec[list] ?? []
    const containers: Container[] = next[list] ?? []
    if (containers.some(({ name }, i) => name !== stored[i]?.name)) spec[list] = containers
    else
      stored.forEach((target, i) => {
        const source = containers[i] ?? target
        for (const member of RESIZED_MEMBERS) takeMember(target, source, member)
      })
  }
  takeMember(spec, next, 'resources')
  return spec
}

function takeMember<T, K extends keyof T>(target: T, source: T, member: K): void {
  if (source[member] === undefined) delete target[member]
  else target[member] = source[member]
}

interface PodGates {
  readonly drop: ReturnType<typeof disabledFieldDropper>
  readonly rulesOf: ReturnType<typeof podRulesOf>
}

const podGates = (isGateEnabled: IsGateEnabled): PodGates => ({
  drop: disabledFieldDropper(isGateEnabled),
  rulesOf: podRulesOf(isGateEnabled),
})

/** With a change of the spec; lists and maps without members are none, and are not stored then. */
function bumpGeneration(draft: KubeObject, old: DeepReadonly<KubeObject>): void {
  const pod = asPod(draft)
  const { spec } = asFrozenPod(old)
  const before = old.metadata.generation ?? 1
  const isEqual = deepEqual(pod.spec, spec)
  const isSame = isEqual || isSameButForEmpties(pod.spec, spec)
  pod.metadata.generation = isSame ? before : before + 1
  if (isSame && !isEqual) pod.spec = deepCopy<PodSpec>(spec)
}

export const podSelectableFields: Readonly<Record<string, (object: DeepReadonly<KubeObject>) => string>> = {
  'spec.nodeName': (object) => asFrozenPod(object).spec.nodeName ?? '',
  'spec.restartPolicy': (object) => asFrozenPod(object).spec.restartPolicy ?? '',
  'spec.schedulerName': (object) => asFrozenPod(object).spec.schedulerName ?? '',
  'spec.serviceAccountName': (object) => asFrozenPod(object).spec.serviceAccountName ?? '',
  'spec.hostNetwork': (object) => String(asFrozenPod(object).spec.hostNetwork ?? false),
  'status.phase': (object) => asFrozenPod(object).status?.phase ?? '',
  'status.podIP': (object) => asFrozenPod(object).status?.podIP ?? '',
  'status.podIPs': (object) => (asFrozenPod(object).status?.podIPs ?? []).map(({ ip }) => ip).join(','),
  'status.nominatedNodeName': (object) => asFrozenPod(object).status?.nominatedNodeName ?? '',
}
