/**
 * Deletes certificate requests that are through: issued, denied or failed an hour ago, never answered or never signed
 * within a day, or whose certificate has expired.
 *
 * Reads: requests from the cache.  Writes: deletes requests.
 * Upstream: pkg/controller/certificates/cleaner. Differs: each goes when it is due, not at the next hourly look.
 */
import { X509Certificate } from 'node:crypto'
import { CERTIFICATE_SIGNING_REQUESTS } from '#machinery/api/certificates/v1/resources.gen.ts'
import type { CertificateSigningRequest } from '#machinery/api/certificates/v1/types.gen.ts'
import { undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { ObjectKey, Result } from '#sdk'
import { DONE, defineController, requeueAfter } from '#sdk'
import { CSR_CLEANER_CONTROLLER } from '../manager/names.ts'
import type { FrozenRequest } from './request-rules.ts'

const HOUR_MS = 3_600_000
const PENDING_MS = 24 * HOUR_MS

export const csrCleanerController = defineController<CertificateSigningRequest>({
  name: CSR_CLEANER_CONTROLLER,
  reconciles: CERTIFICATE_SIGNING_REQUESTS,
  permissions: [{ resource: CERTIFICATE_SIGNING_REQUESTS, verbs: ['get', 'list', 'watch', 'delete'] }],
  create: ({ client, lister, clock }) => {
    const requests = lister(CERTIFICATE_SIGNING_REQUESTS)
    return {
      async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
        const request = requests.get(key)
        const dueMs = request === undefined ? undefined : cleaningDueMs(request)
        if (request === undefined || dueMs === undefined) return DONE
        const waitMs = dueMs - clock.now().getTime()
        if (waitMs > 0) return requeueAfter(waitMs)
        const { uid = '' } = request.metadata
        await client
          .delete(CERTIFICATE_SIGNING_REQUESTS, key, { preconditions: { uid }, signal })
          .catch(undefinedIfNotFound)
        return DONE
      },
    }
  },
})

/** Undefined: nobody wrote when it was judged. An approved request has a day to be signed. */
export function cleaningDueMs({ metadata, status }: FrozenRequest): number | undefined {
  const conditions = status?.conditions ?? []
  if (conditions.length === 0) return Date.parse(metadata.creationTimestamp ?? '') + PENDING_MS
  const isIssued = (status?.certificate ?? '') !== ''
  const dues = conditions.flatMap(({ type, lastUpdateTime }) => {
    if (lastUpdateTime === undefined) return []
    return [Date.parse(lastUpdateTime) + (type === 'Approved' && !isIssued ? PENDING_MS : HOUR_MS)]
  })
  if (isIssued && conditions.some(({ type }) => type === 'Approved')) dues.push(...expiryMs(status?.certificate ?? ''))
  return dues.length === 0 ? undefined : Math.min(...dues)
}

function expiryMs(certificate: string): number[] {
  try {
    return [Date.parse(new X509Certificate(Buffer.from(certificate, 'base64')).validTo)]
  } catch {
    // Of another signer, and nothing we can read: the hour after approval counts.
    return []
  }
}
