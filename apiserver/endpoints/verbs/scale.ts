/**
 * The scale subresource: autoscaling/v1 Scale over JSON paths of any object.
 * Upstream: pkg/registry/apps/deployment/storage (ScaleREST), apiextensions-apiserver customresource/etcd.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newBadRequest, newInvalid, newNotFound } from '#machinery/meta/errors.ts'
import { fieldInvalid } from '#machinery/meta/field-error.ts'
import { builtInSchema } from '#machinery/schema/builtin.ts'
import { deepCopy, isObject, setMember } from '#machinery/util/json.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionView } from '../../admission/interfaces.ts'
import type { ApiCall } from '../../filters/interfaces.ts'
import { takePlace } from '../../registry/generic/admission-view.ts'
import type {
  ResourceDefinition,
  ResourceStore,
  ScaleMapping,
  WriteRequest,
} from '../../registry/generic/interfaces.ts'
import type { ApiResponse } from '../../server/interfaces.ts'
import type { CachedObject } from '../../storage/cacher/interface.ts'
import { applySchema, decodeObject, enforceFieldValidation } from '../body/decode.ts'
import type { EndpointScope } from '../interfaces.ts'
import type { OutputFormat } from '../negotiate.ts'
import { negotiateOutput } from '../negotiate.ts'
import { fieldManagerOf } from '../options/field-manager.ts'
import { parseApplyOptions, parseWriteOptions } from '../options/write-options.ts'
import { valueResponse } from '../output.ts'
import { parseIncludeObject, partialMetadata, valueTable } from '../table/table.ts'
import { decodeApplied, isApply, parseConfig } from './apply.ts'
import { patchedObject, patchMediaType, readPatch } from './patch.ts'

interface Scale extends KubeObject {
  spec?: { replicas?: number }
  status?: { replicas: number; selector?: string }
}

type Scaled = Pick<CachedObject, 'object'>

const SCALE = { group: 'autoscaling', version: 'v1', kind: 'Scale' } as const

export async function serveScale(
  call: ApiCall,
  scope: EndpointScope,
  store: ResourceStore,
  mapping: ScaleMapping,
): Promise<ApiResponse> {
  const output = negotiateOutput(call.request.headers['accept'], scope.presenter)
  const { definition } = scope
  if (call.info.verb === 'get') {
    const key = store.objects.keyOf(definition.namespaced ? call.info.namespace : '', call.info.name)
    const found = await store.objects.get(key)
    if (found === undefined) throw newNotFound(definition, call.info.name)
    return scaleResponse(call, found, mapping, output)
  }
  const updated = await writeScale(call, scope, store, mapping)
  return scaleResponse(call, updated, mapping, output)
}

function scaleResponse(call: ApiCall, found: Scaled, mapping: ScaleMapping, output: OutputFormat): ApiResponse {
  const scale = scaleOf(found, mapping)
  const { metaVersion } = output
  if (output.as === 'PartialObjectMetadata') return valueResponse(200, partialMetadata(scale, metaVersion), output)
  if (output.as === 'Object') return valueResponse(200, scale, output)
  const includeObject = parseIncludeObject(call.query.get('includeObject'))
  const options = { includeObject, metaVersion, now: call.clock.now(), hasColumns: true }
  return valueResponse(200, valueTable(mapping.table, scale, options), output)
}

async function writeScale(
  call: ApiCall,
  scope: EndpointScope,
  store: ResourceStore,
  mapping: ScaleMapping,
): Promise<CachedObject> {
  if (isApply(call.request)) return applyScale(call, scope, store, mapping)
  const isPatch = call.info.verb === 'patch'
  const { isDryRun, fieldValidation, options } = parseWriteOptions(
    call.query,
    isPatch ? 'PatchOptions' : 'UpdateOptions',
  )
  call.isDryRun = isDryRun
  const expected = { ...SCALE, schema: builtInSchema(SCALE.group, SCALE.version, SCALE.kind) }
  const strategicMerge = scope.definition.isCustom === true ? undefined : expected.schema?.strategicMerge
  const patch = isPatch ? readPatch(call, patchMediaType(call.request, strategicMerge), strategicMerge) : undefined
  const desired = (current: CachedObject): Scale => {
    if (patch !== undefined) return patchedObject(patch, scaleOf(current, mapping), expected, fieldValidation, call)
    const { object, strictErrors } = decodeObject(call.request, expected)
    enforceFieldValidation(fieldValidation, strictErrors, expected, (message) => call.warn(message))
    call.audit?.recordObject(object)
    return object
  }
  const request = scaleRequest(call, scope, mapping, options)
  const tracking = { ...request, manager: fieldManagerOf(call, options) }
  const { object } = await store.update({
    ...request,
    name: call.info.name,
    makeDraft: (current) => {
      const after = desired(current)
      const draft = scaled(current, after, mapping, call.info.name)
      const change = { before: scaleOf(current, mapping), after, replicasPath: mapping.specReplicasPath }
      return withOwners(draft, store.fieldManager.scale.updated(current.object, change, tracking))
    },
  })
  return object
}

/** Without a manager: the owners of the object behind the Scale come with the draft. */
function scaleRequest(
  call: ApiCall,
  scope: EndpointScope,
  mapping: ScaleMapping,
  options: WriteRequest['options'],
): WriteRequest {
  const { strategy } = scope.definition
  const { version } = scope.version
  const view = scaleView(scope.definition, mapping, call.info.name)
  return { context: call, version, subresource: 'scale', strategy, options, view }
}

