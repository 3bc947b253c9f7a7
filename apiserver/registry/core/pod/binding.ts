/**
 * pods/binding (and the legacy bindings resource): assigns a pending pod to a node, once.
 * Upstream: pkg/registry/core/pod/storage/storage.go BindingREST, pkg/apis/core/validation ValidatePodBinding.
 */

import type { IsGateEnabled } from '#apiserver/apis/feature-gates.ts'
import type { Binding, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newBadRequest, newConflict, newInvalid } from '#machinery/meta/errors.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldNotSupported, fieldRequired } from '#machinery/meta/field-error.ts'
import type { StoredObjects } from '../../deps.ts'
import type { RequestContext, SubresourceDefinition } from '../../generic/interfaces.ts'
import { setPodCondition } from './condition.ts'

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
  if (binding.metadata?.name !== podName) throw newBadRequest('name in URL does not match name in Binding object')
  const errors = validateBinding(binding)
  if (errors.length > 0) throw newInvalid({ group: '', kind: 'Binding' }, podName, errors)
  const change = (draft: KubeObject, resourceVersion: string): void => {
    checkPreconditions(binding, draft, resourceVersion)
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
  setPodCondition(pod, { type: 'PodScheduled', status: 'True' }, context.clock.now())
}

/** Of the Pod the binder has seen. */
function checkPreconditions({ metadata }: Binding, pod: KubeObject, resourceVersion: string): void {
  const refuse = (what: string, wanted: string, actual: string): never => {
    const why = `Precondition failed: ${what} in precondition: ${wanted}, ${what} in object meta: ${actual}`
    throw newConflict(PODS, pod.metadata.name ?? '', why)
  }
  const { uid = '', resourceVersion: version = '' } = metadata ?? {}
  if (uid !== '' && uid !== pod.metadata.uid) refuse('UID', uid, pod.metadata.uid ?? '')
  if (version !== '' && version !== resourceVersion) refuse('ResourceVersion', version, resourceVersion)
}
