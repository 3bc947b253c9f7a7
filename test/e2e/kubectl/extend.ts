/** Custom resources through kubectl, and knarr's own. */
import { expect } from 'vitest'
import { eventually } from '#test/support/eventually.ts'
import type { Scenario } from './scenario.ts'

const definition = (group: string): string =>
  JSON.stringify({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `widgets.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'widgets', singular: 'widget', kind: 'Widget', shortNames: ['wd'], categories: ['all'] },
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

const widget = (group: string, name: string, spec: object): string =>
  JSON.stringify({ apiVersion: `${group}/v1`, kind: 'Widget', metadata: { name }, spec })

export const EXTENDING: readonly Scenario[] = [
  {
    name: 'a definition and its objects: apply, get, explain, patch, scale, delete',
    async run(kubectl, namespace) {
      const group = `${namespace}.example.com`
      await kubectl.ok('apply -f -', definition(group))
      await kubectl.ok(`wait --for=condition=Established crd/widgets.${group} --timeout=30s`)
      const resource = `widgets.${group}`
      await kubectl.ok('apply -f -', widget(group, 'w', { size: 2 }))
      await kubectl.ok('apply -f -', widget(group, 'w', { size: 3 }))
      const [columns, wide, all, described] = await Promise.all([
        kubectl.ok(`get ${resource}`),
        kubectl.ok(`get ${resource} -o wide`),
        kubectl.ok('get all'),
        kubectl.ok(`describe ${resource} w`),
      ])
      expect(columns).toMatch(/^NAME\s+SIZE\nw\s+3\n$/)
      expect(wide).toMatch(/NOTE\nw\s+3\s+none/)
      expect(all).toContain('/w ')
      expect(described).toMatch(/Size:\s+3/)
      expect(await kubectl.ok(`explain ${resource}.spec --api-version=${group}/v1`)).toContain('how large')
      await kubectl.ok(['patch', resource, 'w', '--type=merge', '-p', '{"spec":{"note":"hi"}}'])
      await kubectl.ok(`scale ${resource} w --replicas=8`)
      expect(await kubectl.json(`get ${resource} w`)).toMatchObject({ spec: { size: 8, note: 'hi' } })
      const invalid = await kubectl.fails('create -f -', widget(group, 'bad', { size: 0 }))
      expect(invalid).toMatch(/spec\.size.*(greater than or equal to 1|more than or equal to 1)/)
      await kubectl.ok(`delete ${resource} --all`)
      await kubectl.ok(`delete crd ${resource}`)
      await eventually(async () => expect(await kubectl.fails(`get --raw /apis/${group}/v1`)).not.toBe(''))
    },
  },
  {
    name: 'a definition and an object of it in one apply',
    async run(kubectl, namespace) {
      const group = `${namespace}.example.com`
      const both = `${definition(group)}\n---\n${widget(group, 'w', { size: 1 })}`
      const first = await kubectl.run(['apply', '-f', '-'], { stdin: both })
      expect(first.stdout).toContain(`customresourcedefinition.apiextensions.k8s.io/widgets.${group} created`)
      // kubectl maps kinds of a whole file before it sends the first object, so the object may need a second apply.
      if (first.code !== 0) expect(first.stderr).toContain('no matches for kind "Widget"')
      await kubectl.ok('apply -f -', both)
      expect(await kubectl.ok(`get widgets.${group} -o name`)).toBe(`widget.${group}/w\n`)
      await kubectl.ok(`delete crd widgets.${group}`)
    },
  },
  {
    name: 'add-ons and charts are served under k3s names',
    async run(kubectl) {
      expect(await kubectl.ok('get crd -o name')).toContain('customresourcedefinition.apiextensions.k8s.io/addons.k3s.cattle.io')
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
