import { describe, expect, it } from 'vitest'
import { applyPhases } from './apply-order.ts'
import { parseManifest } from './manifest.ts'

const document = (apiVersion: string, kind: string, name: string, extra = ''): string =>
  `---\napiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: ${name}${extra} }\n`

describe('applyPhases', () => {
  it('puts Namespaces and definitions first and keeps the order of the rest', () => {
    const phases = applyPhases(
      parseManifest(
        document('x.io/v1', 'Thing', 't') +
          document('v1', 'ConfigMap', 'c') +
          document('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'things.x.io') +
          document('v1', 'Namespace', 'ns'),
      ),
    )
    expect(phases.namespaces.map(({ object }) => object.metadata.name)).toEqual(['ns'])
    expect(phases.customResourceDefinitions.map(({ object }) => object.metadata.name)).toEqual(['things.x.io'])
    expect(phases.others.map(({ object }) => object.metadata.name)).toEqual(['t', 'c'])
  })

  it('takes the last of several documents for one object, and knows namespaces apart', () => {
    const phases = applyPhases(
      parseManifest(
        document('v1', 'ConfigMap', 'c', ', labels: { which: "1" }') +
          document('v1', 'ConfigMap', 'c', ', namespace: other') +
          document('v1', 'ConfigMap', 'c', ', labels: { which: "2" }'),
      ),
    )
    expect(phases.others.map(({ object }) => object.metadata.labels?.['which'])).toEqual(['2', undefined])
  })
})
