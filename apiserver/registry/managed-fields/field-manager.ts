/**
 * managedFields of one resource: every write through the API says who it is, and this file says what it then owns.
 * Upstream: apimachinery pkg/util/managedfields/internal/fieldmanager.go, skipnonapplied.go.
 */
import type { KubeObject, ManagedFieldsEntry } from '#machinery/api/meta/v1.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import type { FieldOwner } from '#machinery/structured-merge/managers.ts'
import { changesIn, VersionedChanges } from '#machinery/structured-merge/ownership.ts'
import { assert } from '#machinery/util/assert.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type {
  AppliedObject,
  ApplyWriteRequest,
  FieldManager,
  ResourceDefinition,
  WriteRequest,
} from '../generic/interfaces.ts'
import { checkConfig } from './applied-config.ts'
import { newConflictError } from './conflict-error.ts'
import { conflictsBeyondLastApplied, KUBECTL, updateLastApplied } from './last-applied.ts'
import { ownersBefore, storedOwners } from './owners.ts'
import { resetFieldsOf } from './reset-fields.ts'
import { ResourceVersions, STORED } from './resource-versions.ts'
import { createScaleFieldManager } from './scale-owners.ts'
import type { AppliedOutcome, ApplyRequest, Writer } from './tracking.ts'
import { ownersAfterApply, ownersAfterUpdate, ownersOfNew, reconciledOwners } from './tracking.ts'

const NOTHING = Object.freeze({})
/** Owns what an object had before anybody was tracked. */
const BEFORE_FIRST_APPLY = 'before-first-apply'

export function createFieldManager(definition: ResourceDefinition): FieldManager {
  const views = new Map<string, ResourceVersions>()
  const versionsOf = ({ subresource, strategy }: WriteRequest): ResourceVersions => {
    let versions = views.get(subresource)
    if (versions === undefined) {
      versions = new ResourceVersions(definition, resetFieldsOf(definition, subresource, strategy))
      views.set(subresource, versions)
    }
    return versions
  }
  return {
    created(draft, request) {
      if (request.manager === undefined) return dropEmpty(draft)
      const versions = versionsOf(request)
      const writer = writerOf(definition, request, request.manager)
      setOwners(draft, ownersOfNew(writer, setOfWhole(versions, writer, draft)))
    },
    updated(draft, old, request) {
      if (request.manager === undefined) return dropEmpty(draft)
      const sent = request.subresource === '' ? draft.metadata.managedFields : undefined
      const before = ownersBefore(old.metadata.managedFields, sent)
      // Nobody is tracked: that starts with an apply only.
      if (before.length === 0) return setOwners(draft, before)
      const versions = versionsOf(request)
      const changes = new VersionedChanges(versions, STORED, old, draft)
      const writer = writerOf(definition, request, request.manager)
      setOwners(draft, ownersAfterUpdate(reconciledUnlessBuiltIn(before, versions), changes, writer))
    },
    scale: createScaleFieldManager(definition),
    apply: (live, config, request) => apply(definition, versionsOf(request), live, config, request),
  }
}

/** Built-in types only change with the release; walking every set on every update would be for nothing. */
function reconciledUnlessBuiltIn(owners: readonly FieldOwner[], versions: ResourceVersions): readonly FieldOwner[] {
  return versions.areBuiltIn ? owners : reconciledOwners(owners, versions)
}

function writerOf(definition: ResourceDefinition, request: WriteRequest, manager: string): Writer {
  const { version, subresource, context } = request
  const apiVersion = apiVersionOf({ group: definition.group, version })
  return { manager, apiVersion, subresource, time: formatTime(context.clock.now()) }
}

function setOfWhole(versions: ResourceVersions, { apiVersion }: Writer, stored: DeepReadonly<KubeObject>) {
  const version = versions.typeOf(apiVersion)
  assert(version !== undefined, 'objects are written in a version that is served')
  return changesIn(version, NOTHING, versions.convert(stored, STORED, apiVersion)).set
}

/** Nobody is tracked here: the wish not to be says nothing. */
function dropEmpty({ metadata }: KubeObject): void {
  if (metadata.managedFields?.length === 0) delete metadata.managedFields
}

function setOwners(object: KubeObject, owners: readonly FieldOwner[]): void {
  if (owners.length === 0) delete object.metadata.managedFields
  else object.metadata.managedFields = owners as unknown as ManagedFieldsEntry[]
}

function apply(
  definition: ResourceDefinition,
  versions: ResourceVersions,
  live: DeepReadonly<KubeObject> | undefined,
  config: KubeObject,
  request: ApplyWriteRequest,
): AppliedObject {
  const writer = writerOf(definition, request, request.manager)
  const { apiVersion } = writer
  checkConfig(versions, config, apiVersion, definition.kind)
  const before = live === undefined ? { apiVersion, kind: definition.kind } : versions.convert(live, STORED, apiVersion)
  const tracked = storedOwners(live?.metadata.managedFields)
  const isFirst = tracked.length === 0 && live !== undefined
  const owners = isFirst
    ? ownersOfNew({ ...writer, manager: BEFORE_FIRST_APPLY }, setOfWhole(versions, writer, live))
    : tracked
  const input = { versions, live: before, config, owners, writer, force: request.force }
  const outcome = resolveConflicts(input, ownersAfterApply(input), before as DeepReadonly<KubeObject>)
  const object = deepCopy<KubeObject>((outcome.object ?? before) as DeepReadonly<KubeObject>)
  object.metadata ??= {}
  if (request.manager === KUBECTL) updateLastApplied(object, config)
  setOwners(object, outcome.owners)
  const { managedFields } = object.metadata
  delete object.metadata.managedFields
  return { object, managedFields }
}

type Settled = Extract<AppliedOutcome, { readonly conflicts: undefined }>

function resolveConflicts(input: ApplyRequest, outcome: AppliedOutcome, live: DeepReadonly<KubeObject>): Settled {
  if (outcome.conflicts === undefined) return outcome
  const { writer, versions } = input
  const type = versions.typeOf(writer.apiVersion)?.type
  if (writer.manager !== KUBECTL || type === undefined) throw newConflictError(outcome.conflicts)
  const left = conflictsBeyondLastApplied(outcome.conflicts, live, type, writer.apiVersion)
  if (left.length > 0) throw newConflictError(left)
  const forced = ownersAfterApply({ ...input, force: true })
  assert(forced.conflicts === undefined, 'a forced apply has no conflicts')
  return forced
}
