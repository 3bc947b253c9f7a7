/**
 * Why a call to a webhook failed, in the words Go's HTTP client and client-go have for it: people search for these texts.
 * Upstream: client-go rest/request.go, apimachinery pkg/api/errors NewGenericServerResponse.
 */
import { errorMessage } from '#machinery/util/errors.ts'
import { isObject } from '#machinery/util/json.ts'

/** `code`: the HTTP status that stands for it, for metrics. */
export class WebhookCallError extends Error {
  readonly code: number
  readonly isCanceled: boolean

  constructor(message: string, code = 503, isCanceled = false) {
    super(message)
    this.code = code
    this.isCanceled = isCanceled
  }
}

const UNKNOWN_AUTHORITY: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])
const VERIFY = 'tls: failed to verify certificate: x509:'

/** `address`: `host:port` as dialled. */
export function connectionErrorText(err: unknown, address: string, serverName: string): string {
  const code = (err as { code?: unknown }).code
  if (typeof code !== 'string') return errorMessage(err)
  if (UNKNOWN_AUTHORITY.has(code)) return `${VERIFY} certificate signed by unknown authority`
  switch (code) {
    case 'ECONNREFUSED':
      return `dial tcp ${address}: connect: connection refused`
    case 'EHOSTUNREACH':
      return `dial tcp ${address}: connect: no route to host`
    case 'ENETUNREACH':
      return `dial tcp ${address}: connect: network is unreachable`
    case 'ETIMEDOUT':
      return `dial tcp ${address}: i/o timeout`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${hostOf(address)}: no such host`
    case 'ECONNRESET':
      return 'EOF'
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return `${VERIFY} certificate has expired or is not yet valid`
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `${VERIFY} certificate is not valid for ${serverName}`
    case 'EPROTO':
      return 'http: server gave HTTP response to HTTPS client'
    default:
      return errorMessage(err)
  }
}

const hostOf = (address: string): string => address.slice(0, address.lastIndexOf(':'))

const REFUSALS: ReadonlyMap<number, string> = new Map([
  [400, 'the server rejected our request for an unknown reason'],
  [401, 'the server has asked for the client to provide credentials'],
  [403, 'the server does not allow access to the requested resource'],
  [404, 'the server could not find the requested resource'],
  [405, 'the server does not allow this method on the requested resource'],
  [409, 'the server reported a conflict'],
  [410, 'the server rejected our request because the resource is no longer available'],
  [422, 'the server rejected our request due to an error in our request'],
  [429, 'the server has received too many requests and has asked us to try again later'],
  [503, 'the server is currently unable to handle the request'],
  [504, 'the server was unable to return a response in the time allotted, but may still be processing the request'],
])
const SHOWN_MAX = 2048

/** An answer that is not 2xx: the Status in it, or the generic text of its code. */
export function refusalText(code: number, body: string): string {
  const status = tryParseStatus(body)
  if (status !== undefined) return status
  const known = REFUSALS.get(code)
  if (known !== undefined) return known
  if (code < 500) return `the server responded with the status code ${code} but did not return more information`
  const shown = JSON.stringify(body.trim().slice(0, SHOWN_MAX) || 'unknown')
  return `an error on the server (${shown}) has prevented the request from succeeding`
}

function tryParseStatus(body: string): string | undefined {
  try {
    const value: unknown = JSON.parse(body)
    if (isObject(value) && value['kind'] === 'Status' && typeof value['message'] === 'string') return value['message']
  } catch {
    // Not JSON: the generic text.
  }
  return undefined
}
