/**
 * Whether a CRD's names are free in its group, and the conditions that say so.
 * Upstream: apiextensions-apiserver pkg/controller/status/naming_controller.go, pkg/controller/establish.
 */
import type { CustomResourceDefinitionNames } from '#machinery/api/apiextensions/v1/types.gen.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import { findCondition, isConditionTrue, setCondition } from '../definition/conditions.ts'
import { isValidCaBundle } from '../definition/conversion-rules.ts'
import type { Crd } from '../definition/types.ts'

interface TakenNames {
  readonly resources: ReadonlySet<string>
  readonly kinds: ReadonlySet<string>
}

/** Names accepted for the CRDs of one group. */
export function takenNames(crds: Iterable<Crd>): TakenNames {
  const resources = new Set<string>()
  const kinds = new Set<string>()
  for (const crd of crds) {
    const accepted = crd.status?.acceptedNames
    if (accepted === undefined) continue
    for (const name of [accepted.plural, accepted.singular, ...(accepted.shortNames ?? [])]) resources.add(name ?? '')
    for (const kind of [accepted.kind, accepted.listKind]) kinds.add(kind ?? '')
  }
  return { resources, kinds }
}

/** Accepts what is free, in place, and sets NamesAccepted and (not yet true) Established. */
export function acceptNames(crd: Crd, taken: TakenNames, now: Date): void {
  const requested = crd.spec.names
  const accepted: CustomResourceDefinitionNames = deepCopy(crd.status?.acceptedNames ?? { plural: '', kind: '' })
  const conflicts: { reason: string; message: string }[] = []
  const claim = (
    field: 'plural' | 'singular' | 'kind' | 'listKind',
    used: ReadonlySet<string>,
    reason: string,
  ): void => {
    const wanted = requested[field] ?? ''
    if (wanted !== (accepted[field] ?? '') && used.has(wanted)) conflicts.push({ reason, message: inUse(wanted) })
    else accepted[field] = wanted
  }
  claim('plural', taken.resources, 'PluralConflict')
  claim('singular', taken.resources, 'SingularConflict')
  claimShortNames(requested, accepted, taken.resources, conflicts)
  claim('kind', taken.kinds, 'KindConflict')
  claim('listKind', taken.kinds, 'ListKindConflict')
  if (requested.categories === undefined) delete accepted.categories
  else accepted.categories = [...requested.categories]
  crd.status ??= {}
  crd.status.acceptedNames = accepted
  setNamingConditions(crd, conflicts.at(-1), now)
}

const inUse = (name: string): string => `${JSON.stringify(name)} is already in use`

function claimShortNames(
  requested: CustomResourceDefinitionNames,
  accepted: CustomResourceDefinitionNames,
  used: ReadonlySet<string>,
  conflicts: { reason: string; message: string }[],
): void {
  const wanted = requested.shortNames ?? []
  const mine = accepted.shortNames ?? []
  if (deepEqual(wanted, mine)) return
  const messages = wanted.filter((name) => !mine.includes(name) && used.has(name)).map(inUse)
  if (messages.length > 0) {
    const unique = [...new Set(messages)]
    const message = unique.length === 1 ? (unique[0] ?? '') : `[${unique.join(', ')}]`
    conflicts.push({ reason: 'ShortNamesConflict', message })
  } else if (wanted.length === 0) {
    delete accepted.shortNames
  } else {
    accepted.shortNames = [...wanted]
  }
}

function setNamingConditions(crd: Crd, conflict: { reason: string; message: string } | undefined, now: Date): void {
  if (conflict === undefined) {
    const message = 'no conflicts found'
    setCondition(crd, { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message }, now)
  } else {
    setCondition(crd, { type: 'NamesAccepted', status: 'False', ...conflict }, now)
  }
  if (conflict === undefined && !isConditionTrue(crd, 'Established')) {
    const message = ACCEPTED
    setCondition(crd, { type: 'Established', status: 'False', reason: 'Installing', message }, now)
  } else if (findCondition(crd, 'Established') === undefined) {
    const message = 'not all names are accepted'
    setCondition(crd, { type: 'Established', status: 'False', reason: 'NotAccepted', message }, now)
  }
}

const ACCEPTED = 'the initial names have been accepted'

/** True when the CRD may be served and only Established=True is missing. */
export function isEstablishable(crd: Crd): boolean {
  return isConditionTrue(crd, 'NamesAccepted') && !isConditionTrue(crd, 'Established')
}

/** To be called after the resource is being served: who sees Established=True may use it at once. */
export function establish(crd: Crd, now: Date): void {
  const caBundle = crd.spec.conversion?.webhook?.clientConfig?.caBundle ?? ''
  if (!isValidCaBundle(caBundle)) {
    const message = 'The conversion webhook CABundle is invalid'
    setCondition(crd, { type: 'Established', status: 'False', reason: 'InvalidCABundle', message }, now)
    return
  }
  setCondition(crd, { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: ACCEPTED }, now)
}
