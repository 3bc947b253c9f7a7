/** Turns a pod's priority class into its number. Upstream: plugin/pkg/admission/priority/admission.go. */
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { PriorityClass } from '#machinery/api/scheduling/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionDeps } from '../deps.ts'
import { admissionForbidden, isResource } from '../forbidden.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../interfaces.ts'

type Deps = Pick<AdmissionDeps, 'priorityClass' | 'priorityClasses'>

interface Resolved {
  readonly name: string
  readonly value: number
  readonly preemptionPolicy: string
}

/** They exist before their objects do. */
const SYSTEM_CLASSES: ReadonlyMap<string, number> = new Map([
  ['system-node-critical', 2_000_001_000],
  ['system-cluster-critical', 2_000_000_000],
])
const DEFAULT_POLICY = 'PreemptLowerPriority'

export function createPriority(deps: Deps): AdmissionPlugin {
  return {
    name: 'Priority',
    handles: (operation) => operation === 'CREATE' || operation === 'UPDATE',
    admit(attributes) {
      if (!isResource(attributes, '', 'pods')) return
      const pod = attributes.object as Pod
      if (attributes.operation === 'CREATE') setPriority(deps, attributes, pod)
      else keepPriority(pod, attributes.oldObject as DeepReadonly<Pod>)
    },
    validate(attributes) {
      if (!isResource(attributes, 'scheduling.k8s.io', 'priorityclasses')) return
      const wanted = attributes.object as PriorityClass | undefined
      if (wanted?.globalDefault !== true) return
      const other = deps
        .priorityClasses()
        .find((c) => c.globalDefault === true && c.metadata.name !== wanted.metadata.name)
      if (other === undefined) return
      const why = `PriorityClass ${other.metadata.name ?? ''} is already marked as default. Only one default can exist`
      throw admissionForbidden(attributes, why)
    },
  }
}

function setPriority(deps: Deps, attributes: AdmissionAttributes, pod: Pod): void {
  const { priorityClassName: name = '' } = pod.spec
  const resolved = name === '' ? globalDefault(deps) : named(deps, name)
  if (resolved === undefined) throw admissionForbidden(attributes, `no PriorityClass with name ${name} was found`)
  if (pod.spec.priority !== undefined && pod.spec.priority !== resolved.value) {
    const why = `the integer value of priority (${pod.spec.priority}) must not be provided in pod spec; priority admission controller computed ${resolved.value} from the given PriorityClass name`
    throw admissionForbidden(attributes, why)
  }
  if (pod.spec.preemptionPolicy !== undefined && pod.spec.preemptionPolicy !== resolved.preemptionPolicy) {
    const why = `the string value of PreemptionPolicy (${pod.spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${resolved.preemptionPolicy} from the given PriorityClass name`
    throw admissionForbidden(attributes, why)
  }
  pod.spec.priority = resolved.value
  pod.spec.preemptionPolicy = resolved.preemptionPolicy
  if (resolved.name !== '') pod.spec.priorityClassName = resolved.name
}

/** Who replaces a Pod by what he once wrote does not know what was put into it. */
function keepPriority({ spec }: Pod, { spec: old }: DeepReadonly<Pod>): void {
  if (spec.priority === undefined && old.priority !== undefined) spec.priority = old.priority
  if (spec.preemptionPolicy === undefined && old.preemptionPolicy !== undefined)
    spec.preemptionPolicy = old.preemptionPolicy
}

function named(deps: Deps, name: string): Resolved | undefined {
  const found = deps.priorityClass(name)
  if (found !== undefined) return resolve(found)
  const value = SYSTEM_CLASSES.get(name)
  return value === undefined ? undefined : { name, value, preemptionPolicy: DEFAULT_POLICY }
}

/** The lowest of several defaults, which can be there for a moment. */
function globalDefault(deps: Deps): Resolved {
  let lowest: DeepReadonly<PriorityClass> | undefined
  for (const candidate of deps.priorityClasses()) {
    if (candidate.globalDefault !== true) continue
    if (lowest === undefined || (candidate.value ?? 0) < (lowest.value ?? 0)) lowest = candidate
  }
  return lowest === undefined ? { name: '', value: 0, preemptionPolicy: DEFAULT_POLICY } : resolve(lowest)
}

const resolve = ({ metadata, value, preemptionPolicy }: DeepReadonly<PriorityClass>): Resolved => ({
  name: metadata.name ?? '',
  value: value ?? 0,
  preemptionPolicy: preemptionPolicy ?? DEFAULT_POLICY,
})
