/**
 * pods/binding (and the legacy bindings resource): assigns a pending pod to a node, once.
 * Upstream: pkg/registry/core/pod/storage/storage.go BindingREST, pkg/apis/core/validation ValidatePodBinding.
 */

import type { IsGateEnabled } from '#apiserver/apis/feature-gates.ts'
import type { Binding, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newConflict, newInvalid } from '#machinery/meta/errors.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { StoredObjects } from '../../deps.ts'
import type { RequestContext, SubresourceDefinition } from '../../generic/interfaces.ts'

const PODS = { group: '', resource: 'pods' } as const

/** Who tells of a node beforehand no longer has to. */
const CLEARING_GATE = 'ClearingNominatedNodeNameAfterBinding'

export function podBinding(objects: StoredObjects, isGateEnabled: IsGateEnabled): SubresourceDefinition {
  return {
    name: 'binding',
    type: 'create',
    kind: { group: '', version: 'v1', kind: 'Binding' },
    create: (podName, object, context) => bindPod(objects, isGateEnabled, podName, object as Binding, context),
  }
}

export async function bindPod(
  objects: StoredObjects,
  isGateEnabled: IsGateEnabled,
  podName: string,
  binding: Binding,
  context: RequestContext,
): Promise<KubeObject> {
  const errors = validateBinding(binding)
  if (errors.length > 0) throw newInvalid({ group: '', kind: 'Binding' }, podName, errors)
  const change = (draft: KubeObject): void => {
    assign(draft as Pod, binding, context)
    if (isGateEnabled(CLEARING_GATE)) delete (draft as Pod).status?.nominatedNodeName
  }
  await objects.update('', 'pods', context.namespace, podName, change, context)
  return { apiVersion: 'v1', kind: 'Status', metadata: {}, status: 'Success', code: 201 } as KubeObject
}

function validateBinding(binding: Binding): FieldError[] {
  const errors: FieldError[] = []
  const kind = binding.target?.kind ?? ''
  if (kind !== '' && kind !== 'Node') errors.push(fieldNotSupported('target.kind', kind, ['Node', '<empty>']))
  if ((binding.target?.name ?? '') === '') errors.push(fieldRequired('target.name', ''))
  return errors
}

function assign(pod: Pod, binding: Binding, context: RequestContext): void {
  const name = pod.metadata.name ?? ''
  const node = binding.target.name ?? ''
  const refuse = (why: string): never => {
    throw newConflict({ group: '', resource: 'pods/binding' }, name, why)
  }
  if (binding.metadata?.uid !== undefined && binding.metadata.uid !== pod.metadata.uid) {
    throw newConflict(
      PODS,
      name,
      `Precondition failed: UID in precondition: ${binding.metadata.uid}, UID in object meta: ${pod.metadata.uid ?? ''}`,
    )
  }
  if (pod.metadata.deletionTimestamp !== undefined) refuse(`pod ${name} is being deleted, cannot be assigned to a host`)
  const assigned = pod.spec.nodeName ?? ''
  if (assigned !== '') refuse(`pod ${name} is already assigned to node "${assigned}"`)
  if ((pod.spec.schedulingGates ?? []).length > 0) refuse(`pod ${name} has non-empty .spec.schedulingGates`)
  pod.spec = { ...pod.spec, nodeName: node }
  if (binding.metadata?.annotations !== undefined) {
    pod.metadata.annotations = { ...pod.metadata.annotations, ...binding.metadata.annotations }
  }
  // Where the node is: PodTopologyLabels puts it on the binding.
  if (binding.metadata?.labels !== undefined) {
    pod.metadata.labels = { ...pod.metadata.labels, ...binding.metadata.labels }
  }
  const others = (pod.status?.conditions ?? []).filter((condition) => condition.type !== 'PodScheduled')
  const scheduled = { type: 'PodScheduled', status: 'True', lastTransitionTime: formatTime(context.clock.now()) }
  pod.status = { ...pod.status, conditions: [...others, scheduled] }
}
