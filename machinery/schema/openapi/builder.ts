/**
 * OpenAPI v2 and v3 documents of whatever the server serves, made from the facts and from CRD schemas. Documents are built
 * anew on every call; the caller keeps the encoded result.
 * Upstream: kube-openapi pkg/builder, pkg/builder3.
 */
import type { JsonObject } from '#machinery/util/types.ts'
import { schemaFacts } from '../facts.ts'
import type { OpenApiBuilder, OpenApiResource } from '../interfaces.ts'
import { addCustomDefinitions } from './custom.ts'
import type { Describe, OpenApiDialect } from './definitions.ts'
import { DefinitionSet } from './definitions.ts'
import { customDefinitionName } from './names.ts'
import type { OperationTypes } from './operations.ts'
import { resourcePaths } from './operations.ts'

export interface OpenApiOptions {
  /** `info.version`, `v1.36.4`. */
  readonly version: string
  /** Texts for `kubectl explain`. */
  readonly describe?: Describe
}

const BEARER_TOKEN: JsonObject = {
  BearerToken: { description: 'Bearer Token authentication', type: 'apiKey', name: 'authorization', in: 'header' },
}

export function newOpenApiBuilder({ version, describe = () => undefined }: OpenApiOptions): OpenApiBuilder {
  const info: JsonObject = { title: 'Kubernetes', version }
  return {
    v2(resources) {
      const { set, paths } = contents('v2', resources, describe)
      return {
        swagger: '2.0',
        info,
        paths,
        definitions: set.toJson(),
        securityDefinitions: BEARER_TOKEN,
        security: [{ BearerToken: [] }],
      }
    },
    v3(group, apiVersion, resources) {
      const served = resources.filter((resource) => resource.group === group && resource.version === apiVersion)
      const { set, paths } = contents('v3', served, describe)
      return {
        openapi: '3.0.0',
        info,
        paths,
        components: { schemas: set.toJson(), securitySchemes: BEARER_TOKEN },
      }
    },
  }
}

function contents(
  dialect: OpenApiDialect,
  resources: readonly OpenApiResource[],
  describe: Describe,
): { set: DefinitionSet; paths: JsonObject } {
  const groupVersions = new Map(resources.map(({ group, version }) => [`${group}/${version}`, { group, version }]))
  const set = new DefinitionSet(dialect, describe, [...groupVersions.values()])
  const paths: [string, JsonObject][] = []
  for (const resource of resources) {
    if (resource.schema !== undefined) addCustomDefinitions(set, resource, dialect)
    paths.push(...resourcePaths(resource, operationTypes(set, resource), dialect))
  }
  paths.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return { set, paths: Object.fromEntries(paths) }
}

function operationTypes(set: DefinitionSet, resource: OpenApiResource): OperationTypes {
  const typed = (group: string, version: string, kind: string): JsonObject => {
    const type = schemaFacts().typeOfKind(group, version, kind)
    if (type !== undefined) return set.reference(type)
    const name = customDefinitionName(group, version, kind)
    // A kind that is neither built in nor described is an object of which nothing is known.
    if (!set.definitions.has(name)) {
      set.set(name, { type: 'object', 'x-kubernetes-group-version-kind': [{ group, kind, version }] })
    }
    return set.referenceTo(name)
  }
  return {
    ofKind: (kind) => typed(kind.group, kind.version, kind.kind),
    ofList: () => typed(resource.group, resource.version, resource.listKind),
    deleteOptions: set.reference('meta/v1.DeleteOptions'),
    status: set.reference('meta/v1.Status'),
    patch: set.reference('meta/v1.Patch'),
  }
}
