/** Where the devices of a slice, or one of them, are. Upstream: pkg/apis/resource/validation. */
import type { Device, ResourceSliceSpec } from '#machinery/api/resource/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import { isDns1123Subdomain } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { validateNodeSelectorTerms } from '../core/pod/affinity-validation.ts'
import { addInvalid } from '../validation.ts'

type Placed = DeepReadonly<Pick<Device & ResourceSliceSpec, 'nodeName' | 'nodeSelector' | 'allNodes'>>

/** Checks each of the places, and names those that are given. `checkSelector` adds to what a selector is asked. */
export function collectPlaces(
  errors: FieldError[],
  field: string,
  placed: Placed,
  emptyDetail: string,
  checkSelector?: () => void,
): string[] {
  const { nodeName, nodeSelector, allNodes } = placed
  const places: string[] = []
  if (nodeName === '') errors.push(fieldInvalid(`${field}.nodeName`, '', emptyDetail))
  else if (nodeName !== undefined) {
    places.push('`nodeName`')
    addInvalid(errors, `${field}.nodeName`, nodeName, isDns1123Subdomain(nodeName))
  }
  if (nodeSelector !== undefined) {
    places.push('`nodeSelector`')
    validateNodeSelectorTerms(errors, `${field}.nodeSelector.nodeSelectorTerms`, nodeSelector.nodeSelectorTerms)
    checkSelector?.()
  }
  if (allNodes === true) places.push('`allNodes`')
  else if (allNodes === false)
    errors.push(fieldInvalid(`${field}.allNodes`, false, 'must be either unset or set to true'))
  return places
}
