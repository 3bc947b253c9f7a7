/**
 * Events as lines: audit.k8s.io/v1 JSON, members in upstream's order, or upstream's one-line text. Bodies that are JSON
 * already go in as they are, without being decoded or copied.
 * Upstream: apiserver pkg/apis/audit/v1/types.go, pkg/audit/format.go.
 */
import type { UserInfo } from '../authentication/interfaces.ts'
import type { AuditEvent } from './interfaces.ts'
import type { LineChunks } from './log/interfaces.ts'

export type AuditFormat = 'json' | 'legacy'

/** One line with its newline, in pieces. Truncated: without the bodies, and an annotation says so. */
export function eventLine(event: AuditEvent, format: AuditFormat, isTruncated = false): LineChunks {
  if (format === 'legacy') return [legacyText(event)]
  if (isTruncated) {
    const annotations = new Map([...event.annotations, ['audit.k8s.io/truncated', 'true']])
    return [headOf(event) + tailOf(event, annotations)]
  }
  const head =
    event.requestObject === undefined ? headOf(event) : `${headOf(event)},"requestObject":${event.requestObject}`
  const tail = tailOf(event, event.annotations)
  if (event.responseObject === undefined) return [head + tail]
  return [`${head},"responseObject":`, ...event.responseObject, tail]
}

function headOf(event: AuditEvent): string {
  const { level, auditID, stage, requestURI, verb, sourceIPs, userAgent, objectRef, responseStatus } = event
  let text = `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"${level}","auditID":${JSON.stringify(auditID)}`
  text += `,"stage":"${stage}","requestURI":${JSON.stringify(requestURI)},"verb":${JSON.stringify(verb)}`
  text += `,"user":${event.user === undefined ? '{}' : userJson(event.user)}`
  if (event.impersonatedUser !== undefined) text += `,"impersonatedUser":${userJson(event.impersonatedUser)}`
  if (event.impersonationConstraint !== '') {
    const constraint = JSON.stringify(event.impersonationConstraint)
    text += `,"authenticationMetadata":{"impersonationConstraint":${constraint}}`
  }
  if (sourceIPs.length > 0) text += `,"sourceIPs":${JSON.stringify(sourceIPs)}`
  if (userAgent !== '') text += `,"userAgent":${JSON.stringify(userAgent)}`
  if (objectRef !== undefined) text += `,"objectRef":${nonEmptyMembers(objectRef)}`
  if (responseStatus !== undefined) {
    const { status, message, reason, details, code } = responseStatus
    text += `,"responseStatus":${JSON.stringify({ metadata: {}, status, message, reason, details, code })}`
  }
  return text
}

function tailOf(
  { requestReceivedTimestamp, stageTimestamp }: AuditEvent,
  annotations: AuditEvent['annotations'],
): string {
  let text = `,"requestReceivedTimestamp":"${requestReceivedTimestamp}","stageTimestamp":"${stageTimestamp}"`
  if (annotations.size > 0) text += `,"annotations":${sortedMembers(annotations)}`
  return `${text}}\n`
}

/** Identities are shared between requests and do not change. */
const userJsons = new WeakMap<UserInfo, string>()

function userJson(user: UserInfo): string {
  let text = userJsons.get(user)
  if (text === undefined) {
    const { name, uid, groups, extra } = user
    const members = [
      ...(name === '' ? [] : [`"username":${JSON.stringify(name)}`]),
      ...(uid === '' ? [] : [`"uid":${JSON.stringify(uid)}`]),
      ...(groups.length === 0 ? [] : [`"groups":${JSON.stringify(groups)}`]),
      ...(extra.size === 0 ? [] : [`"extra":${sortedMembers(extra)}`]),
    ]
    text = `{${members.join()}}`
    userJsons.set(user, text)
  }
  return text
}

function sortedMembers(map: ReadonlyMap<string, unknown>): string {
  const sorted = [...map].sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join()}}`
}

function nonEmptyMembers(reference: NonNullable<AuditEvent['objectRef']>): string {
  const { resource, namespace, name, uid, apiGroup, apiVersion, resourceVersion, subresource } = reference
  let text = ''
  const add = (key: string, value: string): void => {
    if (value !== '') text += `${text === '' ? '' : ','}"${key}":${JSON.stringify(value)}`
  }
  add('resource', resource)
  add('namespace', namespace)
  add('name', name)
  add('uid', uid)
  add('apiGroup', apiGroup)
  add('apiVersion', apiVersion)
  add('resourceVersion', resourceVersion)
  add('subresource', subresource)
  return `{${text}}`
}

function legacyText(event: AuditEvent): string {
  const { user, impersonatedUser, objectRef, responseStatus, sourceIPs } = event
  const name = user?.name ?? ''
  const quotedAll = (texts: readonly string[]): string => texts.map((text) => JSON.stringify(text)).join()
  const groups = name === '' || user === undefined || user.groups.length === 0 ? '<none>' : quotedAll(user.groups)
  const fields: readonly (readonly [string, string])[] = [
    ['id', event.auditID],
    ['stage', event.stage],
    ['ip', sourceIPs[0] ?? '<unknown>'],
    ['method', event.verb],
    ['user', name === '' ? '<none>' : name],
    ['groups', groups],
    ['as', impersonatedUser?.name ?? '<self>'],
    ['asgroups', impersonatedUser === undefined ? '<lookup>' : quotedAll(impersonatedUser.groups)],
    ['user-agent', event.userAgent],
    ['namespace', objectRef === undefined || objectRef.namespace === '' ? '<none>' : objectRef.namespace],
    ['uri', event.requestURI],
    ['response', responseStatus === undefined ? '<deferred>' : String(responseStatus.code ?? 0)],
  ]
  const text = fields.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(' ')
  return `${event.requestReceivedTimestamp.replace(/\.?0+Z$/, 'Z')} AUDIT: ${text}\n`
}
