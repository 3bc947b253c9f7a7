/** Label and field selectors as one predicate over stored objects, with an index where the store keeps one. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newBadRequest } from '#machinery/meta/errors.ts'
import type { FieldRequirement } from '#machinery/selectors/field.ts'
import { parseFieldSelector } from '#machinery/selectors/field.ts'
import type { LabelSelectorMatcher } from '#machinery/selectors/label.ts'
import { EVERYTHING, parseLabelSelector } from '#machinery/selectors/label.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ResourceDefinition } from '../../registry/generic/interfaces.ts'
import type { Selection } from '../../storage/cacher/interface.ts'

type Predicate = (object: DeepReadonly<KubeObject>) => boolean
type FieldReader = (object: DeepReadonly<KubeObject>) => string

export interface ParsedSelection {
  readonly name: string | undefined
  readonly selection: Selection
  readonly isSelective: boolean
}

const EVERY_OBJECT: ParsedSelection = { name: undefined, selection: {}, isSelective: false }

const META_FIELDS = new Map<string, FieldReader>([
  ['metadata.name', (object) => object.metadata.name ?? ''],
  ['metadata.namespace', (object) => object.metadata.namespace ?? ''],
])

export function parseSelection(labels: string, fields: string, definition: ResourceDefinition): ParsedSelection {
  if (labels === '' && fields === '') return EVERY_OBJECT
  const matcher = parseOrBadRequest(labels, parseLabelSelector) ?? EVERYTHING
  const requirements = parseOrBadRequest(fields, parseFieldSelector) ?? []
  const predicates: Predicate[] = []
  if (!matcher.isEmpty) predicates.push(labelPredicate(matcher))
  let name: string | undefined
  let index: Selection['index']
  for (const requirement of requirements) {
    const read = readerOf(requirement.field, definition)
    predicates.push(fieldPredicate(requirement, read))
    if (requirement.operator !== '=') continue
    if (requirement.field === 'metadata.name') name = requirement.value
    if (definition.indexedFields?.includes(requirement.field))
      index = { name: requirement.field, value: requirement.value }
  }
  if (predicates.length === 0) return EVERY_OBJECT
  const [only] = predicates
  const matches = predicates.length === 1 && only !== undefined ? only : every(predicates)
  return { name, selection: index === undefined ? { matches } : { matches, index }, isSelective: true }
}

function parseOrBadRequest<T>(text: string, parse: (text: string) => T): T | undefined {
  if (text === '') return undefined
  try {
    return parse(text)
  } catch (err) {
    throw newBadRequest(errorMessage(err))
  }
}

function readerOf(field: string, definition: ResourceDefinition): FieldReader {
  const meta = META_FIELDS.get(field)
  if (meta !== undefined) return meta
  const own = definition.selectableFields
  const reader = own !== undefined && Object.hasOwn(own, field) ? own[field] : undefined
  if (reader !== undefined) return reader
  if (own === undefined) {
    throw newBadRequest(`"${field}" is not a known field selector: only "metadata.name", "metadata.namespace"`)
  }
  throw newBadRequest(`field label not supported: ${field}`)
}

function labelPredicate(matcher: LabelSelectorMatcher): Predicate {
  return (object) => matcher.matches(object.metadata.labels)
}

function fieldPredicate({ operator, value }: FieldRequirement, read: FieldReader): Predicate {
  return operator === '=' ? (object) => read(object) === value : (object) => read(object) !== value
}

function every(predicates: readonly Predicate[]): Predicate {
  return (object) => predicates.every((predicate) => predicate(object))
}
