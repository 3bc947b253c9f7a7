/** Gives pods the overhead and the scheduling of their RuntimeClass. Upstream: plugin/pkg/admission/runtimeclass/admission.go. */
import type { Pod, Toleration } from '#machinery/api/core/v1/types.gen.ts'
import type { RuntimeClass } from '#machinery/api/node/v1/types.gen.ts'
import { tryParseQuantity } from '#machinery/quantity/quantity.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionDeps } from '../deps.ts'
import { admissionForbidden, isResource } from '../forbidden.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../interfaces.ts'

type Deps = Pick<AdmissionDeps, 'peek'>
type FrozenClass = DeepReadonly<RuntimeClass>
type Amounts = Readonly<Record<string, string>>

const MISMATCH = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"

export function createRuntimeClass(deps: Deps): AdmissionPlugin {
  return {
    name: 'RuntimeClass',
    handles: (operation) => operation === 'CREATE',
    admit(attributes) {
      if (!isResource(attributes, '', 'pods')) return
      const pod = attributes.object as Pod
      const found = classOf(attributes, pod, deps)
      if (found?.overhead !== undefined) setOverhead(attributes, pod, found.overhead.podFixed ?? {})
      if (found?.scheduling !== undefined) setScheduling(attributes, pod, found.scheduling)
    },
    validate(attributes) {
      if (!isResource(attributes, '', 'pods')) return
      const { spec } = attributes.object as Pod
      const wanted = classOf(attributes, attributes.object as Pod, deps)?.overhead
      if (wanted === undefined) {
        if (spec.overhead === undefined) return
        const why = 'pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead'
        throw admissionForbidden(attributes, why)
      }
      if (!isSame(wanted.podFixed ?? {}, spec.overhead ?? {})) throw admissionForbidden(attributes, MISMATCH)
    },
  }
}

function classOf(attributes: AdmissionAttributes, { spec }: Pod, deps: Deps): FrozenClass | undefined {
  if (spec.runtimeClassName === undefined) return undefined
  const found = deps.peek('node.k8s.io', 'runtimeclasses', '', spec.runtimeClassName)
  if (found !== undefined) return found as FrozenClass
  throw admissionForbidden(attributes, `pod rejected: RuntimeClass "${spec.runtimeClassName}" not found`)
}

function setOverhead(attributes: AdmissionAttributes, { spec }: Pod, overhead: Amounts): void {
  if (spec.overhead !== undefined && !isSame(overhead, spec.overhead)) throw admissionForbidden(attributes, MISMATCH)
  spec.overhead = { ...overhead }
}

function isSame(a: Amounts, b: Amounts): boolean {
  const names = Object.keys(a)
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => {
      const amount = tryParseQuantity(String(a[name]))
      const other = tryParseQuantity(String(b[name]))
      return amount !== undefined && other !== undefined && amount.equals(other)
    })
  )
}

function setScheduling(
  attributes: AdmissionAttributes,
  { spec }: Pod,
  { nodeSelector, tolerations }: NonNullable<FrozenClass['scheduling']>,
): void {
  for (const [key, value] of Object.entries(nodeSelector ?? {})) {
    const own = spec.nodeSelector?.[key]
    if (own !== undefined && own !== value) {
      const why = `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`
      throw admissionForbidden(attributes, why)
    }
  }
  if (nodeSelector !== undefined) spec.nodeSelector = { ...spec.nodeSelector, ...nodeSelector }
  if (tolerations !== undefined) spec.tolerations = mergeTolerations(spec.tolerations ?? [], deepCopy(tolerations))
}

/** Without those that another one covers. Upstream: pkg/util/tolerations MergeTolerations. */
function mergeTolerations(own: readonly Toleration[], added: readonly Toleration[]): Toleration[] {
  const all = [...own, ...added]
  const merged: Toleration[] = []
  all.forEach((toleration, index) => {
    const isCovered =
      merged.some((kept) => covers(kept, toleration)) ||
      all.slice(index + 1).some((later) => !deepEqual(toleration, later) && covers(later, toleration))
    if (!isCovered) merged.push(toleration)
  })
  return merged
}

function covers(wide: Toleration, narrow: Toleration): boolean {
  if (deepEqual(wide, narrow)) return true
  if ((wide.key ?? '') !== (narrow.key ?? '') && (wide.key ?? '') !== '') return false
  if ((wide.effect ?? '') !== (narrow.effect ?? '') && (wide.effect ?? '') !== '') return false
  if (wide.effect === 'NoExecute' && wide.tolerationSeconds !== undefined) {
    // No seconds: for ever.
    if (
      narrow.tolerationSeconds === undefined ||
      Math.max(wide.tolerationSeconds, 0) < Math.max(narrow.tolerationSeconds, 0)
    ) {
      return false
    }
  }
  switch (wide.operator ?? 'Equal') {
    case 'Exists':
      return true
    case 'Equal':
      return (narrow.operator ?? 'Equal') === 'Equal' && (wide.value ?? '') === (narrow.value ?? '')
    default:
      return false
  }
}
