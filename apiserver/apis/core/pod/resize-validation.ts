/** In-place resizes: cpu and memory of a pod and its containers. Upstream: pkg/apis/core/validation ValidatePodResize. */
import type { Container, Pod, PodSpec, ResourceRequirements } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid } from '#machinery/meta/field-error.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { MIRROR_POD } from './annotations-validation.ts'
import { podQosClass } from './qos.ts'
import type { PodRules } from './rules.ts'
import { DEFAULT_POD_RULES } from './rules.ts'
import { isSameSpec } from './spec-equality.ts'
import { validateMetadataAndSpec } from './validation.ts'

type FrozenPod = DeepReadonly<Pod>
type FrozenContainer = DeepReadonly<Container>
type ResourceList = Readonly<Record<string, string>>
type FrozenRequirements = DeepReadonly<ResourceRequirements>

const RESIZABLE = ['cpu', 'memory']
const LISTS = ['containers', 'initContainers'] as const

export function validatePodResize(pod: FrozenPod, old: FrozenPod, rules: PodRules = DEFAULT_POD_RULES): FieldError[] {
  const refused = refusalOf(old)
  if (refused !== undefined) return [fieldForbidden('[]', refused)]
  const errors: FieldError[] = []
  validateMetadataAndSpec(errors, pod, rules)
  if ((old.status?.qosClass ?? podQosClass(old)) !== podQosClass(pod)) {
    const detail = 'Pod QOS Class may not change as a result of resizing'
    errors.push(fieldInvalid('spec', pod.status?.qosClass ?? '', detail))
  }
  if (!isSupportedByNode(old)) errors.push(fieldForbidden('spec', 'Pod running on node without support for resize'))
  const munged = deepCopy<PodSpec>(pod.spec)
  if (hasResources(old.spec) || hasResources(pod.spec)) checkPodLevel(errors, munged, old.spec)
  if ((old.status?.nodeAllocatableResourceClaimStatuses ?? []).length > 0) {
    errors.push(fieldForbidden('spec', 'pods with node allocatable resource claims cannot be resized'))
  }
  if (!checkOrder(errors, pod, old)) return errors
  checkContainers(errors, munged, pod, old)
  if (errors.length > 0 || isSameSpec(munged, old.spec)) return errors
  return [fieldForbidden('spec', 'only cpu and memory resources are mutable')]
}

function refusalOf({ metadata, spec }: FrozenPod): string | undefined {
  if (metadata.annotations?.[MIRROR_POD] !== undefined) return 'static pods cannot be resized'
  return spec.os?.name === 'windows' ? 'windows pods cannot be resized' : undefined
}

/** A kubelet that can resize tells the resources of what it runs. */
function isSupportedByNode({ status }: FrozenPod): boolean {
  const running = status?.containerStatuses?.find(({ state }) => state?.running !== undefined)
  return running === undefined || running.resources !== undefined
}

function hasResources({ resources }: DeepReadonly<PodSpec>): boolean {
  return Object.keys({ ...resources?.requests, ...resources?.limits }).length > 0
}

/** Puts the pod's own cpu and memory back in `munged`. */
function checkPodLevel(errors: FieldError[], munged: PodSpec, old: DeepReadonly<PodSpec>): void {
  if (old.resources !== undefined && munged.resources === undefined) {
    errors.push(fieldForbidden('spec.resources', 'pod-level resources cannot be removed'))
  }
  checkRemovals(errors, 'spec.resources', munged.resources, old.resources, 'pod-level resource')
  restoreComputeResources(munged, old)
  if (deepEqual(munged.resources, old.resources)) return
  errors.push(fieldForbidden('spec', 'only cpu and memory resources are mutable at pod-level'))
}

/** False when containers cannot be compared one by one. */
function checkOrder(errors: FieldError[], pod: FrozenPod, old: FrozenPod): boolean {
  const before = errors.length
  for (const list of LISTS) {
    const next: readonly FrozenContainer[] = pod.spec[list] ?? []
    const stored: readonly FrozenContainer[] = old.spec[list] ?? []
    if (next.length !== stored.length) {
      errors.push(fieldForbidden(`spec.${list}`, 'containers may not be added or removed on resize'))
      continue
    }
    next.forEach(({ name }, i) => {
      if (name === stored[i]?.name) return
      errors.push(fieldForbidden(`spec.${list}[${i}].name`, 'containers may not be renamed or reordered on resize'))
    })
  }
  return errors.length === before
}

function checkContainers(errors: FieldError[], munged: PodSpec, pod: FrozenPod, old: FrozenPod): void {
  for (const list of ['initContainers', 'containers'] as const) {
    old.spec[list]?.forEach((before, i) => {
      const at = `spec.${list}[${i}].resources`
      checkRemovals(errors, at, pod.spec[list]?.[i]?.resources, before.resources, 'resource')
    })
  }
  munged.containers.forEach((container, i) => {
    if (isOnlyResized(container, old.spec.containers[i])) return
    errors.push(fieldForbidden('spec', 'only cpu and memory resources are mutable'))
  })
  munged.initContainers?.forEach((container, i) => {
    checkInitContainer(errors, `spec.initContainers[${i}]`, container, old.spec.initContainers?.[i])
  })
}

function checkInitContainer(
  errors: FieldError[],
  at: string,
  container: Container,
  was: FrozenContainer | undefined,
): void {
  const isModified = !deepEqual(container, was)
  if (!isOnlyResized(container, was)) {
    errors.push(fieldForbidden(at, 'only cpu and memory resources for init or sidecar containers are mutable'))
  }
  if (!isModified || container.restartPolicy === 'Always') return
  for (const { restartPolicy } of container.resizePolicy ?? []) {
    if (restartPolicy !== 'RestartContainer') continue
    const detail = 'non-sidecar init containers with a resize policy of RestartContainer cannot be resized'
    errors.push(fieldForbidden(at, detail))
  }
}

/** Puts the stored cpu and memory back; claims never come with a resize, even unchanged, as upstream. */
function isOnlyResized(container: Container, was: FrozenContainer | undefined): boolean {
  const restored = restoreComputeResources(container, was)
  return (restored?.claims ?? []).length === 0 && deepEqual(container, was)
}

function checkRemovals(
  errors: FieldError[],
  at: string,
  next: FrozenRequirements | undefined,
  before: FrozenRequirements | undefined,
  what: string,
): void {
  for (const kind of ['requests', 'limits'] as const) {
    const kept: ResourceList = next?.[kind] ?? {}
    if (Object.keys(before?.[kind] ?? {}).every((name) => Object.hasOwn(kept, name))) continue
    errors.push(fieldForbidden(`${at}.${kind}`, `${what} ${kind} cannot be removed`))
  }
}

type Sized = Pick<Container, 'resources'>

function restoreComputeResources(target: Sized, was: DeepReadonly<Sized> | undefined): FrozenRequirements | undefined {
  if (target.resources === undefined && was?.resources === undefined) return undefined
  const { limits: newLimits, requests: newRequests, ...others } = target.resources ?? {}
  const limits = restoredList(newLimits, was?.resources?.limits)
  const requests = restoredList(newRequests, was?.resources?.requests)
  target.resources = {
    ...others,
    ...(limits === undefined ? {} : { limits }),
    ...(requests === undefined ? {} : { requests }),
  }
  // Upstream does not tell resources from none.
  if (Object.keys(target.resources).length === 0 && was?.resources === undefined) delete target.resources
  return target.resources
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
