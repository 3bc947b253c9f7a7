import { describe, expect, it } from 'vitest'
import { parseAuditPolicy } from './audit-policy.ts'

const HEAD = 'apiVersion: audit.k8s.io/v1\nkind: Policy\n'
const problem = (text: string): string => {
  try {
    parseAuditPolicy(text)
    return ''
  } catch (err: unknown) {
    return (err as Error).message
  }
}

describe('the audit policy file', () => {
  it('may have everything upstream has', () => {
    const text = `${HEAD}metadata: { name: mine }
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: Request
  users: [system:kube-proxy]
  userGroups: [system:authenticated]
  verbs: [watch]
  resources:
  - group: ""
    resources: [endpoints, services/status]
    resourceNames: [a]
  namespaces: [""]
  omitStages: [ResponseStarted]
  omitManagedFields: false
- level: Metadata
  nonResourceURLs: ["/api*", /version, "*"]
  users:
`
    expect(parseAuditPolicy(text)).toMatchObject({
      omitStages: ['RequestReceived'],
      omitManagedFields: true,
      rules: [
        { level: 'Request', omitManagedFields: false },
        { level: 'Metadata', users: [] },
      ],
    })
  })

  it.each([
    ['nothing', '', 'must be one Policy document'],
    ['another kind', 'apiVersion: v1\nkind: ConfigMap', 'must be a Policy of audit.k8s.io/v1, not v1 ConfigMap'],
    ['an old version', 'apiVersion: audit.k8s.io/v1beta1\nkind: Policy', /not audit.k8s.io\/v1beta1 Policy$/],
    ['no rules', `${HEAD}rules: []`, /^rules: Required value/],
    ['no level', `${HEAD}rules: [{ verbs: [get] }]`, 'rules[0].level: Required value'],
    [
      'another level',
      `${HEAD}rules: [{ level: Everything }]`,
      'rules[0].level: Unsupported value: supported values: "None", "Metadata", "Request", "RequestResponse"',
    ],
    [
      'another stage',
      `${HEAD}rules: [{ level: None, omitStages: [Later] }]`,
      'rules[0].omitStages[0]: Invalid value: allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic',
    ],
    ['another stage for all', `${HEAD}omitStages: [x]\nrules: [{ level: None }]`, /^omitStages\[0\]: Invalid value/],
    [
      'a group with its version',
      `${HEAD}rules: [{ level: None, resources: [{ group: apps/v1 }] }]`,
      /^rules\[0\].resources\[0\].group: /,
    ],
    [
      'names without resources',
      `${HEAD}rules: [{ level: None, resources: [{ resourceNames: [a] }] }]`,
      'rules[0].resources[0].resourceNames: Invalid value: using resourceNames requires at least one resource',
    ],
    [
      'a path without /',
      `${HEAD}rules: [{ level: None, nonResourceURLs: [logs] }]`,
      /^rules\[0\].nonResourceURLs\[0\]: .*begin with a '\/'/,
    ],
    ['a wildcard inside', `${HEAD}rules: [{ level: None, nonResourceURLs: ["/a*b"] }]`, /must be the final character/],
    [
      'paths and resources',
      `${HEAD}rules: [{ level: None, nonResourceURLs: ["/a"], resources: [{ group: "" }] }]`,
      'rules[0].nonResourceURLs: Invalid value: rules cannot apply to both regular resources and non-resource URLs',
    ],
    ['an unknown field', `${HEAD}rules: [{ level: None, user: [a] }]`, 'rules[0].user: unknown field'],
    ['a wrong type', `${HEAD}rules: [{ level: None, users: tim }]`, /^rules\[0\].users: /],
  ])('is refused with %s', (_, text, message) => {
    expect(problem(text)).toMatch(message)
  })

  it('is told all its mistakes at once', () => {
    expect(problem(`${HEAD}rules: [{ level: A }, { level: None, omitStages: [B] }]`).split('\n')).toHaveLength(2)
  })
})
