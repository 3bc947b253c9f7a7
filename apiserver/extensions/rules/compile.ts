/**
 * x-kubernetes-validations of one schema, compiled: every rule beside the part of the object it is about.
 * Upstream: apiextensions-apiserver pkg/apiserver/schema/cel/{compilation,validation}.go.
 */
import type { ValidationRule } from '#machinery/api/apiextensions/v1/types.gen.ts'
import type { CheckedExpr } from '#machinery/cel/checker.ts'
import type { CelEnvironment, CelProgram, CompileResult } from '#machinery/cel/environment.ts'
import { createKubernetesEnvironment } from '#machinery/cel/kubernetes/libraries.ts'
import { DYN, optionalType } from '#machinery/cel/types.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { SchemaNode } from '../schema/node.ts'
import { type DeclaredType, declareType } from './declared-type.ts'
import { normalizeFieldPath } from './field-path.ts'

export interface CompiledRule {
  readonly rule: DeepReadonly<ValidationRule>
  readonly program: CelProgram | undefined
  /** Why there is no program. */
  readonly problem: string | undefined
  readonly message: CelProgram | undefined
  readonly messageProblem: string | undefined
  readonly usesOldSelf: boolean
  /** For the estimate of their cost; nothing else needs them. */
  readonly checked: CheckedExpr | undefined
  readonly checkedMessage: CheckedExpr | undefined
  /** To be appended to the field's path; '' for none. */
  readonly fieldPath: string
}

/** A part of the schema that has rules, or has one below that does. */
export interface RuleNode {
  readonly type: DeclaredType
  /** As messages name it. */
  readonly typeText: string
  readonly rules: readonly CompiledRule[]
  readonly properties: ReadonlyMap<string, RuleNode>
  readonly values: RuleNode | undefined
  readonly items: RuleNode | undefined
  readonly listType: string | undefined
  readonly listMapKeys: readonly string[]
  readonly schema: SchemaNode
  /** Why none of its rules can be asked, whatever they say. */
  readonly problem?: string
}

/** Undefined when there is no rule in it. `known` null: what is around it has no place for it. */
export function compileRules(node: SchemaNode, isResource = true, known?: DeclaredType | null): RuleNode | undefined {
  if (!node.hasRules) return undefined
  if (known === null) return undeclared(node)
  const type = known ?? declareType(node, isResource)
  if (type === undefined) return undefined
  const below = (child: SchemaNode | undefined, childType: DeclaredType | undefined | null): RuleNode | undefined =>
    child === undefined ? undefined : compileRules(child, child.embedded, childType)
  const properties = new Map<string, RuleNode>()
  const typeOf = new Map([...(type.fields?.values() ?? [])].map((field) => [field.property, field.type]))
  for (const [name, child] of node.properties ?? []) {
    const compiled = below(child, isResource && name === 'metadata' ? undefined : typeOf.get(name))
    if (compiled !== undefined) properties.set(name, compiled)
  }
  return {
    type,
    typeText: node.typeText,
    rules: compileNodeRules(node, type).map(withoutTrees),
    properties,
    values: below(node.additional?.node, type.kind === 'map' ? type.element : undefined),
    items: below(node.items, type.element ?? null),
    listType: node.listType,
    listMapKeys: node.listMapKeys,
    schema: node,
  }
}

/** Items of what is no list: its values may be lists all the same, from before the schema was changed. */
function undeclared(node: SchemaNode): RuleNode {
  const { typeText, listType, listMapKeys, rules } = node
  return {
    type: { kind: 'dyn', cel: DYN, minSize: 1, maxElements: 1 },
    typeText,
    rules: [],
    properties: new Map(),
    values: undefined,
    items: node.items?.hasRules === true ? undeclared(node.items) : undefined,
    listType,
    listMapKeys,
    schema: node,
    ...(rules.length === 0 ? {} : { problem: 'failed to convert to declType for CEL validation rules' }),
  }
}

/** What is kept as long as the CRD is served needs no trees. */
const withoutTrees = (rule: CompiledRule): CompiledRule => ({ ...rule, checked: undefined, checkedMessage: undefined })

export function compileNodeRules(node: SchemaNode, type: DeclaredType): CompiledRule[] {
  if (node.rules.length === 0) return []
  const environments = new Map<boolean, CelEnvironment>()
  const environmentOf = (hasOptionalOld: boolean): CelEnvironment => {
    const known = environments.get(hasOptionalOld)
    const oldSelf = hasOptionalOld ? optionalType(type.cel) : type.cel
    const environment = known ?? createKubernetesEnvironment({ variables: { self: type.cel, oldSelf } })
    environments.set(hasOptionalOld, environment)
    return environment
  }
  return node.rules.map((rule) => compileRule(rule, environmentOf(rule.optionalOldSelf === true), node))
}

function compileRule(rule: DeepReadonly<ValidationRule>, environment: CelEnvironment, node: SchemaNode): CompiledRule {
  const compiled = rule.rule.trim() === '' ? undefined : environment.compile(rule.rule, { resultType: 'bool' })
  const { messageExpression = '' } = rule
  const message =
    messageExpression === '' ? undefined : environment.compile(messageExpression, { resultType: 'string' })
  return {
    rule,
    program: compiled?.program,
    problem: problemOf(compiled, 'compilation failed: ', 'cel expression must evaluate to a bool'),
    message: message?.program,
    messageProblem: problemOf(
      message,
      'messageExpression compilation failed: ',
      'messageExpression must evaluate to a string',
    ),
    usesOldSelf: compiled?.program?.variables.has('oldSelf') ?? false,
    checked: compiled?.checked,
    checkedMessage: message?.checked,
    fieldPath: normalizeFieldPath(rule.fieldPath ?? '', node)?.path ?? '',
  }
}

function problemOf(result: CompileResult | undefined, prefix: string, wrongType: string): string | undefined {
  if (result?.problem === undefined) return undefined
  return result.isWrongType ? wrongType : `${prefix}${result.problem}`
}