function withOwners(draft: KubeObject, managedFields: KubeObject['metadata']['managedFields']): KubeObject {
  if (managedFields === undefined) delete draft.metadata.managedFields
  else draft.metadata.managedFields = managedFields
  return draft
}

async function applyScale(
  call: ApiCall,
  scope: EndpointScope,
  store: ResourceStore,
  mapping: ScaleMapping,
): Promise<CachedObject> {
  const { isDryRun, fieldValidation, options, fieldManager, force } = parseApplyOptions(call.query)
  call.isDryRun = isDryRun
  const config = parseConfig(call, fieldValidation)
  const request = scaleRequest(call, scope, mapping, options)
  const expected = { ...SCALE, schema: builtInSchema(SCALE.group, SCALE.version, SCALE.kind) }
  const { object } = await store.update({
    ...request,
    name: call.info.name,
    makeDraft: (current) => {
      const change = {
        before: scaleOf(current, mapping),
        config: config.object,
        replicasPath: mapping.specReplicasPath,
      }
      const tracking = { ...request, manager: fieldManager, force }
      const applied = store.fieldManager.scale.apply(current.object, change, tracking)
      config.assertStrict()
      const scale: Scale = decodeApplied({ ...applied, managedFields: undefined }, expected)
      return withOwners(scaled(current, scale, mapping, call.info.name), applied.managedFields)
    },
  })
  return object
}

/** Admission webhooks see the Scale, not what is scaled; it is the same in every version of the resource. */
function scaleView({ versions }: ResourceDefinition, mapping: ScaleMapping, name: string): AdmissionView {
  return {
    versions: versions.filter(({ served }) => served).map(({ version }) => version),
    kindIn: () => SCALE,
    show: (object) => scaleOf({ object }, mapping),
    replace(draft, patched) {
      const expected = { ...SCALE, schema: builtInSchema(SCALE.group, SCALE.version, SCALE.kind) }
      const { object } = applySchema(patched, expected)
      takePlace(draft, scaled({ object: draft }, object, mapping, name))
    },
  }
}

function scaled(current: Scaled, scale: Scale, mapping: ScaleMapping, name: string): KubeObject {
  if (scale.metadata.name !== undefined && scale.metadata.name !== name) {
    throw newBadRequest(`the name of the object (${scale.metadata.name}) does not match the name on the URL (${name})`)
  }
  const replicas = scale.spec?.replicas ?? 0
  if (!Number.isInteger(replicas) || replicas < 0) {
    const error = fieldInvalid('spec.replicas', replicas, 'must be greater than or equal to 0')
    throw newInvalid({ group: SCALE.group, kind: SCALE.kind }, name, [error])
  }
  const draft = deepCopy<KubeObject>(current.object)
  writePath(draft as unknown as Record<string, unknown>, mapping.specReplicasPath, replicas)
  const { uid, resourceVersion } = scale.metadata
  if (uid !== undefined && uid !== '') draft.metadata.uid = uid
  // Without one the current object's stays: a Scale is never an unconditional update of the object behind it.
  if (resourceVersion !== undefined && resourceVersion !== '') draft.metadata.resourceVersion = resourceVersion
  return draft
}

function scaleOf(cached: Scaled, mapping: ScaleMapping): Scale {
  const { object } = cached
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const metadata: Scale['metadata'] = {}
  if (name !== undefined) metadata.name = name
  if (namespace !== undefined) metadata.namespace = namespace
  if (uid !== undefined) metadata.uid = uid
  if (resourceVersion !== undefined) metadata.resourceVersion = resourceVersion
  if (creationTimestamp !== undefined) metadata.creationTimestamp = creationTimestamp
  const replicas = readNumber(object, mapping.specReplicasPath)
  const status: Scale['status'] = { replicas: readNumber(object, mapping.statusReplicasPath) ?? 0 }
  const selector = mapping.selector?.(object) ?? ''
  if (selector !== '') status.selector = selector
  const spec = replicas === undefined || replicas === 0 ? {} : { replicas }
  return { kind: 'Scale', apiVersion: 'autoscaling/v1', metadata, spec, status }
}

/** `.spec.replicas` */
const segmentsOf = (path: string): string[] => path.split('.').filter((segment) => segment !== '')

function readNumber(object: DeepReadonly<KubeObject>, path: string): number | undefined {
  let value: unknown = object
  for (const segment of segmentsOf(path)) {
    value = isObject(value) && Object.hasOwn(value, segment) ? value[segment] : undefined
  }
  return typeof value === 'number' ? value : undefined
}

function writePath(target: Record<string, unknown>, path: string, value: number): void {
  const segments = segmentsOf(path)
  const last = segments.pop()
  let parent = target
  for (const segment of segments) {
    const next = Object.hasOwn(parent, segment) ? parent[segment] : undefined
    const child = isObject(next) ? next : {}
    if (child !== next) setMember(parent, segment, child)
    parent = child
  }
  if (last !== undefined) setMember(parent, last, value)
}
