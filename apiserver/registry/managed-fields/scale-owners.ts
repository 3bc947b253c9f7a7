/**
 * Owners of a scaled object as owners of its Scale and back: all a Scale has of it is the number of replicas.
 * Upstream: apimachinery pkg/util/managedfields/scalehandler.go.
 */
import type { KubeObject, ManagedFieldsEntry } from '#machinery/api/meta/v1.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import { builtInMergeType } from '#machinery/structured-merge/fact-types.ts'
import { difference, EMPTY_SET, hasPath, isEmptySet, setOfPath, union } from '#machinery/structured-merge/field-set.ts'
import type { FieldOwner, Versions } from '#machinery/structured-merge/managers.ts'
import { VersionedChanges } from '#machinery/structured-merge/ownership.ts'
import { fieldElement } from '#machinery/structured-merge/path-element.ts'
import { DEDUCED } from '#machinery/structured-merge/types.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ResourceDefinition, ScaleFieldManager, WriteRequest } from '../generic/interfaces.ts'
import { checkConfig } from './applied-config.ts'
import { newConflictError } from './conflict-error.ts'
import { newOwner, sortedOwners, storedOwners } from './owners.ts'
import type { Writer } from './tracking.ts'
import { ownersAfterApply, ownersAfterUpdate } from './tracking.ts'

const SCALE_VERSION = 'autoscaling/v1'
const REPLICAS = ['spec', 'replicas'].map(fieldElement)
const TYPE_META: ReadonlySet<string> = new Set(['apiVersion', 'kind'])

const VERSIONS: Versions = {
  typeOf(apiVersion) {
    if (apiVersion !== SCALE_VERSION) return undefined
    const type = builtInMergeType('autoscaling', 'v1', 'Scale') ?? DEDUCED
    return { type, skipped: TYPE_META, hasMetadata: true, reset: EMPTY_SET, only: undefined }
  },
  convert: (object) => object,
}

export function createScaleFieldManager(definition: ResourceDefinition): ScaleFieldManager {
  return {
    updated(parent, { before, after, replicasPath }, request) {
      const owners = storedOwners(parent.metadata.managedFields)
      const path = elementsOf(replicasPath)
      const scaleOwners = toScale(owners, path)
      if (request.manager === undefined || scaleOwners.length === 0) return asEntries(owners)
      const changes = new VersionedChanges(VERSIONS, SCALE_VERSION, before, after)
      const written = ownersAfterUpdate(scaleOwners, changes, writerOf(request, request.manager))
      return asEntries(toParent(owners, written, path, parentVersion(definition, request)))
    },
    apply(parent, { before, config, replicasPath }, request) {
      checkConfig(VERSIONS, config, SCALE_VERSION, 'Scale')
      const owners = storedOwners(parent.metadata.managedFields)
      const path = elementsOf(replicasPath)
      const outcome = ownersAfterApply({
        versions: VERSIONS,
        live: before,
        config,
        owners: toScale(owners, path),
        writer: writerOf(request, request.manager),
        force: request.force,
      })
      if (outcome.conflicts !== undefined) throw newConflictError(outcome.conflicts)
      const managedFields = toParent(owners, outcome.owners, path, parentVersion(definition, request))
      const object = deepCopy<KubeObject>((outcome.object ?? before) as DeepReadonly<KubeObject>)
      return { object, managedFields: asEntries(managedFields) }
    },
  }
}

function writerOf({ context, subresource }: WriteRequest, manager: string): Writer {
  return { manager, apiVersion: SCALE_VERSION, subresource, time: formatTime(context.clock.now()) }
}

const parentVersion = ({ group }: ResourceDefinition, { version }: WriteRequest): string =>
  apiVersionOf({ group, version })

const asEntries = (owners: readonly FieldOwner[]): ManagedFieldsEntry[] | undefined =>
  owners.length === 0 ? undefined : (owners as unknown as ManagedFieldsEntry[])

/** `.spec.replicas` */
const elementsOf = (path: string): string[] =>
  path
    .split('.')
    .filter((name) => name !== '')
    .map(fieldElement)

function toScale(owners: readonly FieldOwner[], path: readonly string[]): FieldOwner[] {
  return owners
    .filter((owner) => hasPath(owner.fieldsV1, path))
    .map((owner) => ({ ...owner, apiVersion: SCALE_VERSION, fieldsV1: setOfPath(REPLICAS) }))
}

/** Who lost the replicas in the Scale loses them here; who got them there gets them here. */
function toParent(
  owners: readonly FieldOwner[],
  scaleOwners: readonly FieldOwner[],
  path: readonly string[],
  apiVersion: string,
): FieldOwner[] {
  const replicas = setOfPath(path)
  const holders = scaleOwners.filter((owner) => hasPath(owner.fieldsV1, REPLICAS))
  const isSame = (a: FieldOwner) => (b: FieldOwner) =>
    a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource
  const kept = owners.flatMap((owner) => {
    const holder = holders.find(isSame(owner))
    if (holder !== undefined && hasPath(owner.fieldsV1, path)) return [owner]
    if (holder !== undefined && owner.apiVersion === apiVersion) {
      return [{ ...owner, ...timeOf(holder), fieldsV1: union(owner.fieldsV1, replicas) }]
    }
    const rest = difference(owner.fieldsV1, replicas)
    return isEmptySet(rest) ? [] : [rest === owner.fieldsV1 ? owner : { ...owner, fieldsV1: rest }]
  })
  const fresh = holders
    .filter((holder) => !kept.some((owner) => isSame(holder)(owner) && hasPath(owner.fieldsV1, path)))
    // Upstream loses their time, and tools rely on where that sorts them: before whoever has one.
    .map(({ manager, operation, subresource }) =>
      newOwner({ manager, operation, apiVersion, time: undefined, subresource }, replicas),
    )
  return sortedOwners([...kept, ...fresh])
}

const timeOf = ({ time }: FieldOwner): { time?: string } => (time === undefined ? {} : { time })
