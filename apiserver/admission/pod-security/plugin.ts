/**
 * Pod Security Standards by namespace label: pods that violate what is enforced are refused, warn levels warn, also about
 * the templates of controllers; a stricter namespace is told which of its pods would not be let in any more.
 * Which policy was enforced, and what the audit level finds, go to the audit event.
 * Upstream: pod-security-admission admission/admission.go. Differs: no exemptions.
 */
import type { Container, Pod, PodSpec, PodTemplateSpec } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject, ObjectMeta } from '#machinery/api/meta/v1.ts'
import { newInvalid } from '#machinery/meta/errors.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { aggregateFieldErrors } from '#machinery/meta/field-error.ts'
import { deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionDeps } from '../deps.ts'
import { admissionForbidden } from '../forbidden.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../interfaces.ts'
import type { PodLike, Violation } from './check.ts'
import { detailText, reasonText, violations } from './evaluate.ts'
import type { LevelVersion, Policy } from './policy.ts'
import { isSame, isStricter, levelVersionText, PREFIX, policyOf } from './policy.ts'

type Deps = Pick<AdmissionDeps, 'namespace' | 'objects' | 'clock'>
type FrozenPod = DeepReadonly<Pod>

/** How much of a namespace is looked at when its level changes. */
const PODS_MAX = 3000
const PODS_TIME_MS = 1000

const IGNORED_SUBRESOURCES: ReadonlySet<string> = new Set([
  'exec',
  'attach',
  'binding',
  'eviction',
  'log',
  'portforward',
  'proxy',
  'status',
])

export function createPodSecurity(deps: Deps): AdmissionPlugin {
  return {
    name: 'PodSecurity',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    validate(attributes) {
      const { object, resource, group, subresource } = attributes
      if (object === undefined) return
      if (group === '' && resource === 'pods') {
        if (!IGNORED_SUBRESOURCES.has(subresource)) validatePod(attributes, object as Pod, deps)
      } else if (group === '' && resource === 'namespaces') {
        if (subresource === '') validateNamespace(attributes, object, deps)
      } else if (subresource === '') {
        const template = TEMPLATES.get(`${group}/${resource}`)?.(object as Workload)
        if (template !== undefined) validateTemplate(attributes, template, deps)
      }
    },
  }
}

interface Workload {
  readonly template?: PodTemplateSpec
  readonly spec?: {
    readonly template?: PodTemplateSpec
    readonly jobTemplate?: { readonly spec?: { readonly template?: PodTemplateSpec } }
  }
}

const specTemplate = ({ spec }: Workload): PodTemplateSpec | undefined => spec?.template

const TEMPLATES: ReadonlyMap<string, (object: Workload) => PodTemplateSpec | undefined> = new Map([
  ['/replicationcontrollers', specTemplate],
  ['/podtemplates', ({ template }: Workload) => template],
  ['apps/replicasets', specTemplate],
  ['apps/deployments', specTemplate],
  ['apps/statefulsets', specTemplate],
  ['apps/daemonsets', specTemplate],
  ['batch/jobs', specTemplate],
  ['batch/cronjobs', ({ spec }: Workload) => spec?.jobTemplate?.spec?.template],
])

function validatePod(attributes: AdmissionAttributes, pod: FrozenPod, deps: Deps): void {
  const { policy, errors } = policyOf(deps.namespace(attributes.namespace)?.metadata.labels)
  const { enforce, audit, warn } = policy
  if (errors.length === 0 && isFullyPrivileged(policy)) {
    attributes.request?.annotate?.(`${PREFIX}enforce-policy`, 'privileged:latest')
    return
  }
  const old = attributes.oldObject as FrozenPod | undefined
  if (attributes.operation === 'UPDATE' && old !== undefined && !hasOtherImages(pod.spec, old.spec)) return
  const subject = podLike(pod.metadata, pod.spec)
  annotateErrors(attributes, errors)
  attributes.request?.annotate?.(`${PREFIX}enforce-policy`, levelVersionText(enforce))
  annotateViolations(attributes, subject, audit)
  const found = violations(subject, enforce)
  if (found.length > 0) {
    const why = `violates PodSecurity "${levelVersionText(enforce)}": ${detailText(found)}`
    throw admissionForbidden(attributes, why)
  }
  warnAbout(attributes, subject, warn)
}

function validateTemplate(attributes: AdmissionAttributes, { metadata, spec }: PodTemplateSpec, deps: Deps): void {
  if (spec === undefined) return
  const { policy, errors } = policyOf(deps.namespace(attributes.namespace)?.metadata.labels)
  const subject = podLike(metadata, spec)
  annotateErrors(attributes, errors)
  annotateViolations(attributes, subject, policy.audit)
  warnAbout(attributes, subject, policy.warn)
}

const isFullyPrivileged = ({ enforce, audit, warn }: Policy): boolean =>
  [enforce, audit, warn].every(({ level }) => level === 'privileged')

