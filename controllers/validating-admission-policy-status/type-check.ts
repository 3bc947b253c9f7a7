/**
 * What a policy's expressions get wrong about the objects they will see, kind by kind. Pure.
 * Upstream: apiserver pkg/admission/plugin/policy/validating/typechecking.go.
 */
import type { ExpressionWarning, ValidatingAdmissionPolicy } from '#machinery/api/admissionregistration/v1/types.gen.ts'
import type { CelEnvironment } from '#machinery/cel/environment.ts'
import type { CelLibrary } from '#machinery/cel/functions.ts'
import { defineMember } from '#machinery/cel/functions.ts'
import { createKubernetesEnvironment } from '#machinery/cel/kubernetes/libraries.ts'
import type { CelType } from '#machinery/cel/types.ts'
import { DYN, objectType } from '#machinery/cel/types.ts'
import { EvaluationError } from '#machinery/cel/values.ts'
import type { GroupVersionKind } from '#machinery/meta/resource.ts'
import { apiVersionOf, tryParseApiVersion } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type Policy = DeepReadonly<ValidatingAdmissionPolicy>

/** A kind whose objects the policy is about. */
export interface MatchedKind extends GroupVersionKind {
  readonly type: CelType
}

const neverCalled = (): never => {
  throw new EvaluationError('expressions are checked here, not evaluated')
}
const AUTHORIZER_SIGNATURES = [
  'Authorizer.path(string): PathCheck',
  'Authorizer.group(string): GroupCheck',
  'Authorizer.serviceAccount(string, string): Authorizer',
  'PathCheck.check(string): Decision',
  'GroupCheck.resource(string): ResourceCheck',
  'ResourceCheck.subresource(string): ResourceCheck',
  'ResourceCheck.namespace(string): ResourceCheck',
  'ResourceCheck.name(string): ResourceCheck',
  'ResourceCheck.fieldSelector(string): ResourceCheck',
  'ResourceCheck.labelSelector(string): ResourceCheck',
  'ResourceCheck.check(string): Decision',
  'Decision.allowed(): bool',
  'Decision.reason(): string',
  'Decision.errored(): bool',
  'Decision.error(): string',
]
const AUTHORIZER: CelLibrary = {
  overloads: AUTHORIZER_SIGNATURES.map((text) =>
    defineMember(
      text.replace(
        /\b(Authorizer|PathCheck|GroupCheck|ResourceCheck|Decision)\b/g,
        (name) => `kubernetes.authorization.${name}`,
      ),
      neverCalled,
    ),
  ),
}

const resource = (name: string, last: 'kind' | 'resource') =>
  objectType(name, { group: 'string', version: 'string', [last]: 'string' })
const GVK = resource('kubernetes.GroupVersionKind', 'kind')
const GVR = resource('kubernetes.GroupVersionResource', 'resource')
const USER = objectType('kubernetes.UserInfo', {
  username: 'string',
  uid: 'string',
  groups: 'list(string)',
  extra: 'map(string, list(string))',
})
const REQUEST = objectType('kubernetes.AdmissionRequest', {
  kind: GVK,
  resource: GVR,
  subResource: 'string',
  requestKind: GVK,
  requestResource: GVR,
  requestSubResource: 'string',
  name: 'string',
  namespace: 'string',
  operation: 'string',
  userInfo: USER,
  dryRun: 'bool',
  options: 'dyn',
})

/** One entry for each expression that is wrong for at least one of the kinds. */
export function typeCheckPolicy(
  { spec }: Policy,
  kinds: readonly MatchedKind[],
  types: { readonly namespace: CelType; readonly params: CelType | undefined },
): ExpressionWarning[] {
  const environments = kinds.map((kind) => [kind, environmentFor(spec, kind.type, types)] as const)
  return (spec.validations ?? []).flatMap(({ expression, messageExpression = '' }, i) =>
    [
      ['expression', expression] as const,
      ...(messageExpression === '' ? [] : [['messageExpression', messageExpression] as const]),
    ].flatMap(([field, text]) => {
      const problems = environments.flatMap(([kind, environment]) => problemOf(text, kind, environment))
      return problems.length === 0
        ? []
        : [{ fieldRef: `spec.validations[${i}].${field}`, warning: problems.join('\n') }]
    }),
  )
}

function problemOf(expression: string, kind: MatchedKind, environment: CelEnvironment): string[] {
  const { problem } = environment.compile(expression)
  return problem === undefined ? [] : [`${apiVersionOf(kind)}, Kind=${kind.kind}: ${problem}\n`]
}

function environmentFor(
  spec: Policy['spec'],
  object: CelType,
  { namespace, params }: { readonly namespace: CelType; readonly params: CelType | undefined },
): CelEnvironment {
  const declared: Record<string, CelType | string> = {
    object,
    oldObject: object,
    request: REQUEST,
    namespaceObject: namespace,
    authorizer: 'kubernetes.authorization.Authorizer',
    'authorizer.requestResource': 'kubernetes.authorization.ResourceCheck',
    ...(spec.paramKind === undefined ? {} : { params: params ?? DYN }),
  }
  const found: Record<string, CelType> = {}
  const environment = () =>
    createKubernetesEnvironment({
      libraries: [AUTHORIZER],
      variables: { ...declared, variables: objectType('kubernetes.variables', found) },
    })
  // A variable may use those before it. One that is wrong itself is said where it is used, if at all.
  for (const { name, expression } of spec.variables ?? [])
    found[name] = environment().compile(expression).program?.resultType ?? DYN
  return environment()
}

/** Undefined: the policy takes no parameters. */
export function paramKindOf({ spec }: Policy): GroupVersionKind | undefined {
  const { apiVersion = '', kind = '' } = spec.paramKind ?? {}
  const version = tryParseApiVersion(apiVersion)
  return version === undefined || kind === '' ? undefined : { ...version, kind }
}
