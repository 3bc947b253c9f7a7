/**
 * Pods: phase and QoS class are set on create, the spec hardly changes afterwards, deletion is graceful for pods a
 * kubelet may be running. Upstream: pkg/registry/core/pod/strategy.go.
 */

import { setServiceAccountAlias } from '#apiserver/apis/core/pod/defaults.ts'
import { podQosClass } from '#apiserver/apis/core/pod/qos.ts'
import { validatePodResize } from '#apiserver/apis/core/pod/resize-validation.ts'
import { validatePodStatusUpdate } from '#apiserver/apis/core/pod/status-validation.ts'
import { validateEphemeralContainersUpdate, validatePodUpdate } from '#apiserver/apis/core/pod/update-validation.ts'
import { validatePod } from '#apiserver/apis/core/pod/validation.ts'
import { podWarnings } from '#apiserver/apis/core/pod/warnings.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeleteOptions, KubeObject } from '#machinery/api/meta/v1.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Strategy, SubresourceDefinition, Verb } from '../../generic/interfaces.ts'
import { restoreExcept } from '../../strategy.ts'
import { applyMatchLabelKeys } from './match-label-keys.ts'

const asPod = (object: KubeObject): Pod => object as Pod
const asFrozenPod = (object: DeepReadonly<KubeObject>): DeepReadonly<Pod> => object as DeepReadonly<Pod>

export const podStrategy: Strategy = {
  prepareForCreate(draft) {
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
  },
  prepareForUpdate(draft, old) {
    const pod = asPod(draft)
    setServiceAccountAlias(pod.spec)
    const before = old.metadata.generation ?? 1
    pod.metadata.generation = deepEqual(pod.spec, asFrozenPod(old).spec) ? before : before + 1
  },
  // Upstream warns of pods when they are made, not each time they change.
  warnings: (object, old) => (old === undefined ? podWarnings(asFrozenPod(object)) : []),
  validate: (object) => validatePod(asFrozenPod(object)),
  validateUpdate: (object, old) => validatePodUpdate(asFrozenPod(object), asFrozenPod(old)),
  returnsDeletedObject: true,
  gracePeriodSeconds: (object, options) => podGracePeriodSeconds(asFrozenPod(object), options),
}

/** Pods nobody runs go at once: unscheduled or finished ones. Upstream: CheckGracefulDelete. */
function podGracePeriodSeconds(pod: DeepReadonly<Pod>, options: DeleteOptions): number {
  const phase = pod.status?.phase
  if ((pod.spec.nodeName ?? '') === '' || phase === 'Failed' || phase === 'Succeeded') return 0
  const asked = options.gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30
  return asked < 0 ? 1 : asked
}

export const podStatusStrategy: Strategy = {
  resetFields: ['spec', 'metadata.deletionTimestamp', 'metadata.ownerReferences'],
  prepareForUpdate(draft, old) {
    const pod = asPod(draft)
    const frozen = asFrozenPod(old)
    // The kubelet never learns about owners, so its writes must not change them.
    if (frozen.metadata.ownerReferences === undefined) delete pod.metadata.ownerReferences
    else pod.metadata.ownerReferences = frozen.metadata.ownerReferences.map((reference) => ({ ...reference }))
    pod.status ??= {}
    const qosClass = frozen.status?.qosClass
    if (qosClass !== undefined) pod.status.qosClass = qosClass
  },
  validateUpdate: (object, old) => validatePodStatusUpdate(asFrozenPod(object), asFrozenPod(old)),
}

const VIEW_VERBS: readonly Verb[] = ['get', 'patch', 'update']
const SPEC_ONLY: ReadonlySet<string> = new Set(['spec'])

/** /ephemeralcontainers: only that list may change. */
export const podEphemeralContainers: SubresourceDefinition = {
  name: 'ephemeralcontainers',
  type: 'view',
  verbs: VIEW_VERBS,
  strategy: {
    writableFields: ['spec.ephemeralContainers'],
    prepareForUpdate(draft, old) {
      const { ephemeralContainers } = asPod(draft).spec
      restoreExcept(draft, old, new Set())
      const spec = { ...asPod(draft).spec }
      if (ephemeralContainers === undefined) delete spec.ephemeralContainers
      else spec.ephemeralContainers = ephemeralContainers
      asPod(draft).spec = spec
      bumpGeneration(draft, old)
    },
    validateUpdate: (object, old) => validateEphemeralContainersUpdate(asFrozenPod(object), asFrozenPod(old)),
  },
}

/** /resize: only containers' cpu and memory may change. */
export const podResize: SubresourceDefinition = {
  name: 'resize',
  type: 'view',
  verbs: VIEW_VERBS,
  strategy: {
    writableFields: ['containers', 'initContainers'].flatMap((list) =>
      ['resources', 'resizePolicy'].map((member) => `spec.${list}.*.${member}`),
    ),
    prepareForUpdate(draft, old) {
      restoreExcept(draft, old, SPEC_ONLY)
      bumpGeneration(draft, old)
    },
    validateUpdate: (object, old) => validatePodResize(asFrozenPod(object), asFrozenPod(old)),
  },
}

function bumpGeneration(draft: KubeObject, old: DeepReadonly<KubeObject>): void {
  const before = old.metadata.generation ?? 1
  draft.metadata.generation = deepEqual(asPod(draft).spec, asFrozenPod(old).spec) ? before : before + 1
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
