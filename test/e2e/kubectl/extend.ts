/** Custom resources through kubectl, and knarr's own. */
import { expect } from 'vitest'
import { eventually } from '#test/support/eventually.ts'
import { startWebhookServer } from '#test/support/webhook-server.ts'
import type { Scenario } from './scenario.ts'
import { documents } from './scenario.ts'

/** Own names for each scenario: they run at the same time. */
const namesOf = (namespace: string) => {
  const singular = `widget${namespace.replaceAll('-', 'x')}`
  return {
    group: `${namespace}.example.com`,
    singular,
    plural: `${singular}s`,
    kind: `Widget${namespace.replaceAll('-', 'x')}`,
  }
}
type Names = ReturnType<typeof namesOf>

const definition = ({ group, plural, singular, kind }: Names): string =>
  JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural, singular, kind, shortNames: [`short${singular}`], categories: [`all${plural}`] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          subresources: { status: {}, scale: { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' } },
          additionalPrinterColumns: [
            { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
            { name: 'Note', type: 'string', jsonPath: '.spec.note', priority: 1 },
          ],
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                spec: {
                  type: 'object',
                  required: ['size'],
                  description: 'what the widget should be',
                  properties: {
                    size: { type: 'integer', minimum: 1, description: 'how large' },
                    note: { type: 'string', default: 'none' },
                  },
                },
                status: { type: 'object', properties: { size: { type: 'integer' } } },
              },
            },
          },
        },
      ],
    },
  })

const widget = ({ group, kind }: Names, name: string, spec: object): string =>
  JSON.stringify({ apiVersion: `${group}/v1`, kind, metadata: { name }, spec })

const webhook = (namespace: string, name: string, clientConfig: object): string =>
  JSON.stringify({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingWebhookConfiguration',
    metadata: { name },
    webhooks: [
      {
        name: 'guard.example.com',
        clientConfig,
        rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      },
    ],
  })

export const EXTENDING: readonly Scenario[] = [
  {
    name: 'an admission webhook that denies, and one that cannot be reached',
    async run(kubectl, namespace) {
      const server = await startWebhookServer()
      try {
        server.on('/guard', () => ({ allowed: false, status: { message: 'not on my watch', code: 403 } }))
        const { caBundle } = server
        await kubectl.ok('apply -f -', webhook(namespace, namespace, { url: server.url('/guard'), caBundle }))
        const denied = await kubectl.fails('create configmap c')
        expect(denied).toContain('admission webhook "guard.example.com" denied the request: not on my watch')
        await kubectl.ok('apply -f -', webhook(namespace, namespace, { service: { namespace, name: 'gone' } }))
        const failed = await kubectl.fails('create configmap c')
        expect(failed).toContain(
          `failed calling webhook "guard.example.com": failed to call webhook: Post "https://gone.${namespace}.svc:443/?timeout=10s": service "gone" not found`,
        )
        await kubectl.ok(`delete validatingwebhookconfiguration ${namespace}`)
        await kubectl.ok('create configmap c')
      } finally {
        await server.close()
      }
    },
  },
  {
    name: 'a definition and its objects: apply, get, explain, patch, scale, delete',
    async run(kubectl, namespace) {
      const names = namesOf(namespace)
      const { group, plural, singular, kind } = names
      await kubectl.ok('apply -f -', definition(names))
      await kubectl.ok(`wait --for=condition=Established crd/${plural}.${group} --timeout=30s`)
      const resource = `${plural}.${group}`
      await kubectl.ok('apply -f -', widget(names, 'w', { size: 2 }))
      await kubectl.ok('apply -f -', widget(names, 'w', { size: 3 }))
      const [columns, wide, all, described] = await Promise.all([
        kubectl.ok(`get ${resource}`),
        kubectl.ok(`get ${resource} -o wide`),
        kubectl.ok(`get all${plural}`),
        kubectl.ok(`describe ${resource} w`),
      ])
      expect(columns).toMatch(/^NAME\s+SIZE\nw\s+3\n$/)
      expect(wide).toMatch(/NOTE\nw\s+3\s+none/)
      expect(all).toMatch(/w\s+3/)
      expect(await kubectl.ok(`get short${singular} -o name`)).toBe(`${singular}.${group}/w\n`)
      expect(await kubectl.ok(`get ${kind} w -o name`)).toBe(`${singular}.${group}/w\n`)
      expect(described).toMatch(/Size:\s+3/)
      expect(await kubectl.ok(`explain ${plural}.spec`)).toContain('how large')
      await kubectl.ok(['patch', resource, 'w', '--type=merge', '-p', '{"spec":{"note":"hi"}}'])
      await kubectl.ok(`scale ${resource} w --replicas=8`)
      expect(await kubectl.json(`get ${resource} w`)).toMatchObject({ spec: { size: 8, note: 'hi' } })
      const invalid = await kubectl.fails('create -f -', widget(names, 'bad', { size: 0 }))
      expect(invalid).toMatch(/spec\.size.*(greater than or equal to 1|more than or equal to 1)/)
      await kubectl.ok(`delete ${resource} --all`)
      await kubectl.ok(`delete crd ${resource}`)
      await eventually(async () => expect(await kubectl.fails(`get --raw /apis/${group}/v1`)).not.toBe(''))
    },
  },
  {
    name: 'a definition and an object of it in one apply',
    async run(kubectl, namespace) {
      const names = namesOf(namespace)
      const { group, plural, singular, kind } = names
      const both = documents(definition(names), widget(names, 'w', { size: 1 }))
      const first = await kubectl.run(['apply', '-f', '-'], { stdin: both })
      expect(first.stdout).toContain(`customresourcedefinition.apiextensions.k8s.io/${plural}.${group} created`)
      // kubectl maps kinds of a whole file before it sends the first object, so the object may need a second apply.
      if (first.code !== 0) expect(first.stderr).toContain(`no matches for kind "${kind}"`)
      await kubectl.ok('apply -f -', both)
      expect(await kubectl.ok(`get ${plural}.${group} -o name`)).toBe(`${singular}.${group}/w\n`)
      await kubectl.ok(`delete crd ${plural}.${group}`)
    },
  },
  {
    name: 'add-ons and charts are served under k3s names',
    async run(kubectl) {
      expect(await kubectl.ok('get crd -o name')).toContain(
        'customresourcedefinition.apiextensions.k8s.io/addons.k3s.cattle.io',
      )
      const [charts, addons, explained] = await Promise.all([
        kubectl.run(['get', 'hc']),
        kubectl.run(['get', 'addon']),
        kubectl.ok('explain helmchart.spec'),
      ])
      expect([charts.code, addons.code]).toEqual([0, 0])
      expect(explained).toContain('valuesContent')
    },
  },
]
