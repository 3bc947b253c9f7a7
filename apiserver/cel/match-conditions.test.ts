import { describe, expect, it } from 'vitest'
import type { UserInfo } from '../authentication/interfaces.ts'
import type { AuthorizationAttributes, AuthorizationDecision } from '../authorization/interfaces.ts'
import { CelAuthorizer, ResourceCheck } from './authorizer-library.ts'
import { compileMatchCondition, MatchConditions } from './match-conditions.ts'

const USER: UserInfo = { name: 'eve', uid: 'u', groups: ['devs'], extra: new Map() }

/** Lets eve get pods, and the service account ns:sa anything; remembers what it was asked. */
function authorizerOf(asked: AuthorizationAttributes[]) {
  return {
    authorize(attributes: AuthorizationAttributes): AuthorizationDecision {
      asked.push(attributes)
      const { user, verb, resource, path } = attributes
      if (user.name === 'system:serviceaccount:ns:sa') return { decision: 'Allow', reason: 'account' }
      if (user.name === 'eve' && verb === 'get' && (resource === 'pods' || path === '/ok')) {
        return { decision: 'Allow', reason: 'by role' }
      }
      return { decision: 'NoOpinion', reason: '', ...(resource === 'broken' ? { evaluationError: 'no role' } : {}) }
    },
  }
}

function variablesOf(asked: AuthorizationAttributes[] = []) {
  const authorizer = new CelAuthorizer(authorizerOf(asked), USER)
  const resource = { apiGroup: '', resource: 'pods', subresource: '', namespace: 'ns', name: 'p' }
  return {
    object: { metadata: { name: 'p', labels: { app: 'x' } }, spec: { containers: [{ name: 'a' }, { name: 'b' }] } },
    oldObject: null,
    request: { operation: 'CREATE', userInfo: { username: 'eve', groups: ['devs'] }, dryRun: false },
    namespaceObject: null,
    authorizer,
    'authorizer.requestResource': new ResourceCheck(authorizer, resource),
  }
}

const evaluate = (...expressions: string[]) =>
  new MatchConditions(expressions.map((expression, i) => ({ name: `c${i}`, expression }))).evaluate(variablesOf())

describe('match conditions', () => {
  it.each([
    ['object.metadata.labels["app"] == "x" && oldObject == null && namespaceObject == null'],
    ['request.operation == "CREATE" && !request.dryRun && "devs" in request.userInfo.groups && !has(request.name)'],
    ['object.spec.containers.all(c, c.name.size() == 1) && !has(object.metadata.annotations)'],
    ['authorizer.group("").resource("pods").namespace("ns").check("get").allowed()'],
    ['!authorizer.group("").resource("pods").check("delete").allowed()'],
    ['authorizer.requestResource.check("get").reason() == "by role"'],
    ['authorizer.path("/ok").check("get").allowed() && !authorizer.path("/no").check("get").allowed()'],
    ['authorizer.serviceAccount("ns", "sa").group("").resource("nodes").check("get").allowed()'],
    ['authorizer.group("").resource("broken").check("get").error() == "no role"'],
    ['authorizer.group("").resource("broken").check("get").errored()'],
  ])('%s holds', (expression) => {
    expect(evaluate(expression)).toEqual({ matches: true })
  })

  it('are not met by any that is false, whatever the others do', () => {
    expect(evaluate('true', 'false')).toEqual({ matches: false })
    expect(evaluate('object.nothing == 1', 'false')).toEqual({ matches: false })
  })

  it('tell what could not be evaluated when none is false', () => {
    expect(evaluate('object.nothing == 1', 'true', 'oops')).toEqual({
      errors: [
        "expression 'object.nothing == 1' resulted in error: no such key: nothing",
        expect.stringMatching(
          /^compilation error: compilation failed: ERROR: <input>:1:1: undeclared reference to 'oops'/,
        ),
      ],
    })
  })

  it('may not cost more than their budget', () => {
    const check = 'authorizer.requestResource.check("get").allowed()'
    expect(evaluate(`${check} && ${check} && ${check}`)).toEqual({
      errors: [expect.stringContaining('resulted in error: operation cancelled: actual cost limit exceeded')],
    })
    expect(evaluate(...Array.from({ length: 8 }, () => check))).toEqual({
      errors: ['validation failed due to running out of cost budget, no further validation rules will be run'],
    })
  })

  it('ask about exactly what the expression says', () => {
    const asked: AuthorizationAttributes[] = []
    const expression =
      'authorizer.group("apps").resource("deployments").subresource("scale").namespace("a").name("b")' +
      '.fieldSelector("spec.x=1").labelSelector("l=m").check("list").allowed()'
    new MatchConditions([{ name: 'c', expression }]).evaluate(variablesOf(asked))
    expect(asked).toEqual([
      {
        user: USER,
        verb: 'list',
        isResourceRequest: true,
        apiGroup: 'apps',
        apiVersion: '*',
        resource: 'deployments',
        subresource: 'scale',
        namespace: 'a',
        name: 'b',
        path: '',
        fieldSelector: 'spec.x=1',
        labelSelector: 'l=m',
      },
    ])
  })

  it.each([
    ['object.spec', 'must evaluate to bool but got dyn'],
    ['request.nothing == ""', /^compilation failed: ERROR: <input>:1:8: undefined field 'nothing'/],
    ['params == null', /^compilation failed: ERROR: <input>:1:1: undeclared reference to 'params'/],
  ])('are refused: %s', (expression, problem) => {
    expect(compileMatchCondition(expression, false).problem).toMatch(problem)
  })

  it('have params in policies that name a kind of them', () => {
    expect(compileMatchCondition('params == null', true).problem).toBeUndefined()
  })
})
