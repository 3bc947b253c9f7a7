/** What may change on a stored pod. Upstream: pkg/apis/core/validation ValidatePodUpdate and its subresource variants. */
import type { Container, Pod, PodSpec, Toleration } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import { isDns1123Subdomain } from '#machinery/meta/validation.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { addInvalid } from '../../validation.ts'
import { validateResourceRequirements } from './resources-validation.ts'
import { validatePod, validateTolerations } from './validation.ts'

type FrozenPod = DeepReadonly<Pod>

const UPDATE_REFUSED =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)'

export function validatePodUpdate(pod: FrozenPod, old: FrozenPod): FieldError[] {
  if (deepEqual(pod.spec, old.spec)) return []
  const errors: FieldError[] = []
  const isGated = (old.spec.schedulingGates ?? []).length > 0
  checkContainerCount(errors, pod, old)
  if (errors.length > 0) return errors
  checkImages(errors, 'containers', pod.spec.containers)
  checkImages(errors, 'initContainers', pod.spec.initContainers ?? [])
  checkDeadline(errors, pod, old)
  checkTolerations(errors, pod, old)
  checkGates(errors, pod, old)
  const munged = withAllowedChanges(pod.spec, old.spec, isGated)
  if (!deepEqual(munged, old.spec)) {
    errors.push(fieldForbidden('spec', `${UPDATE_REFUSED}\n${specDifference(munged, old.spec)}`))
  }
  return errors
}

function checkContainerCount(errors: FieldError[], pod: FrozenPod, old: FrozenPod): void {
  const refuse = (list: string): void => {
    errors.push(fieldForbidden(`spec.${list}`, `pod updates may not add or remove containers`))
  }
  if (pod.spec.containers.length !== old.spec.containers.length) refuse('containers')
  if ((pod.spec.initContainers ?? []).length !== (old.spec.initContainers ?? []).length) refuse('initContainers')
}

function checkImages(errors: FieldError[], list: string, containers: readonly DeepReadonly<Container>[]): void {
  containers.forEach(({ image = '' }, i) => {
    const field = `spec.${list}[${i}].image`
    if (image === '') errors.push(fieldRequired(field, ''))
    else if (image.trim() !== image) {
      errors.push(fieldInvalid(field, image, 'must not have leading or trailing whitespace'))
    }
  })
}

function checkDeadline(errors: FieldError[], pod: FrozenPod, old: FrozenPod): void {
  const { activeDeadlineSeconds: next } = pod.spec
  const { activeDeadlineSeconds: before } = old.spec
  const field = 'spec.activeDeadlineSeconds'
  if (next !== undefined && next !== before && next < 0) {
    errors.push(fieldInvalid(field, next, 'must be greater than or equal to 0'))
  } else if (next !== undefined && before !== undefined && next > before) {
    errors.push(fieldInvalid(field, next, 'must be less than or equal to previous value'))
  } else if (next === undefined && before !== undefined) {
    errors.push(fieldInvalid(field, null, 'must not update from a positive integer to nil value'))
  }
}

function checkTolerations(errors: FieldError[], pod: FrozenPod, old: FrozenPod): void {
  const next = pod.spec.tolerations ?? []
  const before = old.spec.tolerations ?? []
  if (deepEqual(next, before)) return
  validateTolerations(errors, 'spec.tolerations', next)
  const kept = (toleration: DeepReadonly<Toleration>): boolean =>
    next.some((other) => isSameToleration(toleration, other))
  if (!before.every(kept))
    errors.push(
      fieldForbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'),
    )
}

function isSameToleration(a: DeepReadonly<Toleration>, b: DeepReadonly<Toleration>): boolean {
  const { tolerationSeconds: _a, ...left } = a
  const { tolerationSeconds: _b, ...right } = b
  return deepEqual(left, right)
}

function checkGates(errors: FieldError[], pod: FrozenPod, old: FrozenPod): void {
  const before = new Set((old.spec.schedulingGates ?? []).map(({ name }) => name))
  const added = (pod.spec.schedulingGates ?? []).filter(({ name }) => !before.has(name))
  if (added.length === 0) return
  const names = added.map(({ name }) => `"${name}"`).join(', ')
  errors.push(
    fieldForbidden('spec.schedulingGates', `only deletion is allowed, but found new scheduling gate ${names}`),
  )
}

