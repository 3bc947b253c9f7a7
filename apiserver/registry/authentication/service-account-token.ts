/**
 * serviceaccounts/token: issues a token for the account, bound to an object if asked.
 * Upstream: pkg/registry/core/serviceaccount/storage/token.go, pkg/apis/authentication/validation.
 */
import type { BoundObjectReference, TokenRequest } from '#machinery/api/authentication/v1/types.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newBadRequest, newConflict, newInvalid, newNotFound } from '#machinery/meta/errors.ts'
import { type FieldError, fieldInvalid } from '#machinery/meta/field-error.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectRef } from '../../authentication/serviceaccount/claims.ts'
import type { BoundTokenRequest, TokenIssuer } from '../../authentication/serviceaccount/token-issuer.ts'
import type { StoredObjects } from '../deps.ts'
import type { RequestContext, SubresourceDefinition } from '../generic/interfaces.ts'

export interface ServiceAccountTokenOptions {
  readonly objects: StoredObjects
  readonly issuer: TokenIssuer
  /** What a request without audiences gets. */
  readonly apiAudiences: readonly string[]
  /** Longer requests are shortened, with a warning. */
  readonly maxExpirationSeconds?: number
  /** Default true: tokens for pods outlive their nominal hour, so that old clients that never reload keep working. */
  readonly extendExpiration?: boolean
}

const TOKEN_REQUEST = { group: 'authentication.k8s.io', version: 'v1', kind: 'TokenRequest' } as const
const DEFAULT_EXPIRATION_SECONDS = 3600
const MIN_EXPIRATION_SECONDS = 600
const MAX_EXPIRATION_SECONDS = 2 ** 32
/** The odd number with which kubelets mark tokens they ask for on behalf of old clients. */
const EXTENDABLE_EXPIRATION_SECONDS = 3607
const EXTENDED_EXPIRATION_SECONDS = 365 * 24 * 60 * 60

type Bindings = Pick<BoundTokenRequest, 'pod' | 'secret' | 'node'>

export function serviceAccountTokenSubresource(options: ServiceAccountTokenOptions): SubresourceDefinition {
  return {
    name: 'token',
    type: 'create',
    kind: TOKEN_REQUEST,
    create: async (name, object, context) => issueToken(options, name, object as TokenRequest, context),
  }
}

function issueToken(
  options: ServiceAccountTokenOptions,
  name: string,
  request: TokenRequest,
  context: RequestContext,
): KubeObject {
  const { namespace } = context
  checkMetadata(request, name, namespace)
  const spec = request.spec ?? {}
  const audiences = (spec.audiences ?? []).length === 0 ? options.apiAudiences : (spec.audiences ?? [])
  const wantedSeconds = spec.expirationSeconds ?? DEFAULT_EXPIRATION_SECONDS
  checkExpiration(wantedSeconds, name)
  const account = requireObject(options.objects, 'serviceaccounts', namespace, name)
  const bindings = spec.boundObjectRef === undefined ? {} : bind(options.objects, spec.boundObjectRef, namespace, name)
  const seconds = limitExpiration(wantedSeconds, options.maxExpirationSeconds, context)
  const isExtended =
    options.extendExpiration !== false &&
    bindings.pod !== undefined &&
    seconds === EXTENDABLE_EXPIRATION_SECONDS &&
    audiences.every((audience) => options.apiAudiences.includes(audience))
  const { token, credentialId, expiresAt } = options.issuer.issueBound({
    namespace,
    serviceAccount: refOf(account),
    audiences,
    expirationSeconds: isExtended ? EXTENDED_EXPIRATION_SECONDS : seconds,
    ...bindings,
    ...(isExtended ? { warnAfterSeconds: seconds } : {}),
  })
  context.annotate?.('authentication.kubernetes.io/issued-credential-id', credentialId)
  // Clients plan their next request by what they asked for, even where the token lasts longer.
  const nominalEnd = isExtended ? new Date(context.clock.nowMs() + seconds * 1000) : expiresAt
  return {
    ...request,
    metadata: { ...request.metadata, name, namespace, creationTimestamp: formatTime(context.clock.now()) },
    spec: { ...spec, audiences: [...audiences], expirationSeconds: seconds },
    status: { token, expirationTimestamp: formatTime(nominalEnd) },
  } as KubeObject
}

