// Chart.yaml → metadata. Upstream: helm pkg/chart/v2/{metadata,dependency}.go.

import { formatG } from '../gofmt/float.ts'
import { formatValue } from '../gofmt/print.ts'
import { quote } from '../gofmt/quote.ts'
import { GoError } from '../gotypes/error.ts'
import { type GoMap, type GoValue, isMap, TypedMap } from '../gotypes/value.ts'
import { tryParseVersion } from '../semver/version.ts'
import type { ChartDependency, ChartMaintainer, ChartMetadata } from './types.ts'

/** A scalar in a string field is converted, as sigs.k8s.io/yaml does for typed targets. */
function text(value: GoValue): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value.replace(/\p{Cc}/gu, (char) => (/\s/.test(char) ? ' ' : ''))
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : formatG(value)
  return formatValue(value)
}

function texts(value: GoValue): string[] {
  return Array.isArray(value) ? value.map(text) : []
}

function maps(value: GoValue): GoMap[] {
  return Array.isArray(value) ? value.filter(isMap) : []
}

function readDependency(map: GoMap): ChartDependency {
  const importValues = map.get('import-values')
  return {
    name: text(map.get('name')),
    version: text(map.get('version')),
    repository: text(map.get('repository')),
    condition: text(map.get('condition')),
    tags: texts(map.get('tags')),
    enabled: map.get('enabled') === true,
    importValues: Array.isArray(importValues) ? importValues : [],
    alias: text(map.get('alias')),
  }
}

function readMaintainer(map: GoMap): ChartMaintainer {
  return { name: text(map.get('name')), email: text(map.get('email')), url: text(map.get('url')) }
}

export function readMetadata(map: GoMap): ChartMetadata {
  const annotations = map.get('annotations')
  const apiVersion = text(map.get('apiVersion'))
  return {
    name: text(map.get('name')),
    home: text(map.get('home')),
    sources: texts(map.get('sources')),
    version: text(map.get('version')),
    description: text(map.get('description')),
    keywords: texts(map.get('keywords')),
    maintainers: maps(map.get('maintainers')).map(readMaintainer),
    icon: text(map.get('icon')),
    // A chart without apiVersion is a Helm 2 chart.
    apiVersion: apiVersion === '' ? 'v1' : apiVersion,
    condition: text(map.get('condition')),
    tags: text(map.get('tags')),
    appVersion: text(map.get('appVersion')),
    deprecated: map.get('deprecated') === true,
    annotations: new Map(isMap(annotations) ? [...annotations].map(([key, value]) => [key, text(value)]) : []),
    kubeVersion: text(map.get('kubeVersion')),
    dependencies: maps(map.get('dependencies')).map(readDependency),
    type: text(map.get('type')),
  }
}

export function validateMetadata(metadata: ChartMetadata): void {
  const fail = (message: string): GoError => new GoError(`validation: ${message}`)
  if (metadata.name === '') throw fail('chart.metadata.name is required')
  if (metadata.name !== metadata.name.slice(metadata.name.lastIndexOf('/') + 1))
    throw fail(`chart.metadata.name ${quote(metadata.name)} is invalid`)
  if (metadata.version === '') throw fail('chart.metadata.version is required')
  if (tryParseVersion(metadata.version) === undefined)
    throw fail(`chart.metadata.version ${quote(metadata.version)} is invalid`)
  if (!['', 'application', 'library'].includes(metadata.type))
    throw fail('chart.metadata.type must be application or library')
  const names = new Set<string>()
  for (const dependency of metadata.dependencies) {
    const key = dependency.alias === '' ? dependency.name : dependency.alias
    if (names.has(key)) throw fail(`more than one dependency with name or alias ${quote(key)}`)
    names.add(key)
    if (dependency.alias !== '' && !/^[a-zA-Z0-9_-]+$/.test(dependency.alias)) {
      throw fail(`dependency ${quote(dependency.name)} has disallowed characters in the alias`)
    }
  }
}

/** What templates see as .Chart: the struct's Go field names. */
export function metadataObject(metadata: ChartMetadata, isRoot: boolean): GoMap {
  return new Map<string, GoValue>([
    ['Name', metadata.name],
    ['Home', metadata.home],
    ['Sources', [...metadata.sources]],
    ['Version', metadata.version],
    ['Description', metadata.description],
    ['Keywords', [...metadata.keywords]],
    [
      'Maintainers',
      metadata.maintainers.map(
        (one) =>
          new Map([
            ['Name', one.name],
            ['Email', one.email],
            ['URL', one.url],
          ]),
      ),
    ],
    ['Icon', metadata.icon],
    ['APIVersion', metadata.apiVersion],
    ['Condition', metadata.condition],
    ['Tags', metadata.tags],
    ['AppVersion', metadata.appVersion],
    ['Deprecated', metadata.deprecated],
    ['Annotations', new TypedMap('map[string]string', '', metadata.annotations)],
    ['KubeVersion', metadata.kubeVersion],
    ['Dependencies', metadata.dependencies.map(dependencyObject)],
    ['Type', metadata.type],
    ['IsRoot', isRoot],
  ])
}

function dependencyObject(dependency: ChartDependency): GoMap {
  return new Map<string, GoValue>([
    ['Name', dependency.name],
    ['Version', dependency.version],
    ['Repository', dependency.repository],
    ['Condition', dependency.condition],
    ['Tags', [...dependency.tags]],
    ['Enabled', dependency.enabled],
    ['ImportValues', [...dependency.importValues]],
    ['Alias', dependency.alias],
  ])
}
