/** Whether a configuration has the shape its type asks for. Upstream: structured-merge-diff typed/{validate,helpers}.go. */
import { isObject } from '#machinery/util/json.ts'
import { itemElement } from './list-items.ts'
import { fieldElement, pathText } from './path-element.ts'
import type { ListType, MapType, MergeType, ScalarType } from './types.ts'
import { shapeOf } from './types.ts'

interface Problem {
  readonly path: string
  readonly message: string
}

/** What is wrong, in upstream's words; undefined when nothing is. */
export function validateConfig(type: MergeType, value: unknown): string | undefined {
  const problems: Problem[] = []
  validate(type, value, [], problems)
  const texts = problems.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
  if (texts.length === 0) return undefined
  return texts.length === 1 ? texts[0] : ['errors:', ...texts.map((text) => `  ${text}`)].join('\n')
}

/** A body full of mistakes need not become an answer of the same size. */
const PROBLEMS_MAX = 100

function validate(type: MergeType, value: unknown, path: readonly string[], problems: Problem[]): void {
  if (value === null || value === undefined || problems.length >= PROBLEMS_MAX) return
  switch (shapeOf(type, value)) {
    case 'scalar': {
      const message = scalarProblem(type.scalar ?? 'untyped', value)
      if (message !== undefined) problems.push({ path: pathText(path), message })
      return
    }
    case 'list':
      validateList(type.list as ListType, value, path, problems)
      return
    case 'map':
      validateMap(type.map as MapType, value, path, problems)
  }
}

function scalarProblem(scalar: ScalarType, value: unknown): string | undefined {
  if (scalar === 'numeric') {
    return typeof value === 'number' ? undefined : `expected numeric (int or float), got ${goType(value)}`
  }
  if (scalar === 'string') return typeof value === 'string' ? undefined : `expected string, got ${goSyntax(value)}`
  if (scalar === 'boolean') return typeof value === 'boolean' ? undefined : `expected boolean, got ${goSyntax(value)}`
  return typeof value === 'object' ? `expected any scalar, got ${goSyntax(value)}` : undefined
}

function goType(value: unknown): string {
  if (typeof value === 'boolean') return 'bool'
  if (Array.isArray(value)) return '[]interface {}'
  return typeof value === 'object' ? 'map[string]interface {}' : typeof value
}

const goSyntax = (value: unknown): string =>
  typeof value === 'string' ? value : `&value.valueUnstructured{Value:${JSON.stringify(value)}}`

function validateList(list: ListType, value: unknown, path: readonly string[], problems: Problem[]): void {
  if (!Array.isArray(value)) {
    problems.push({ path: pathText(path), message: `expected list, got ${goSyntax(value)}` })
    return
  }
  const seen = new Set<string>()
  for (const [i, item] of value.entries()) {
    const element = list.isAtomic ? `i:${i}` : identity(list, item, i, path, problems)
    if (element === undefined) return
    if (problems.length >= PROBLEMS_MAX) return
    if (seen.has(element)) {
      const message = `duplicate entries for key ${pathText([element])}`
      problems.push({ path: pathText(path), message })
    }
    seen.add(element)
    validate(list.element, item, [...path, element], problems)
  }
}

function identity(
  list: ListType,
  item: unknown,
  index: number,
  path: readonly string[],
  problems: Problem[],
): string | undefined {
  try {
    return itemElement(list, item)
  } catch (err) {
    problems.push({ path: pathText(path), message: `element ${index}: ${err instanceof Error ? err.message : ''}` })
    return undefined
  }
}

function validateMap(map: MapType, value: unknown, path: readonly string[], problems: Problem[]): void {
  if (!isObject(value)) {
    problems.push({ path: pathText(path), message: `expected map, got ${goSyntax(value)}` })
    return
  }
  for (const [name, member] of Object.entries(value)) {
    const type = map.fields?.get(name)?.type ?? map.element
    const below = [...path, fieldElement(name)]
    if (type === undefined) {
      problems.push({ path: pathText(below), message: 'field not declared in schema' })
      return
    }
    validate(type, member, below, problems)
  }
}
