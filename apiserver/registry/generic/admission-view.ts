/**
 * A resource's objects as admission webhooks see them: in the version they ask for, and back into the draft.
 * Upstream: apiserver pkg/admission/conversion.go (VersionedAttributes).
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { assert } from '#machinery/util/assert.ts'
import { setMember } from '#machinery/util/json.ts'
import type { AdmissionView, EquivalentResource } from '../../admission/interfaces.ts'
import { fromStorage, toStorage } from './conversion.ts'
import type { ResourceDefinition, VersionDefinition } from './interfaces.ts'

const NONE: readonly EquivalentResource[] = []
const views = new WeakMap<ResourceDefinition, AdmissionView>()

export function admissionViewOf(definition: ResourceDefinition): AdmissionView {
  let view = views.get(definition)
  if (view === undefined) {
    view = createView(definition)
    views.set(definition, view)
  }
  return view
}

function equivalentOf(definition: ResourceDefinition): EquivalentResource {
  const { group, resource } = definition
  return { group, resource, view: admissionViewOf(definition) }
}

function createView(definition: ResourceDefinition): AdmissionView {
  const { group, kind, storageVersion, convert } = definition
  const byName = new Map(definition.versions.map((version) => [version.version, version]))
  const versionOf = (name: string): VersionDefinition => {
    const version = byName.get(name)
    assert(version !== undefined, 'webhooks are asked in versions of the view')
    return version
  }
  return {
    // Asked for late: the others' views know this one.
    get equivalents() {
      return definition.equivalents?.().map(equivalentOf) ?? NONE
    },
    versions: definition.versions.filter(({ served }) => served).map(({ version }) => version),
    kindIn: (version) => ({ group, version, kind }),
    show(object, version) {
      if (convert !== undefined && version !== storageVersion) return convert(object, version)
      return fromStorage(definition, versionOf(version), object)
    },
    replace(draft, patched, version) {
      const { schema } = versionOf(version)
      schema.decode(patched)
      schema.applyDefaults(patched)
      if (convert !== undefined && version !== storageVersion) {
        return convert(patched, storageVersion).then((converted) => takePlace(draft, converted))
      }
      return takePlace(draft, toStorage(definition, versionOf(version), patched))
    },
  }
}

/** The draft keeps its identity: those who hold it see what has become of it. */
export function takePlace(draft: KubeObject, changed: KubeObject): void {
  const members = draft as unknown as Record<string, unknown>
  for (const name of Object.keys(members)) delete members[name]
  for (const [name, value] of Object.entries(changed)) setMember(members, name, value)
  draft.metadata ??= {}
}
