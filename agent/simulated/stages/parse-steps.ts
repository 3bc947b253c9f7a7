/** What a stage does, from `spec.next` or `spec.steps`. Upstream: kwok pkg/apis/v1alpha1/stage_types.go StageNext, StageStep. */
import { fieldsOf, optionalText } from './fields.ts'
import type { StageStep } from './stage.ts'

const NEXT_FIELDS = ['event', 'finalizers', 'delete', 'patches', 'statusTemplate', 'statusSubresource']

/** Events first, then finalizers; a deleted object is not patched. */
export function parseNext(value: unknown, where: string): StageStep[] {
  if (value === undefined) return []
  const next = fieldsOf(value, where, NEXT_FIELDS)
  const steps: StageStep[] = []
  if (next['event'] !== undefined) steps.push(parseEvent(next['event'], `${where}.event`))
  if (next['finalizers'] !== undefined) steps.push(parseFinalizers(next['finalizers'], `${where}.finalizers`))
  if (next['delete'] === true) return [...steps, { type: 'delete' }]
  const patches = Array.isArray(next['patches']) ? next['patches'] : []
  steps.push(...patches.map((patch: unknown, i) => parsePatch(patch, `${where}.patches[${i}]`)))
  const template = optionalText(next['statusTemplate'], `${where}.statusTemplate`)
  const subresource = optionalText(next['statusSubresource'], `${where}.statusSubresource`) ?? 'status'
  if (template !== undefined && template !== '')
    steps.push({ type: 'patch', patchType: 'strategic', subresource, root: 'status', template })
  return steps
}

export function parseSteps(value: unknown, where: string): StageStep[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw new Error(`${where}: must be a list`)
  return value.flatMap((item: unknown, i): StageStep[] => {
    const path = `${where}[${i}]`
    const step = fieldsOf(item, path, ['event', 'finalizers', 'delete', 'patch'])
    return [
      ...(step['event'] === undefined ? [] : [parseEvent(step['event'], `${path}.event`)]),
      ...(step['finalizers'] === undefined ? [] : [parseFinalizers(step['finalizers'], `${path}.finalizers`)]),
      ...(step['patch'] === undefined ? [] : [parsePatch(step['patch'], `${path}.patch`)]),
      ...(step['delete'] === true ? [{ type: 'delete' as const }] : []),
    ]
  })
}

function parseEvent(value: unknown, where: string): StageStep {
  const { type, reason, message } = fieldsOf(value, where, ['type', 'reason', 'message'])
  return {
    type: 'event',
    event: {
      type: type === 'Warning' ? 'Warning' : 'Normal',
      reason: optionalText(reason, `${where}.reason`) ?? '',
      message: optionalText(message, `${where}.message`) ?? '',
    },
  }
}

function parseFinalizers(value: unknown, where: string): StageStep {
  const { add, remove, empty } = fieldsOf(value, where, ['add', 'remove', 'empty'])
  return {
    type: 'finalizers',
    add: names(add, `${where}.add`),
    remove: names(remove, `${where}.remove`),
    empty: empty === true,
  }
}

function names(value: unknown, where: string): string[] {
  const items = Array.isArray(value) ? value : []
  return items.map(
    (item: unknown, i) => optionalText(fieldsOf(item, `${where}[${i}]`, ['value'])['value'], where) ?? '',
  )
}

function parsePatch(value: unknown, where: string): StageStep {
  const patch = fieldsOf(value, where, ['subresource', 'root', 'template', 'type'])
  const patchType = patch['type'] ?? 'strategic'
  if (patchType !== 'json' && patchType !== 'merge' && patchType !== 'strategic')
    throw new Error(`${where}.type: "${String(patchType)}" is not json, merge or strategic`)
  return {
    type: 'patch',
    patchType,
    subresource: optionalText(patch['subresource'], `${where}.subresource`) ?? '',
    root: optionalText(patch['root'], `${where}.root`) ?? '',
    template: optionalText(patch['template'], `${where}.template`) ?? '',
  }
}
