import { describe, expect, it } from 'vitest'
import type {
  ValidatingAdmissionPolicy,
  ValidatingAdmissionPolicySpec,
} from '#machinery/api/admissionregistration/v1/types.gen.ts'
import type { CustomResourceDefinition } from '#machinery/api/apiextensions/v1/types.gen.ts'
import { DYN } from '#machinery/cel/types.ts'
import type { Resource } from '#machinery/meta/resource.ts'
import { matchedResources } from './matched-resources.ts'
import { typeOfKind } from './object-types.ts'
import { typeCheckPolicy } from './type-check.ts'

const DEPLOYMENT = { group: 'apps', version: 'v1', kind: 'Deployment' }
const REPLICA_SET = { group: 'apps', version: 'v1', kind: 'ReplicaSet' }
const SECRET = { group: '', version: 'v1', kind: 'Secret' }
const CONFIG_MAP = { group: '', version: 'v1', kind: 'ConfigMap' }
const WIDGET = { group: 'example.com', version: 'v1', kind: 'Widget' }

const WIDGETS: CustomResourceDefinition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: {
                type: 'object',
                properties: {
                  size: { type: 'integer' },
                  labels: { type: 'object', additionalProperties: { type: 'string' } },
                  until: { type: 'string', format: 'date-time' },
                  port: { 'x-kubernetes-int-or-string': true },
                  parts: { type: 'array', items: { type: 'object', properties: { name: { type: 'string' } } } },
                  anything: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
                },
              },
            },
          },
        },
      },
    ],
  },
}

const policy = (spec: ValidatingAdmissionPolicySpec): ValidatingAdmissionPolicy => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name: 'p' },
  spec,
})

function check(spec: ValidatingAdmissionPolicySpec, ...kinds: (typeof DEPLOYMENT)[]) {
  const matched = kinds.map((kind) => ({ ...kind, type: typeOfKind(kind, [WIDGETS]) ?? DYN }))
  return typeCheckPolicy(policy(spec), matched, { namespace: DYN, params: typeOfKind(CONFIG_MAP, []) })
}

