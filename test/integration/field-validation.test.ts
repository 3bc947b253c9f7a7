/**
 * What ?fieldValidation says of fields nobody knows and of fields that are there twice: texts and order.
 * Upstream: test/integration/apiserver/field_validation_test.go.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Status } from '#machinery/api/meta/v1.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { type Answer, dispatch } from '#test/support/dispatch.ts'

const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'

let plane: TestControlPlane
beforeAll(async () => {
  plane = await startTestControlPlane()
})
afterAll(() => plane.stop())

const send = (method: string, path: string, type: string, body: object | string): Promise<Answer<Status>> =>
  dispatch(plane.server, method, path, body, { authorization: `Bearer ${plane.adminToken}`, 'content-type': type })

const deployment = (name: string) => `{
  "apiVersion": "apps/v1", "kind": "Deployment",
  "metadata": { "name": "dupe", "name": "${name}", "unknownMeta": 1 },
  "spec": {
    "unknown1": "a", "unknownDupe": 1, "unknownDupe": 2, "paused": true, "paused": false,
    "selector": { "matchLabels": { "app": "a" } },
    "template": {
      "metadata": { "labels": { "app": "a" } },
      "spec": { "containers": [{ "name": "a", "image": "a", "unknownNested": 1, "imagePullPolicy": "Always", "imagePullPolicy": "Never" }] }
    }
  }
}`

const inYaml = (name: string) => `apiVersion: apps/v1
kind: Deployment
metadata:
  name: dupe
  name: ${name}
  unknownMeta: 1
spec:
  unknown1: a
  unknownDupe: 1
  unknownDupe: 2
  paused: true
  paused: false
  selector: { matchLabels: { app: a } }
  template:
    metadata: { labels: { app: a } }
    spec:
      containers:
      - name: a
        image: a
        unknownNested: 1
        imagePullPolicy: Always
        imagePullPolicy: Never
`

const NESTED = 'spec.template.spec.containers[0]'
const OF_JSON = [
  'duplicate field "metadata.name"',
  'unknown field "metadata.unknownMeta"',
  'unknown field "spec.unknown1"',
  'unknown field "spec.unknownDupe"',
  'duplicate field "spec.paused"',
  `unknown field "${NESTED}.unknownNested"`,
  `duplicate field "${NESTED}.imagePullPolicy"`,
]
const OF_YAML = [
  'line 5: key "name" already set in map',
  'line 10: key "unknownDupe" already set in map',
  'line 12: key "paused" already set in map',
  'line 22: key "imagePullPolicy" already set in map',
  'unknown field "metadata.unknownMeta"',
  `unknown field "${NESTED}.unknownNested"`,
  'unknown field "spec.unknown1"',
  'unknown field "spec.unknownDupe"',
]
const YAML_REPEATS = `yaml: unmarshal errors:\n  ${OF_YAML.slice(0, 4).join('\n  ')}`

describe('fields that are there twice, or that nobody knows', () => {
  it.each([
    ['JSON', 'application/json', deployment('strict'), OF_JSON.join(', ')],
    ['YAML', 'application/yaml', inYaml('strict'), [YAML_REPEATS, ...OF_YAML.slice(4)].join(', ')],
  ])('are refused together in %s', async (_name, type, body, errors) => {
    const { status, body: refusal } = await send('POST', `${DEPLOYMENTS}?fieldValidation=Strict`, type, body)
    const message = `Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: ${errors}`
    expect({ status, message: refusal.message }).toEqual({ status: 400, message })
  })

  it.each([
    ['JSON', 'application/json', deployment('warned-json'), OF_JSON],
    ['YAML', 'application/yaml', inYaml('warned-yaml'), OF_YAML],
  ])('are warned of one by one in %s', async (_name, type, body, expected) => {
    const { status, warnings } = await send('POST', DEPLOYMENTS, type, body)
    expect({ status, warnings }).toEqual({ status: 201, warnings: expected })
  })

  it('are ignored when asked', async () => {
    const ignored = await send('POST', `${DEPLOYMENTS}?fieldValidation=Ignore`, 'application/yaml', inYaml('ignored'))
    expect(ignored).toMatchObject({ status: 201, warnings: [] })
  })

  it('are named in the order of a JSON patch', async () => {
    await send('POST', `${DEPLOYMENTS}?fieldValidation=Ignore`, 'application/json', deployment('patched'))
    const patch =
      '[{"op":"test","path":"/kind","value":"Deployment","foo":1},{"op":"remove","path":"/x","path":"/spec/replicas"}]'
    const { warnings } = await send('PATCH', `${DEPLOYMENTS}/patched?dryRun=All`, 'application/json-patch+json', patch)
    expect(warnings.slice(0, 2)).toEqual([
      'json patch unknown field "[0].foo"',
      'json patch duplicate field "[1].path"',
    ])
  })

  it('are warned of in an applied configuration, which is applied', async () => {
    const config = 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: applied\ndata:\n  a: b\n  a: c\n'
    const path = '/api/v1/namespaces/default/configmaps/applied?fieldManager=a'
    const { status, warnings, body } = await send('PATCH', path, 'application/apply-patch+yaml', config)
    expect({ status, warnings }).toEqual({ status: 201, warnings: ['line 7: key "a" already set in map'] })
    expect(body).toMatchObject({ data: { a: 'c' } })
  })
})
