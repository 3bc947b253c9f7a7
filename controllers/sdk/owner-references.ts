/** Owner references: finding, making and checking them. Upstream: apimachinery pkg/apis/meta/v1/controller_ref.go. */
import type { KubeObject, OwnerReference } from '#machinery/api/meta/v1.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** The one owner that manages the object. */
export function controllerOf(object: DeepReadonly<KubeObject>): DeepReadonly<OwnerReference> | undefined {
  return object.metadata.ownerReferences?.find((reference) => reference.controller === true)
}

export function isControlledBy(object: DeepReadonly<KubeObject>, owner: DeepReadonly<KubeObject>): boolean {
  const controller = controllerOf(object)
  return controller !== undefined && controller.uid === owner.metadata.uid
}

/** A reference that makes `owner` the controller and lets foreground deletion of it wait for the dependent. */
export function newControllerReference(owner: DeepReadonly<KubeObject>, resource: Resource): OwnerReference {
  return { ...newOwnerReference(owner, resource), controller: true, blockOwnerDeletion: true }
}

export function newOwnerReference(owner: DeepReadonly<KubeObject>, resource: Resource): OwnerReference {
  const { name = '', uid = '' } = owner.metadata
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, name, uid }
}
