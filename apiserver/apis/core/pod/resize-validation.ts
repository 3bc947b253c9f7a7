/** In-place resizes: cpu and memory of running containers. Upstream: pkg/apis/core/validation ValidatePodResize. */
import type { Container, Pod, PodSpec, ResourceRequirements } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid } from '#machinery/meta/field-error.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { MIRROR_POD } from './annotations-validation.ts'
import { podQosClass } from './qos.ts'
import { validateMetadataAndSpec } from './validation.ts'

type FrozenPod = DeepReadonly<Pod>
type ResourceList = Readonly<Record<string, string>>
type FrozenRequirements = DeepReadonly<ResourceRequirements>

const RESIZABLE = ['cpu', 'memory']

export function validatePodResize(pod: FrozenPod, old: FrozenPod): FieldError[] {
  const refused = refusalOf(old)
  if (refused !== undefined) return [fieldForbidden('', refused)]
  const errors: FieldError[] = []
  validateMetadataAndSpec(errors, pod)
  if ((old.status?.qosClass ?? podQosClass(old)) !== podQosClass(pod)) {
    const detail = 'Pod QOS Class may not change as a result of resizing'
    errors.push(fieldInvalid('spec', pod.status?.qosClass ?? '', detail))
  }
  if (old.spec.resources !== undefined) checkRemovals(errors, 'spec.resources', pod.spec.resources, old.spec.resources)
  for (const list of ['initContainers', 'containers'] as const) {
    old.spec[list]?.forEach((before, i) => {
      if (list === 'initContainers' && before.restartPolicy !== 'Always') return
      const at = `spec.${list}[${i}].resources`
      checkRemovals(errors, at, pod.spec[list]?.[i]?.resources, before.resources)
    })
  }
  checkOnlyResized(errors, pod, old)
  return errors
}

function refusalOf({ metadata, spec }: FrozenPod): string | undefined {
  if (metadata.annotations?.[MIRROR_POD] !== undefined) return 'static pods cannot be resized'
  return spec.os?.name === 'windows' ? 'windows pods cannot be resized' : undefined
}

function checkRemovals(
  errors: FieldError[],
  at: string,
  next: FrozenRequirements | undefined,
  before: FrozenRequirements | undefined,
): void {
  for (const kind of ['requests', 'limits'] as const) {
    const kept: ResourceList = next?.[kind] ?? {}
    if (Object.keys(before?.[kind] ?? {}).every((name) => Object.hasOwn(kept, name))) continue
    errors.push(fieldForbidden(`${at}.${kind}`, `resource ${kind} cannot be removed`))
  }
}

/** Everything but cpu and memory, of containers that can be resized, must be as it was. */
function checkOnlyResized(errors: FieldError[], pod: FrozenPod, old: FrozenPod): void {
  const before = errors.length
  const munged = deepCopy<PodSpec>(pod.spec)
  munged.containers.forEach((container, i) => {
    const was = old.spec.containers[i]
    restoreComputeResources(container, was)
    if (!deepEqual(container, was)) errors.push(fieldForbidden('spec', 'only cpu and memory resources are mutable'))
  })
  munged.initContainers?.forEach((container, i) => {
    const was = old.spec.initContainers?.[i]
    const isSidecar = container.restartPolicy === 'Always'
    if (isSidecar) restoreComputeResources(container, was)
    if (deepEqual(container, was)) return
    const detail = isSidecar
      ? 'only cpu and memory resources for sidecar containers are mutable'
      : 'resources for non-sidecar init containers are immutable'
    errors.push(fieldForbidden('spec', detail))
  })
  if (errors.length > before) return
  restoreComputeResources(munged, old.spec)
  if (!deepEqual(munged, old.spec)) errors.push(fieldForbidden('spec', 'only cpu and memory resources are mutable'))
}

type Sized = Pick<Container, 'resources'>

function restoreComputeResources(target: Sized, was: DeepReadonly<Sized> | undefined): void {
  if (target.resources === undefined && was?.resources === undefined) return
  const { limits: newLimits, requests: newRequests, ...others } = target.resources ?? {}
  const limits = restoredList(newLimits, was?.resources?.limits)
  const requests = restoredList(newRequests, was?.resources?.requests)
  target.resources = {
    ...others,
    ...(limits === undefined ? {} : { limits }),
    ...(requests === undefined ? {} : { requests }),
  }
}

function restoredList(
  list: ResourceList | undefined,
  was: ResourceList | undefined,
): Record<string, string> | undefined {
  const restored: Record<string, string> = { ...list }
  for (const name of RESIZABLE) {
    const value = was?.[name]
    if (value === undefined) delete restored[name]
    else restored[name] = value
  }
  return Object.keys(restored).length === 0 && was === undefined ? undefined : restored
}