describe('type checking of policies', () => {
  it.each([
    ['object.spec.replicas <= 5', DEPLOYMENT],
    [
      'object.spec.template.spec.containers.all(c, has(c.image) && c.ports.exists(p, p.containerPort > 1024))',
      DEPLOYMENT,
    ],
    ['object.metadata.namespace == oldObject.metadata.__namespace__', DEPLOYMENT],
    ["object.metadata.labels['app'].startsWith('a')", DEPLOYMENT],
    ['object.metadata.creationTimestamp.getFullYear() > 2020', DEPLOYMENT],
    ['object.spec.template.spec.containers[0].resources.limits.cpu == 1', DEPLOYMENT],
    ['object.spec.strategy.rollingUpdate.maxSurge == 1', DEPLOYMENT],
    ["object.data['x'] == b'abc'", SECRET],
    [
      "request.userInfo.groups.exists(g, g == 'a') && request.operation == 'CREATE' && request.kind.kind == 'x'",
      SECRET,
    ],
    ["authorizer.group('').resource('pods').namespace('a').check('get').allowed()", SECRET],
    [
      "authorizer.requestResource.check('get').allowed() && authorizer.path('/healthz').check('get').reason() != ''",
      SECRET,
    ],
    ["quantity(object.spec.template.spec.containers[0].resources.limits['cpu']).isLessThan(quantity('1'))", DEPLOYMENT],
    ["namespaceObject.metadata.name == 'a'", SECRET],
    ['object.spec.size > 1 && object.metadata.name != object.kind', WIDGET],
    ["object.spec.labels.a == 'b' && object.spec.parts[0].name == ''", WIDGET],
    ['object.spec.until < timestamp("2030-01-01T00:00:00Z")', WIDGET],
    ["object.spec.port == 80 || object.spec.port == 'http' || object.spec.anything.at.all", WIDGET],
  ])('finds nothing wrong with %s', (expression, kind) => {
    expect(check({ validations: [{ expression }] }, kind)).toEqual([])
  })

  it('names the field, the kind and the place', () => {
    expect(check({ validations: [{ expression: 'object.replicas > 1' }] }, DEPLOYMENT)).toEqual([
      {
        fieldRef: 'spec.validations[0].expression',
        warning:
          "apps/v1, Kind=Deployment: ERROR: <input>:1:7: undefined field 'replicas'\n | object.replicas > 1\n | ......^\n",
      },
    ])
  })

  it.each([
    ["object.spec.replicas == 'x'", DEPLOYMENT, /found no matching overload for '_==_'/],
    ['object.spec.colour == 1', WIDGET, /undefined field 'colour'/],
    ['object.spec.parts[0].size == 1', WIDGET, /undefined field 'size'/],
    ['request.verb == "get"', SECRET, /undefined field 'verb'/],
    ['params.data.x == "y"', SECRET, /undeclared reference to 'params'/],
    ['object.', SECRET, /Syntax error/],
  ])('finds what is wrong with %s', (expression, kind, problem) => {
    const warnings = check({ validations: [{ expression }] }, kind)
    expect(warnings.map(({ warning }) => warning)).toEqual([expect.stringMatching(problem)])
  })

  it('looks at every kind and every message', () => {
    const validations = [
      { expression: 'object.spec.replicas > 1' },
      { expression: 'object.spec.paused', messageExpression: 'object.spec.nothing' },
    ]
    const warnings = check({ validations }, DEPLOYMENT, REPLICA_SET)
    expect(warnings.map(({ fieldRef }) => fieldRef)).toEqual([
      'spec.validations[1].expression',
      'spec.validations[1].messageExpression',
    ])
    expect(warnings[0]?.warning).toMatch(/^apps\/v1, Kind=ReplicaSet: /)
    expect(warnings[1]?.warning).toMatch(/^apps\/v1, Kind=Deployment: [\s\S]*\n\napps\/v1, Kind=ReplicaSet: /)
  })

  it('knows what variables and parameters are', () => {
    const spec: ValidatingAdmissionPolicySpec = {
      paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
      variables: [
        { name: 'containers', expression: 'object.spec.template.spec.containers' },
        { name: 'first', expression: 'variables.containers[0]' },
      ],
      validations: [
        { expression: 'variables.first.image == params.data.image' },
        { expression: 'variables.first.picture == params.data.image' },
        { expression: 'variables.second == params.dta.image' },
      ],
    }
    const warnings = check(spec, DEPLOYMENT)
    expect(warnings.map(({ fieldRef }) => fieldRef)).toEqual([
      'spec.validations[1].expression',
      'spec.validations[2].expression',
    ])
    expect(warnings[1]?.warning).toMatch(/undefined field 'second'[\s\S]*undefined field 'dta'/)
  })
})

describe('the resources a policy is about', () => {
  const served: Resource[] = [
    { ...DEPLOYMENT, resource: 'deployments', namespaced: true },
    { ...REPLICA_SET, resource: 'replicasets', namespaced: true },
    { ...SECRET, resource: 'secrets', namespaced: true },
  ]
  const namesOf = (apiGroups: string[], apiVersions: string[], resources: string[]): string[] => {
    const rule = { operations: ['CREATE'], apiGroups, apiVersions, resources }
    return matchedResources(policy({ matchConstraints: { resourceRules: [rule] } }), served).map(({ kind }) => kind)
  }

  it.each([
    ['those it names', ['apps'], ['v1'], ['replicasets', 'deployments'], ['Deployment', 'ReplicaSet']],
    ['not any group', ['*'], ['v1'], ['deployments'], []],
    ['not any version', ['apps'], ['*'], ['deployments'], []],
    ['no subresources and no wildcards', ['apps'], ['v1'], ['*', 'deployments/scale', 'replicasets'], ['ReplicaSet']],
    ['what is not served', ['apps'], ['v1beta1'], ['deployments'], []],
  ])('%s', (_, groups, versions, resources, expected) => {
    expect(namesOf(groups, versions, resources)).toEqual(expected)
  })
})