/** The new spec with everything that may change put back. */
function withAllowedChanges(spec: DeepReadonly<PodSpec>, old: DeepReadonly<PodSpec>, isGated: boolean): PodSpec {
  const munged = deepCopy<PodSpec>(spec)
  const restoreImages = (
    list: Container[] | undefined,
    before: readonly DeepReadonly<Container>[] | undefined,
  ): void => {
    list?.forEach((container, i) => {
      const image = before?.[i]?.image
      if (image === undefined) delete container.image
      else container.image = image
    })
  }
  restoreImages(munged.containers, old.containers)
  restoreImages(munged.initContainers, old.initContainers)
  const members: (keyof PodSpec)[] = ['activeDeadlineSeconds', 'tolerations', 'schedulingGates']
  if (isGated) members.push('nodeSelector', 'affinity')
  if ((old.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1) {
    members.push('terminationGracePeriodSeconds')
  }
  const target = munged as unknown as Record<string, unknown>
  for (const member of members) {
    if (old[member] === undefined) delete target[member]
    else target[member] = old[member]
  }
  return munged
}

/** Names what differs, for people; upstream prints a Go diff here. */
function specDifference(spec: DeepReadonly<PodSpec>, old: DeepReadonly<PodSpec>): string {
  const members = new Set([...Object.keys(spec), ...Object.keys(old)]) as Set<keyof PodSpec>
  const lines: string[] = []
  for (const member of members) {
    if (deepEqual(spec[member], old[member])) continue
    lines.push(`- ${member}: ${JSON.stringify(old[member]) ?? '<unset>'}`)
    lines.push(`+ ${member}: ${JSON.stringify(spec[member]) ?? '<unset>'}`)
  }
  return `${lines.join('\n')}\n`
}

export function validatePodStatusUpdate(pod: FrozenPod, old: FrozenPod): FieldError[] {
  const errors: FieldError[] = []
  const nominated = pod.status?.nominatedNodeName ?? ''
  if (nominated !== '') addInvalid(errors, 'status.nominatedNodeName', nominated, isDns1123Subdomain(nominated))
  if (!deepEqual(pod.spec.nodeName, old.spec.nodeName)) {
    errors.push(fieldForbidden('status.nodeName', 'may not be changed directly'))
  }
  return errors
}

export function validateEphemeralContainersUpdate(pod: FrozenPod, old: FrozenPod): FieldError[] {
  const errors = validatePod({ ...pod, spec: withoutEphemeral(pod.spec) })
  const next = pod.spec.ephemeralContainers ?? []
  const names = new Set<string>()
  next.forEach(({ name = '', image = '' }, i) => {
    const field = `spec.ephemeralContainers[${i}]`
    if (name === '') errors.push(fieldRequired(`${field}.name`, ''))
    if (image === '') errors.push(fieldRequired(`${field}.image`, ''))
    const isTaken =
      names.has(name) || [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].some((c) => c.name === name)
    if (isTaken) errors.push({ type: 'FieldValueDuplicate', field: `${field}.name`, badValue: name, detail: '' })
    names.add(name)
  })
  for (const before of old.spec.ephemeralContainers ?? []) {
    const now = next.find(({ name }) => name === before.name)
    if (now === undefined) {
      errors.push(
        fieldForbidden(
          'spec.ephemeralContainers',
          `existing ephemeral containers "${before.name}" may not be removed\n`,
        ),
      )
    } else if (!deepEqual(now, before)) {
      errors.push(
        fieldForbidden(
          'spec.ephemeralContainers',
          `existing ephemeral containers "${before.name}" may not be changed\n`,
        ),
      )
    }
  }
  return errors
}

function withoutEphemeral(spec: DeepReadonly<PodSpec>): DeepReadonly<PodSpec> {
  const { ephemeralContainers: _ephemeral, ...rest } = spec
  return rest
}

export function validatePodResize(pod: FrozenPod, old: FrozenPod): FieldError[] {
  const errors: FieldError[] = []
  const munged = deepCopy<PodSpec>(pod.spec)
  munged.containers.forEach((container, i) => {
    const before = old.spec.containers[i]
    if (container.resources !== undefined) {
      validateResourceRequirements(errors, `spec.containers[${i}].resources`, container.resources)
    }
    if (before?.resources === undefined) delete container.resources
    else container.resources = deepCopy<NonNullable<Container['resources']>>(before.resources)
  })
  if (!deepEqual(munged, old.spec)) {
    errors.push(fieldForbidden('spec', 'only cpu and memory resources are mutable'))
  }
  return errors
}
