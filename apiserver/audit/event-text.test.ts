import { describe, expect, it } from 'vitest'
import { eventLine } from './event-text.ts'
import type { AuditEvent } from './interfaces.ts'

const EVENT: AuditEvent = {
  level: 'RequestResponse',
  auditID: 'id-1',
  stage: 'ResponseComplete',
  requestURI: '/api/v1/pods?limit="5"',
  verb: 'list',
  user: {
    name: 'tim',
    uid: 'u',
    groups: ['a', 'b "c"'],
    extra: new Map([
      ['z', ['1']],
      ['k', ['2', '3']],
    ]),
  },
  impersonatedUser: { name: 'tom', uid: '', groups: ['d'], extra: new Map() },
  impersonationConstraint: 'impersonate:user-info',
  sourceIPs: ['10.0.0.1'],
  userAgent: 'kubectl',
  objectRef: {
    resource: 'pods',
    namespace: 'ns',
    name: '',
    uid: '',
    apiGroup: '',
    apiVersion: 'v1',
    resourceVersion: '',
    subresource: '',
  },
  responseStatus: { code: 200 },
  requestObject: '{"a":1}',
  responseObject: [Buffer.from('{"items":['), Buffer.from(']}')],
  requestReceivedTimestamp: '2026-01-02T03:04:05.120000Z',
  stageTimestamp: '2026-01-02T03:04:05.123456Z',
  annotations: new Map([
    ['b/x', '2'],
    ['a/y', '1'],
  ]),
}
const text = (...line: Parameters<typeof eventLine>): string => eventLine(...line).join('')

describe('an event', () => {
  it('is one line of JSON with its members in upstream order', () => {
    expect(text(EVENT, 'json')).toBe(
      '{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"RequestResponse","auditID":"id-1","stage":"ResponseComplete",' +
        '"requestURI":"/api/v1/pods?limit=\\"5\\"","verb":"list",' +
        '"user":{"username":"tim","uid":"u","groups":["a","b \\"c\\""],"extra":{"k":["2","3"],"z":["1"]}},' +
        '"impersonatedUser":{"username":"tom","groups":["d"]},' +
        '"authenticationMetadata":{"impersonationConstraint":"impersonate:user-info"},' +
        '"sourceIPs":["10.0.0.1"],"userAgent":"kubectl","objectRef":{"resource":"pods","namespace":"ns","apiVersion":"v1"},' +
        '"responseStatus":{"metadata":{},"code":200},"requestObject":{"a":1},"responseObject":{"items":[]},' +
        '"requestReceivedTimestamp":"2026-01-02T03:04:05.120000Z","stageTimestamp":"2026-01-02T03:04:05.123456Z",' +
        '"annotations":{"a/y":"1","b/x":"2"}}\n',
    )
  })

  it('can do without what is not known', () => {
    const bare = { ...EVENT, user: undefined, impersonatedUser: undefined, impersonationConstraint: '', sourceIPs: [] }
    const none = { userAgent: '', objectRef: undefined, responseStatus: undefined, requestObject: undefined }
    const line = text({ ...bare, ...none, responseObject: undefined, annotations: new Map() }, 'json')
    expect(Object.keys(JSON.parse(line) as object)).toEqual([
      'kind',
      'apiVersion',
      'level',
      'auditID',
      'stage',
      'requestURI',
      'verb',
      'user',
      'requestReceivedTimestamp',
      'stageTimestamp',
    ])
  })

  it('loses its bodies when it is truncated, and says so', () => {
    const event = JSON.parse(text(EVENT, 'json', true)) as Record<string, unknown>
    expect(event['requestObject'] ?? event['responseObject']).toBeUndefined()
    expect(event['annotations']).toEqual({ 'a/y': '1', 'audit.k8s.io/truncated': 'true', 'b/x': '2' })
  })

  it('is one line of text in the old format', () => {
    expect(text(EVENT, 'legacy')).toBe(
      '2026-01-02T03:04:05.12Z AUDIT: id="id-1" stage="ResponseComplete" ip="10.0.0.1" method="list" user="tim" ' +
        'groups="\\"a\\",\\"b \\\\\\"c\\\\\\"\\"" as="tom" asgroups="\\"d\\"" user-agent="kubectl" namespace="ns" ' +
        'uri="/api/v1/pods?limit=\\"5\\"" response="200"\n',
    )
  })

  it('of nobody says so in the old format', () => {
    const line = text({ ...EVENT, user: undefined, impersonatedUser: undefined, responseStatus: undefined }, 'legacy')
    expect(line).toContain('user="<none>" groups="<none>" as="<self>" asgroups="<lookup>"')
    expect(line).toContain('response="<deferred>"')
  })
})