function annotateErrors({ request }: AdmissionAttributes, errors: readonly FieldError[]): void {
  if (errors.length > 0)
    request?.annotate?.(`${PREFIX}error`, `Failed to parse policy: ${aggregateFieldErrors(errors)}`)
}

/** Nobody looks for violations that would be recorded nowhere. */
function annotateViolations({ request }: AdmissionAttributes, pod: PodLike, audit: LevelVersion): void {
  const annotate = request?.annotate
  const found = annotate === undefined ? [] : violations(pod, audit)
  if (found.length > 0) annotate?.(`${PREFIX}audit-violations`, violationText(found, audit))
}

function violationText(found: readonly Violation[], policy: LevelVersion): string {
  return `would violate PodSecurity "${levelVersionText(policy)}": ${detailText(found)}`
}

function warnAbout(attributes: AdmissionAttributes, pod: PodLike, warn: LevelVersion): void {
  const found = violations(pod, warn)
  if (found.length > 0) attributes.warn(violationText(found, warn))
}

function podLike(metadata: DeepReadonly<ObjectMeta> | undefined, spec: DeepReadonly<PodSpec>): PodLike {
  return { annotations: metadata?.annotations ?? {}, spec }
}

type Spec = DeepReadonly<PodSpec>
type Containers = readonly DeepReadonly<Pick<Container, 'name' | 'image'>>[]

/** Of what can be changed in a pod, only images and new containers matter. */
function hasOtherImages(spec: Spec, old: Spec): boolean {
  const differ = (a: Containers = [], b: Containers = []): boolean =>
    a.length !== b.length || a.some(({ image }, index) => image !== b[index]?.image)
  if (differ(spec.containers, old.containers) || differ(spec.initContainers, old.initContainers)) return true
  const before: Containers = old.ephemeralContainers ?? []
  return (spec.ephemeralContainers ?? []).some(({ name, image }) => {
    const same = before.find((container) => container.name === name)
    return same === undefined || same.image !== image
  })
}

function validateNamespace(attributes: AdmissionAttributes, namespace: KubeObject, deps: Deps): void {
  const { policy, errors } = policyOf(namespace.metadata.labels)
  const refuse = () => newInvalid({ group: '', kind: 'Namespace' }, attributes.name, errors)
  if (attributes.operation === 'CREATE') {
    if (errors.length > 0) throw refuse()
    return
  }
  const before = policyOf(attributes.oldObject?.metadata.labels)
  if (errors.length > 0 && !deepEqual(errors, before.errors)) throw refuse()
  const { enforce } = policy
  if (isSame(enforce, before.policy.enforce) || enforce.level === 'privileged') return
  if (enforce.minor === before.policy.enforce.minor && !isStricter(enforce, before.policy.enforce)) return
  const name = namespace.metadata.name ?? ''
  for (const warning of podWarnings(name, enforce, deps)) attributes.warn(warning)
}

interface PodCount {
  firstName: string
  pods: number
}

function podWarnings(namespace: string, enforce: LevelVersion, deps: Deps): string[] {
  const pods = onePerControllerFirst((deps.objects?.('', 'pods', namespace) ?? []) as readonly FrozenPod[])
  const counts = new Map<string, PodCount>()
  const deadlineMs = deps.clock.monotonicMs() + PODS_TIME_MS
  let checked = 0
  for (const { metadata, spec } of pods.slice(0, PODS_MAX)) {
    checked++
    const found = violations(podLike(metadata, spec), enforce)
    if (found.length > 0) count(counts, reasonText(found), metadata.name ?? '')
    if (deps.clock.monotonicMs() > deadlineMs) break
  }
  const warnings: string[] = []
  if (checked < pods.length) {
    warnings.push(
      `new PodSecurity enforce level only checked against the first ${checked} of ${pods.length} existing pods`,
    )
  }
  if (counts.size > 0) {
    const level = levelVersionText(enforce)
    warnings.push(`existing pods in namespace "${namespace}" violate the new PodSecurity enforce level "${level}"`)
  }
  return [...warnings, ...[...counts].map(([reason, found]) => podWarning(reason, found)).sort()]
}

function count(counts: Map<string, PodCount>, reason: string, name: string): void {
  const known = counts.get(reason)
  if (known === undefined) counts.set(reason, { firstName: name, pods: 1 })
  else {
    known.pods++
    if (name < known.firstName) known.firstName = name
  }
}

function podWarning(reason: string, { firstName, pods }: PodCount): string {
  if (pods === 1) return `${firstName}: ${reason}`
  return `${firstName} (and ${pods - 1} other ${pods === 2 ? 'pod' : 'pods'}): ${reason}`
}

/** Pods of one controller are alike: when there are too many, the first of each says the most. */
function onePerControllerFirst(pods: readonly FrozenPod[]): FrozenPod[] {
  const seen = new Set<string>()
  const first: FrozenPod[] = []
  const more: FrozenPod[] = []
  for (const pod of pods) {
    const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller === true)?.uid
    if (owner !== undefined && seen.has(owner)) more.push(pod)
    else first.push(pod)
    if (owner !== undefined) seen.add(owner)
  }
  return [...first, ...more]
}
