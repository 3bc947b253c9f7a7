import { describe, expect, it } from 'vitest'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { PolicyRule } from '#machinery/api/rbac/v1/types.gen.ts'
import { isForbidden, isNotFound, newNotFound } from '#machinery/meta/errors.ts'
import { systemRandom } from '#machinery/util/random.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { createUser } from '../../authentication/user.ts'
import { CompiledRule, requestedAction } from '../../authorization/rbac/compiled-rule.ts'
import type { RequestContext } from '../generic/interfaces.ts'
import { createBindingHooks, createRoleHooks, type EscalationPolicy } from './escalation.ts'

const RBAC = 'rbac.authorization.k8s.io'
const READ_PODS: PolicyRule = { verbs: ['get', 'list'], apiGroups: [''], resources: ['pods'] }
const ALL: PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

function context(groups: readonly string[] = ['dev']): RequestContext {
  return {
    user: createUser('jane', { groups }),
    namespace: 'a',
    isDryRun: false,
    clock: new FakeClock(),
    random: systemRandom,
    signal: new AbortController().signal,
    warn() {},
  }
}

/** A world in which jane holds exactly these rules, and the role `existing` grants READ_PODS. */
function policy(...held: PolicyRule[]): EscalationPolicy {
  const compiled = held.map((rule) => new CompiledRule(rule))
  return {
    authorizer: {
      authorize: (attributes) => {
        const action = requestedAction(attributes)
        return { decision: compiled.some((rule) => rule.allows(action)) ? 'Allow' : 'NoOpinion', reason: '' }
      },
    },
    resolver: { rulesFor: () => ({ rules: held, errors: [] }) },
    rulesOf: ({ name }) => {
      if (name === 'existing') return [READ_PODS]
      throw newNotFound({ group: RBAC, resource: 'role' }, name)
    },
  }
}

function role(fields: object, metadata: object = {}): KubeObject {
  return { apiVersion: `${RBAC}/v1`, kind: 'Role', metadata: { name: 'r', namespace: 'a', ...metadata }, ...fields }
}

const binding = (name: string, kind = 'Role'): KubeObject => role({ roleRef: { apiGroup: RBAC, kind, name } })

function refusal(run: () => unknown): unknown {
  try {
    run()
    return undefined
  } catch (err) {
    return err
  }
}

describe('roles', () => {
  const create = (held: PolicyRule[], object: KubeObject, as = context()): unknown =>
    refusal(() => createRoleHooks('roles', policy(...held)).beginCreate?.(object, as))

  it('may be made of what one holds', () => {
    expect(create([READ_PODS], role({ rules: [READ_PODS] }))).toBeUndefined()
    expect(create([], role({}))).toBeUndefined()
  })

  it('may not hold more, and the answer says what', () => {
    const err = create(
      [{ ...READ_PODS, verbs: ['get'] }],
      role({ rules: [{ ...READ_PODS, resources: ['pods', 'secrets'] }] }),
    )
    expect(isForbidden(err)).toBe(true)
    expect((err as Error).message).toBe(
      [
        'roles.rbac.authorization.k8s.io "r" is forbidden: user "jane" (groups=["dev"]) is attempting to grant RBAC permissions not currently held:',
        '{APIGroups:[""], Resources:["pods"], Verbs:["list"]}',
        '{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}',
      ].join('\n'),
    )
  })

  it.each([
    ['system:masters', [], context(['system:masters'])],
    ['those who may escalate', [{ verbs: ['escalate'], apiGroups: [RBAC], resources: ['roles'] }], context()],
  ])('are free for %s', (_, held, as) => {
    expect(create(held, role({ rules: ALL }), as)).toBeUndefined()
  })

  it('with an aggregation rule need everything', () => {
    const aggregated = role({ aggregationRule: { clusterRoleSelectors: [{}] } })
    const hooks = createRoleHooks('clusterroles', policy(READ_PODS))
    expect(String(refusal(() => hooks.beginCreate?.(aggregated, context())))).toContain(
      'must have cluster-admin privileges',
    )
    // Taking the rule off would freeze what was collected: also only for those who hold everything.
    expect(isForbidden(refusal(() => hooks.beginUpdate?.(role({}), aggregated, context())))).toBe(true)
    expect(
      refusal(() => createRoleHooks('clusterroles', policy(...ALL)).beginCreate?.(aggregated, context())),
    ).toBeUndefined()
  })

  it('may lose finalizers whoever asks, and nothing else with them', () => {
    const hooks = createRoleHooks('roles', policy())
    const old = role({ rules: [READ_PODS] }, { finalizers: ['x'] })
    expect(refusal(() => hooks.beginUpdate?.(role({ rules: [READ_PODS] }), old, context()))).toBeUndefined()
    expect(isForbidden(refusal(() => hooks.beginUpdate?.(role({ rules: ALL }), old, context())))).toBe(true)
    expect(
      isForbidden(
        refusal(() =>
          hooks.beginUpdate?.(
            role({ rules: [READ_PODS] }, { labels: { a: 'b' } }),
            role({ rules: [READ_PODS] }),
            context(),
          ),
        ),
      ),
    ).toBe(true)
  })

  it('may be escalated by name on update', () => {
    const named: PolicyRule = { verbs: ['escalate'], apiGroups: [RBAC], resources: ['roles'], resourceNames: ['r'] }
    const hooks = createRoleHooks('roles', policy(named))
    expect(refusal(() => hooks.beginUpdate?.(role({ rules: ALL }), role({}), context()))).toBeUndefined()
    expect(isForbidden(refusal(() => hooks.beginCreate?.(role({ rules: ALL }), context())))).toBe(true)
  })
})

describe('bindings', () => {
  const create = (held: PolicyRule[], object: KubeObject): unknown =>
    refusal(() => createBindingHooks('rolebindings', policy(...held)).beginCreate?.(object, context()))

  it.each([
    ['to a role one holds', [READ_PODS], binding('existing'), true],
    ['to a role one does not hold', [], binding('existing'), false],
    [
      'with bind on that role',
      [{ verbs: ['bind'], apiGroups: [RBAC], resources: ['roles'], resourceNames: ['existing'] }],
      binding('existing'),
      true,
    ],
    [
      'with bind on another role',
      [{ verbs: ['bind'], apiGroups: [RBAC], resources: ['roles'], resourceNames: ['other'] }],
      binding('existing'),
      false,
    ],
    [
      'with bind on the wrong kind of role',
      [{ verbs: ['bind'], apiGroups: [RBAC], resources: ['clusterroles'] }],
      binding('existing'),
      false,
    ],
  ] as const)('%s: %#', (_, held, object, isAllowed) => {
    const err = create([...held] as PolicyRule[], object)
    if (isAllowed) expect(err).toBeUndefined()
    else expect(isForbidden(err)).toBe(true)
  })

  it('to a missing role are for those who may bind it', () => {
    expect(isNotFound(create([READ_PODS], binding('gone')))).toBe(true)
    expect(create([{ verbs: ['bind'], apiGroups: ['*'], resources: ['roles'] }], binding('gone'))).toBeUndefined()
  })
})