function checkMetadata({ metadata }: TokenRequest, name: string, namespace: string): void {
  if ((metadata.name ?? '') !== '' && metadata.name !== name) {
    throw newBadRequest(`service account name (${metadata.name}) does not match the one in the URL (${name})`)
  }
  if ((metadata.namespace ?? '') !== '' && metadata.namespace !== namespace) {
    throw newBadRequest('the namespace of the provided object does not match the namespace sent on the request')
  }
}

function checkExpiration(seconds: number, name: string): void {
  const field = 'spec.expirationSeconds'
  const errors: FieldError[] = []
  if (seconds < MIN_EXPIRATION_SECONDS) {
    errors.push(fieldInvalid(field, seconds, 'may not specify a duration less than 10 minutes'))
  }
  if (seconds > MAX_EXPIRATION_SECONDS) {
    errors.push(fieldInvalid(field, seconds, 'may not specify a duration larger than 2^32 seconds'))
  }
  if (errors.length > 0) throw newInvalid(TOKEN_REQUEST, name, errors)
}

function limitExpiration(wanted: number, max: number | undefined, context: RequestContext): number {
  if (max === undefined || wanted <= max) return wanted
  context.warn(`requested expiration of ${wanted} seconds shortened to ${max} seconds`)
  return max
}

function bind(
  objects: StoredObjects,
  ref: BoundObjectReference,
  namespace: string,
  serviceAccountName: string,
): Bindings {
  const { kind = '', apiVersion = '', name = '' } = ref
  if (apiVersion !== 'v1' || !(kind === 'Pod' || kind === 'Secret' || kind === 'Node')) {
    throw newBadRequest(`cannot bind token to object of type ${apiVersion}, Kind=${kind}`)
  }
  if (kind === 'Secret') {
    return { secret: checkUid(ref, requireObject(objects, 'secrets', namespace, name)) }
  }
  if (kind === 'Node') return { node: checkUid(ref, requireObject(objects, 'nodes', '', name)) }
  const pod = requireObject(objects, 'pods', namespace, name) as DeepReadonly<Pod>
  if (pod.spec.serviceAccountName !== serviceAccountName) {
    throw newBadRequest(
      `cannot bind token for serviceaccount ${JSON.stringify(serviceAccountName)} to pod running with different serviceaccount name.`,
    )
  }
  const bound = { pod: checkUid(ref, pod) }
  const { nodeName = '' } = pod.spec
  if (nodeName === '') return bound
  const node = objects.peek('', 'nodes', '', nodeName)
  return { ...bound, node: node === undefined ? { name: nodeName, uid: '' } : refOf(node) }
}

function checkUid(ref: BoundObjectReference, found: DeepReadonly<KubeObject>): ObjectRef {
  if ((ref.uid ?? '') !== '' && ref.uid !== found.metadata.uid) {
    throw newConflict(
      { group: '', resource: ref.kind ?? '' },
      ref.name ?? '',
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. The object might have been deleted and then recreated`,
    )
  }
  return refOf(found)
}

function requireObject(
  objects: StoredObjects,
  resource: string,
  namespace: string,
  name: string,
): DeepReadonly<KubeObject> {
  const found = objects.peek('', resource, namespace, name)
  if (found === undefined) throw newNotFound({ group: '', resource }, name)
  return found
}

function refOf({ metadata: { name = '', uid = '' } }: DeepReadonly<KubeObject>): ObjectRef {
  return { name, uid }
}
