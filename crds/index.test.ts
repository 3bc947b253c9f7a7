import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { asCrd } from '#apiserver/extensions/definition/types.ts'
import { validateCrd } from '#apiserver/extensions/definition/validation.ts'
import { ADDONS } from '#machinery/api/k3s/v1/resources.ts'
import { HELM_CHART_CONFIGS, HELM_CHARTS } from '#machinery/api/helm/v1/resources.ts'
import { ownCustomResourceDefinitions } from './index.ts'

const root = import.meta.dirname

describe('own CustomResourceDefinitions', () => {
  it('are generated from the YAML files (else run node crds/generate.mjs)', () => {
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.yaml'))
      .sort()
    expect(ownCustomResourceDefinitions()).toEqual(files.map((file) => parse(readFileSync(join(root, file), 'utf8'))))
  })

  it('are valid', () => {
    for (const definition of ownCustomResourceDefinitions()) {
      const storage = definition.spec.versions.find((version) => version.storage)?.name ?? ''
      const crd = asCrd({ ...definition, status: { storedVersions: [storage] } })
      expect(validateCrd(crd), definition.metadata.name).toEqual([])
    }
  })

  it('match the resource constants', () => {
    const byName = new Map(ownCustomResourceDefinitions().map((crd) => [crd.metadata.name, crd]))
    for (const resource of [ADDONS, HELM_CHARTS, HELM_CHART_CONFIGS]) {
      const crd = byName.get(`${resource.resource}.${resource.group}`)
      expect(crd?.spec.names.kind).toBe(resource.kind)
      expect(crd?.spec.scope).toBe('Namespaced')
      expect(crd?.spec.versions.map((version) => version.name)).toEqual([resource.version])
    }
  })
})
