/** Claims may grow where their class says so. Upstream: plugin/pkg/admission/storage/persistentvolume/resize/admission.go. */
import type { PersistentVolumeClaim } from '#machinery/api/core/v1/types.gen.ts'
import { tryParseQuantity, ZERO_QUANTITY } from '#machinery/quantity/quantity.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionDeps } from '../deps.ts'
import { admissionForbidden, isResource } from '../forbidden.ts'
import type { AdmissionPlugin } from '../interfaces.ts'

type FrozenClaim = DeepReadonly<PersistentVolumeClaim>

export function createPersistentVolumeClaimResize(deps: Pick<AdmissionDeps, 'storageClasses'>): AdmissionPlugin {
  return {
    name: 'PersistentVolumeClaimResize',
    handles: (operation) => operation === 'UPDATE',
    validate(attributes) {
      if (!isResource(attributes, '', 'persistentvolumeclaims')) return
      const claim = attributes.object as PersistentVolumeClaim
      const old = attributes.oldObject as FrozenClaim
      if (sizeOf(claim).compare(sizeOf(old)) <= 0) return
      if (old.status?.phase !== 'Bound') {
        throw admissionForbidden(attributes, 'Only bound persistent volume claims can be expanded')
      }
      const className = classOf(claim)
      const isSame = className !== '' && className === classOf(old)
      const found = isSame ? deps.storageClasses().find(({ metadata }) => metadata.name === className) : undefined
      if (found?.allowVolumeExpansion === true) return
      const why =
        'only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize'
      throw admissionForbidden(attributes, why)
    },
  }
}

const sizeOf = ({ spec }: FrozenClaim) =>
  tryParseQuantity(String(spec.resources?.requests?.['storage'] ?? '0')) ?? ZERO_QUANTITY

const classOf = ({ metadata, spec }: FrozenClaim): string =>
  metadata.annotations?.['volume.beta.kubernetes.io/storage-class'] ?? spec.storageClassName ?? ''
