/**
 * ConversionReview v1 and v1beta1: many objects in one call, metadata restored but for labels and annotations.
 * Upstream: apiextensions-apiserver pkg/apiserver/conversion/webhook_converter.go.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { StatusError } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy, isObject } from '#machinery/util/json.ts'
import type { Random } from '#machinery/util/random.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { WebhookClient } from '../../webhooks/interfaces.ts'
import type { Crd } from '../definition/types.ts'
import type { Converter } from './converter.ts'
import type { ConversionFailure, ConversionMetrics } from './metrics.ts'
import { restoreMetadata } from './restore-metadata.ts'

const ANSWER_MAX_BYTES = 64 * 1024 * 1024
const TIMEOUT_MS = 30_000
/** Objects in one call. */
const BATCH_MAX = 500

type ReviewVersion = 'v1' | 'v1beta1'
type ReadonlyObject = DeepReadonly<KubeObject>

export interface ConversionTools {
  readonly webhooks: WebhookClient
  readonly conversionMetrics: ConversionMetrics
  readonly clock: Clock
  readonly random: Random
}

export function createWebhookConverter(crd: Crd, tools: ConversionTools): Converter {
  const { webhooks, conversionMetrics, clock, random } = tools
  const { clientConfig, conversionReviewVersions = [] } = crd.spec.conversion?.webhook ?? {}
  const version = conversionReviewVersions.find((one) => one === 'v1' || one === 'v1beta1') as ReviewVersion | undefined
  const { group, names } = crd.spec
  const convertBatch = async (objects: readonly ReadonlyObject[], apiVersion: string): Promise<KubeObject[]> => {
    const [first] = objects
    const from = `${first?.apiVersion ?? group}, Kind=${names.kind}`
    const failed = (why: string): StatusError => failure(`conversion webhook for ${from} ${why}`)
    if (version === undefined) throw failure('no supported conversion review versions')
    const uid = random.uuid()
    const request = { uid, desiredAPIVersion: apiVersion, objects }
    const body = JSON.stringify({
      kind: 'ConversionReview',
      apiVersion: `apiextensions.k8s.io/${version}`,
      request,
    })
    const startMs = clock.monotonicMs()
    const called = (failureType?: ConversionFailure): void =>
      conversionMetrics.called((clock.monotonicMs() - startMs) / 1000, failureType)
    const failedBy = (failureType: ConversionFailure, why: string): StatusError => {
      called(failureType)
      return failed(why)
    }
    const answer = await post(webhooks, clientConfig, body).catch((err: unknown) => {
      throw failedBy('conversion_webhook_call_failure', `failed: ${errorMessage(err)}`)
    })
    let converted: readonly unknown[]
    try {
      converted = convertedObjects(answer, uid, version)
    } catch (err: unknown) {
      throw failedBy('conversion_webhook_malformed_response_failure', `failed: ${errorMessage(err)}`)
    }
    if (converted.length !== objects.length) {
      const why = `returned ${converted.length} objects, expected ${objects.length}`
      throw failedBy('conversion_webhook_partial_response_failure', why)
    }
    const results = objects.map((original, index) => {
      try {
        return checked(original, converted[index], apiVersion)
      } catch (err: unknown) {
        const why = `returned invalid converted object at index ${index}: ${errorMessage(err)}`
        throw failedBy('conversion_webhook_invalid_converted_object_failure', why)
      }
    })
    called()
    return results
  }
  const measured = async (objects: readonly ReadonlyObject[], apiVersion: string): Promise<KubeObject[]> => {
    const startMs = clock.monotonicMs()
    let succeeded = false
    try {
      const converted = await convertBatch(objects, apiVersion)
      succeeded = true
      return converted
    } finally {
      const from = versionOf(objects[0]?.apiVersion ?? '')
      const seconds = (clock.monotonicMs() - startMs) / 1000
      conversionMetrics.converted(crd.metadata.name ?? '', from, versionOf(apiVersion), succeeded, seconds)
    }
  }
  return {
    async convert(objects, apiVersion) {
      const converted: KubeObject[] = []
      for (let at = 0; at < objects.length; at += BATCH_MAX) {
        converted.push(...(await measured(objects.slice(at, at + BATCH_MAX), apiVersion)))
      }
      return converted
    },
  }
}

const versionOf = (apiVersion: string): string => apiVersion.slice(apiVersion.indexOf('/') + 1)

/** As upstream answers any error that is no Status: without a reason. */
function failure(message: string): StatusError {
  return new StatusError({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, code: 500 })
}

function post(client: WebhookClient, target: Parameters<WebhookClient['post']>[0] = {}, body: string) {
  return client.post(target, body, { timeoutMs: TIMEOUT_MS, answerMaxBytes: ANSWER_MAX_BYTES })
}

interface ConversionResponse {
  readonly uid?: unknown
  readonly convertedObjects?: unknown
  readonly result?: { readonly status?: unknown; readonly message?: unknown }
}

function convertedObjects(answer: unknown, uid: string, version: ReviewVersion): readonly unknown[] {
  const review = isObject(answer) ? answer : {}
  if (version === 'v1') {
    const { apiVersion = '', kind = '' } = review
    if (apiVersion !== 'apiextensions.k8s.io/v1' || kind !== 'ConversionReview') {
      const got = String(apiVersion).includes('/') ? String(apiVersion) : `/${String(apiVersion)}`
      const expected = 'apiextensions.k8s.io/v1, Kind=ConversionReview'
      throw new Error(`expected webhook response of ${expected}, got ${got}, Kind=${String(kind)}`)
    }
  }
  if (!isObject(review['response'])) throw new Error('no response provided')
  const response = review['response'] as ConversionResponse
  if (version === 'v1' && response.uid !== uid) {
    throw new Error(`expected response.uid="${uid}", got "${String(response.uid ?? '')}"`)
  }
  const { status = '', message = '' } = response.result ?? {}
  if (status !== 'Success') {
    throw new Error(message === '' ? `response.result.status was '${String(status)}', not 'Success'` : String(message))
  }
  return Array.isArray(response.convertedObjects) ? response.convertedObjects : []
}

function checked(original: ReadonlyObject, converted: unknown, apiVersion: string): KubeObject {
  if (!isObject(converted)) throw new Error('it is not an object')
  if (converted['apiVersion'] !== apiVersion) {
    throw new Error(`invalid groupVersion (expected ${apiVersion}, received ${String(converted['apiVersion'] ?? '')})`)
  }
  if (converted['kind'] !== original.kind) {
    throw new Error(`invalid kind (expected ${original.kind}, received ${String(converted['kind'] ?? '')})`)
  }
  const { metadata } = converted
  if (!isObject(metadata)) throw new Error('missing metadata in converted object')
  for (const [field, label] of SAME) {
    const before = original.metadata[field] ?? ''
    const after = metadata[field] ?? ''
    if (before !== after) throw new Error(`must have the same ${label}: ${before} != ${String(after)}`)
  }
  const restored = restoreMetadata(deepCopy<KubeObject['metadata']>(original.metadata), metadata)
  return { ...(converted as unknown as KubeObject), metadata: restored }
}

const SAME = [
  ['name', 'name'],
  ['namespace', 'namespace'],
  ['uid', 'UID'],
] as const
