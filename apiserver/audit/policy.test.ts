import { describe, expect, it } from 'vitest'
import { parseAuditPolicy } from '#cli/config/audit-policy.ts'
import type { AuditAttributes } from './interfaces.ts'
import { createPolicyEvaluator } from './policy.ts'

const tim = { name: 'tim@example.com', uid: '', groups: ['people', 'writers'], extra: new Map() }

const BASE: AuditAttributes = {
  user: tim,
  verb: 'get',
  isResourceRequest: true,
  apiGroup: '',
  apiVersion: 'v1',
  resource: 'pods',
  subresource: '',
  namespace: 'default',
  name: 'busybox',
  path: '/api/v1/namespaces/default/pods/busybox',
}
const POD_LOG = { ...BASE, subresource: 'log' }
const NODES = { ...BASE, resource: 'nodes', namespace: '', name: 'n1' }
const SCALE = { ...BASE, apiGroup: 'apps', resource: 'deployments', subresource: 'scale' }
const PATH = {
  ...BASE,
  isResourceRequest: false,
  resource: '',
  apiVersion: '',
  namespace: '',
  name: '',
  path: '/logs/a',
}
const NOBODY = { ...BASE, user: undefined }

const evaluate = (rules: string, attributes: AuditAttributes) =>
  createPolicyEvaluator(parseAuditPolicy(`{apiVersion: audit.k8s.io/v1, kind: Policy, ${rules}}`)).evaluate(attributes)

describe('a rule matches', () => {
  const cases: readonly (readonly [name: string, rule: string, attributes: AuditAttributes, matches: boolean])[] = [
    ['everything when it says nothing', '', BASE, true],
    ['its users', 'users: [tim@example.com]', BASE, true],
    ['no other users', 'users: [tom@example.com]', BASE, false],
    ['no unknown user by name', 'users: [tim@example.com]', NOBODY, false],
    ['any of its groups', 'userGroups: [admins, writers]', BASE, true],
    ['no user outside its groups', 'userGroups: [admins]', BASE, false],
    ['no unknown user by group', 'userGroups: [writers]', NOBODY, false],
    ['its verbs', 'verbs: [list, get]', BASE, true],
    ['no other verbs', 'verbs: [list]', BASE, false],
    ['its namespaces', 'namespaces: [default]', BASE, true],
    ['no other namespace', 'namespaces: [kube-system]', BASE, false],
    ['what has no namespace, as the empty one', 'namespaces: [""]', NODES, true],
    ['no paths by namespace', 'namespaces: [""]', PATH, false],
    ['its resources', 'resources: [{resources: [pods]}]', BASE, true],
    ['no other resources', 'resources: [{resources: [services]}]', BASE, false],
    ['all resources of a group', 'resources: [{group: ""}]', BASE, true],
    ['no resources of other groups', 'resources: [{group: apps}]', BASE, false],
    ['resources of any group', 'resources: [{group: "*", resources: [deployments/scale]}]', SCALE, true],
    ['a subresource by name', 'resources: [{resources: [pods/log]}]', POD_LOG, true],
    ['no subresource by its resource', 'resources: [{resources: [pods]}]', POD_LOG, false],
    ['no resource by its subresource', 'resources: [{resources: [pods/log]}]', BASE, false],
    ['everything by *', 'resources: [{resources: ["*"]}]', POD_LOG, true],
    ['all of a resource by /*', 'resources: [{resources: ["pods/*"]}]', POD_LOG, true],
    ['the resource itself by /*, as upstream', 'resources: [{resources: ["pods/*"]}]', BASE, true],
    ['a subresource of everything by */', 'resources: [{group: apps, resources: ["*/scale"]}]', SCALE, true],
    ['no other subresource by */', 'resources: [{resources: ["*/scale"]}]', POD_LOG, false],
    ['its names', 'resources: [{resources: [pods], resourceNames: [busybox]}]', BASE, true],
    ['no other names', 'resources: [{resources: [pods], resourceNames: [other]}]', BASE, false],
    ['no path by resources', 'resources: [{group: "*"}]', PATH, false],
    ['its paths', 'nonResourceURLs: [/logs/a]', PATH, true],
    ['paths below', 'nonResourceURLs: [/logs*]', PATH, true],
    ['every path', 'nonResourceURLs: ["*"]', PATH, true],
    ['no other paths', 'nonResourceURLs: [/logs]', PATH, false],
    ['no resource by path', 'nonResourceURLs: ["*"]', BASE, false],
    ['only when all of it does', 'users: [tim@example.com], verbs: [delete]', BASE, false],
  ]
  it.each(cases)('%s', (_, rule, attributes, matches) => {
    const comma = rule === '' ? '' : ', '
    expect(evaluate(`rules: [{level: Request${comma}${rule}}]`, attributes).level).toBe(matches ? 'Request' : 'None')
  })
})

describe('of several rules', () => {
  it('the first that matches decides', () => {
    const rules = 'rules: [{level: None, verbs: [list]}, {level: Metadata, verbs: [get]}, {level: RequestResponse}]'
    expect(evaluate(rules, BASE).level).toBe('Metadata')
    expect(evaluate(rules, { ...BASE, verb: 'delete' }).level).toBe('RequestResponse')
  })

  it('stages add up, managedFields are as the rule says, else as the policy', () => {
    const rules =
      'omitStages: [RequestReceived], omitManagedFields: true, rules: [{level: Metadata, verbs: [get], omitStages: [Panic]}, {level: Metadata, omitManagedFields: false}]'
    const first = evaluate(rules, BASE)
    expect([...first.omitStages]).toEqual(['RequestReceived', 'Panic'])
    expect(first.omitManagedFields).toBe(true)
    expect(evaluate(rules, { ...BASE, verb: 'list' }).omitManagedFields).toBe(false)
  })
})
