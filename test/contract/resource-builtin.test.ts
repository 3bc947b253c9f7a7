/** The resource contract over every stored built-in kind. */
import { describe } from 'vitest'
import type { ResourceDefinition } from '#apiserver/registry/generic/interfaces.ts'
import { ALL_VERBS } from '#apiserver/registry/generic/interfaces.ts'
import { builtInResources } from '#apiserver/registry/install.ts'
import { createStoredObjects } from '#apiserver/server/stored-objects.ts'
import { keyOf, minimalObject } from '#test/support/minimal-objects.ts'
import { EVERY_API } from '#test/support/registry-config.ts'
import { resourceContract } from './resource.contract.ts'
import { startTestServer } from './resource-server.ts'

/** Kinds whose objects cannot be made up from a name alone: their own tests cover them. */
const LEFT_OUT = new Map([
  ['certificates.k8s.io/certificatesigningrequests', 'a spec with a real certificate request'],
  ['events.k8s.io/events', 'the same objects as core events'],
  ['networking.k8s.io/ipaddresses', 'names are addresses'],
  ['networking.k8s.io/servicecidrs', 'spec.cidrs'],
  ['apiregistration.k8s.io/apiservices', 'names are version and group'],
  ['internal.apiserver.k8s.io/storageversions', 'names are group and resource'],
  ['namespaces', 'deletion is completed by the namespace controller'],
])

const objects = createStoredObjects()
const resources = builtInResources({ objects, config: EVERY_API })
const { server, resources: table } = startTestServer({ resources })
objects.bind(table)

const isCovered = (definition: ResourceDefinition): boolean =>
  ALL_VERBS.every((verb) => definition.verbs.includes(verb)) && !LEFT_OUT.has(keyOf(definition))

describe('built-in kinds', () => {
  for (const definition of resources.filter(isCovered)) {
    resourceContract({
      definition,
      makeObject: (name) => minimalObject(definition, name),
      start: () => server,
    })
  }
})
