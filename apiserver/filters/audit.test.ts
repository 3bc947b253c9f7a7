/** How the chain treats requests whose event is slow to be stored, cannot be, or that break on the way. */
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { startTestServer } from '#test/contract/resource-server.ts'
import type { RecordedAudit } from '#test/support/audit.ts'
import { recordAudit } from '#test/support/audit.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import type { AuditEvent } from '../audit/interfaces.ts'
import { jsonResponse } from '../endpoints/responses.ts'
import type { ApiServerOptions } from '../server/api-server.ts'

const ALL = 'rules: [{ level: RequestResponse }]'

function start(audit: RecordedAudit, more: Partial<ApiServerOptions> = {}) {
  const { server } = startTestServer({ audit, metricsRegistry: new Registry(), ...more })
  return (path: string) =>
    server.dispatch({
      method: 'GET',
      path,
      query: '',
      headers: {},
      body: undefined,
      remoteAddress: '10.0.0.1',
      peerCertificate: undefined,
      user: undefined,
      signal: new AbortController().signal,
    })
}

describe('a request that breaks', () => {
  it('has a Panic event, and the client learns nothing of it', async () => {
    const audit = recordAudit(ALL)
    const boom = () => {
      throw new Error('a secret detail')
    }
    const answer = await start(audit, { routes: new Map([['/boom', boom]]) })('/boom')
    expect(answer.status).toBe(500)
    expect(audit.events).toMatchObject([
      { stage: 'RequestReceived' },
      {
        stage: 'Panic',
        responseStatus: { code: 500, reason: 'InternalError', message: "APIServer panic'd: a secret detail" },
      },
    ])
    expect(audit.events).toHaveLength(2)
  })

  it('later on has one as well', async () => {
    const audit = recordAudit(ALL)
    const boom = () => Promise.reject(new Error('boom'))
    await start(audit, { routes: new Map([['/boom', boom]]) })('/boom')
    expect(audit.events.map(({ stage }) => stage)).toEqual(['RequestReceived', 'Panic'])
  })
})

describe('an event that cannot be stored', () => {
  const failing = (stages: readonly string[], isAsync: boolean): RecordedAudit => {
    const audit = recordAudit(ALL)
    const process = (event: AuditEvent): boolean | Promise<boolean> => {
      void audit.sink.process(event)
      const isStored = !stages.includes(event.stage)
      return isAsync ? Promise.resolve(isStored) : isStored
    }
    return { ...audit, sink: { process } }
  }

  it.each([false, true])('when the request comes refuses it (later: %s)', async (isAsync) => {
    const audit = failing(['RequestReceived'], isAsync)
    let served = 0
    const routes = new Map([['/count', () => jsonResponse(200, { served: ++served })]])
    const answer = await start(audit, { routes })('/count')
    expect(answer.status).toBe(500)
    expect(served).toBe(0)
    expect(audit.counts.rejected).toBe(1)
    expect(audit.events.map(({ stage }) => stage)).toEqual(['RequestReceived'])
  })

  it.each([false, true])('when it is done changes nothing any more (later: %s)', async (isAsync) => {
    const audit = failing(['ResponseComplete'], isAsync)
    const answer = await start(audit)('/version')
    expect(answer.status).toBe(200)
    expect(audit.counts.rejected).toBe(0)
  })
})

it('an answer waits for its event', async () => {
  const audit = recordAudit(ALL)
  const waiting: (() => void)[] = []
  const process = () => new Promise<boolean>((resolve) => waiting.push(() => resolve(true)))
  let isAnswered = false
  const answering = start({ ...audit, sink: { process } })('/version').then(() => {
    isAnswered = true
  })
  for (const count of [1, 2]) {
    await new Promise((resolve) => setImmediate(resolve))
    expect(isAnswered).toBe(false)
    expect(waiting).toHaveLength(count)
    waiting[count - 1]?.()
  }
  await answering
})

it('a slow request says how long it took', async () => {
  const audit = recordAudit(ALL)
  const clock = new FakeClock('2026-01-02T03:04:05Z')
  const slow = () => {
    clock.advance(1250)
    return jsonResponse(200, {})
  }
  await start(audit, { clock, routes: new Map([['/slow', slow]]) })('/slow')
  expect(audit.events[1]).toMatchObject({
    requestReceivedTimestamp: '2026-01-02T03:04:05.000000Z',
    stageTimestamp: '2026-01-02T03:04:06.250000Z',
    annotations: { 'apiserver.latency.k8s.io/total': '1.25s' },
  })
})

it('a request that the policy leaves out leaves nothing', async () => {
  const audit = recordAudit('rules: [{ level: Metadata, users: [somebody] }]')
  const answer = await start(audit)('/version')
  expect(answer.status).toBe(200)
  expect(audit.events).toEqual([])
  expect(audit.counts.levels).toMatchObject({ None: 1 })
})
