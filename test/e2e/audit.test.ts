/** The audit log of the real server, as kubectl's requests leave it; with the policy that docs/audit.md shows. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { LoggedEvent, RecordedAudit } from '#test/support/audit.ts'
import { recordAudit } from '#test/support/audit.ts'
import { eventually } from '#test/support/eventually.ts'
import { findKubectl, KUBECTL_VERSIONS, Kubectl } from '#test/support/kubectl.ts'
import { PROJECT_ROOT } from '#test/support/server-build.ts'
import type { ServerProcess } from '#test/support/server-process.ts'
import { runKnarr, startServerProcess } from '#test/support/server-process.ts'
import type { StreamingWorld } from '#test/support/streaming-world.ts'
import { startStreamingWorld } from '#test/support/streaming-world.ts'

const folder = mkdtempSync(join(tmpdir(), 'knarr-audit-'))
const log = join(folder, 'logs', 'audit.log')
const policy = join(folder, 'policy.yaml')

function documentedPolicy(): string {
  const blocks = readFileSync(join(PROJECT_ROOT, 'docs', 'audit.md'), 'utf8').match(/^```yaml\n[\s\S]*?^```/gm) ?? []
  const found = blocks.find((block) => block.includes('kind: Policy')) ?? ''
  return found.split('\n').slice(1, -1).join('\n')
}

const events = (path = log): LoggedEvent[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{"kind":"Event"'))
    .map((line) => JSON.parse(line) as LoggedEvent)

let server: ServerProcess

beforeAll(async () => {
  writeFileSync(policy, documentedPolicy())
  server = await startServerProcess({ args: ['--audit-policy-file', policy, '--audit-log-path', log] })
})
afterAll(async () => {
  await server.dispose()
  rmSync(folder, { recursive: true, force: true })
})

for (const found of KUBECTL_VERSIONS.map(findKubectl)) {
  describe.skipIf(found.path === undefined)(found.title, () => {
    let kubectl: Kubectl
    const namespace = `audited-${found.version.replace('.', '-')}`
    const about = (resource: string): LoggedEvent[] =>
      events().filter(({ objectRef }) => objectRef?.['resource'] === resource && objectRef['namespace'] === namespace)

    beforeAll(async () => {
      kubectl = new Kubectl({ version: found.version, path: found.path ?? '' }, server.kubeconfig)
      await kubectl.ok(['create', 'namespace', namespace])
    })
    afterAll(() => kubectl.dispose())

    it('leaves one event for each thing done, with its body and outcome', async () => {
      const inside = kubectl.in(namespace)
      await inside.ok(['create', 'deployment', 'web', '--image=example.com/web'])
      await inside.ok(['scale', 'deployment', 'web', '--replicas=3'])
      await inside.ok(['get', 'deployment', 'web'])
      await inside.ok(['delete', 'deployment', 'web', '--wait=false'])
      const written = about('deployments').filter(({ userAgent }) => userAgent?.startsWith('kubectl') === true)
      const writes = written.filter(({ verb }) => verb !== 'get' && verb !== 'list')
      expect(
        writes.map(({ verb, level, stage, responseStatus }) => [verb, level, stage, responseStatus?.['code']]),
      ).toEqual([
        ['create', 'Request', 'ResponseComplete', 201],
        [expect.stringMatching(/update|patch/), 'Request', 'ResponseComplete', 200],
        ['delete', 'Request', 'ResponseComplete', 200],
      ])
      expect(writes[0]).toMatchObject({
        user: { username: 'system:admin', groups: expect.arrayContaining(['system:masters']) as string[] },
        sourceIPs: ['127.0.0.1'],
        objectRef: { resource: 'deployments', namespace, name: 'web', apiGroup: 'apps', apiVersion: 'v1' },
        requestObject: { kind: 'Deployment', spec: { replicas: 1 } },
        annotations: { 'authorization.k8s.io/decision': 'allow' },
      })
      expect(writes[1]?.objectRef).toMatchObject({ subresource: 'scale' })
      expect(writes[2]?.responseStatus).toMatchObject({
        status: 'Success',
        details: { name: 'web', kind: 'deployments' },
      })
      expect(writes.every(({ responseObject }) => responseObject === undefined)).toBe(true)
      expect(written.some(({ verb, level }) => verb === 'get' && level === 'Metadata')).toBe(true)
    })

    it('shows who acted as whom, and what was refused', async () => {
      const inside = kubectl.in(namespace)
      const refused = await inside.run(['get', 'pods', '--as=jane', '--as-group=developers'])
      expect(refused.stderr).toContain('Forbidden')
      expect(about('pods').at(-1)).toMatchObject({
        verb: 'list',
        impersonatedUser: { username: 'jane', groups: ['developers', 'system:authenticated'] },
        responseStatus: { status: 'Failure', reason: 'Forbidden', code: 403 },
        annotations: { 'authorization.k8s.io/decision': 'forbid' },
      })
    })

    it('keeps what secrets hold out of the file', async () => {
      const inside = kubectl.in(namespace)
      await inside.ok(['create', 'secret', 'generic', 'password', '--from-literal=key=very-secret'])
      await inside.ok(['get', 'secret', 'password', '-o', 'yaml'])
      expect(about('secrets').map(({ verb, level }) => [verb, level])).toEqual([
        ['create', 'Metadata'],
        ['get', 'Metadata'],
      ])
      const text = readFileSync(log, 'utf8')
      for (const form of ['very-secret', Buffer.from('very-secret').toString('base64')])
        expect(text).not.toContain(form)
    })

    it('records a watch when it starts and when kubectl goes', async () => {
      const watching = kubectl.in(namespace).start(['get', 'configmaps', '--watch', '--request-timeout=2s'])
      await watching.result
      await eventually(() => {
        const watches = about('configmaps').filter(({ verb }) => verb === 'watch')
        expect(watches.map(({ stage }) => stage)).toEqual(['ResponseStarted', 'ResponseComplete'])
      })
    })
  })
}

describe('the log', () => {
  it('counts its events', async () => {
    const found = findKubectl('1.36')
    if (found.path === undefined) return
    const kubectl = new Kubectl({ version: found.version, path: found.path }, server.kubeconfig)
    const metrics = await kubectl.ok(['get', '--raw', '/metrics'])
    kubectl.dispose()
    expect(Number(/^apiserver_audit_event_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(5)
    expect(metrics).toMatch(/^apiserver_audit_error_total\{plugin="log"\} 0$/m)
  })

  it('keeps the file to itself, and has written everything when it stops', async () => {
    expect(statSync(log).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'logs')).mode & 0o777).toBe(0o700)
    await server.stop()
    expect(readFileSync(log, 'utf8').endsWith('}\n')).toBe(true)
    expect(events().every(({ apiVersion }) => apiVersion === 'audit.k8s.io/v1')).toBe(true)
  })
})

describe('on a full disk', () => {
  const everything = join(folder, 'everything.yaml')
  const startOn = (mode: string): Promise<ServerProcess> => {
    writeFileSync(
      everything,
      'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Metadata, users: [system:admin] }]\n',
    )
    const args = ['--audit-policy-file', everything, '--audit-log-path', '/dev/full', '--audit-log-mode', mode]
    return startServerProcess({ args })
  }
  const found = findKubectl('1.36')

  it.skipIf(found.path === undefined).each([
    ['batch', true],
    ['blocking', true],
    ['blocking-strict', false],
  ])('mode %s lets requests go on: %s', async (mode, goesOn) => {
    const failing = await startOn(mode)
    const kubectl = new Kubectl({ version: found.version, path: found.path ?? '' }, failing.kubeconfig)
    try {
      const result = await kubectl.run(['get', '--raw', '/api/v1/namespaces'])
      expect(result.code === 0).toBe(goesOn)
      if (!goesOn) expect(result.stderr).toContain('failed to store audit event')
      await eventually(() => expect(failing.log).toMatch(/"reason":"ENOSPC[^"]*".*"msg":"audit events were lost"/))
    } finally {
      kubectl.dispose()
      await failing.dispose()
    }
  })
})

it('writes to standard output as well', async () => {
  const all = join(folder, 'all.yaml')
  writeFileSync(all, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Metadata }]\n')
  const printing = await startServerProcess({ args: ['--audit-policy-file', all, '--audit-log-path', '-'] })
  try {
    await eventually(() => expect(printing.log).toMatch(/^\{"kind":"Event","apiVersion":"audit.k8s.io\/v1".*\}$/m))
  } finally {
    await printing.dispose()
  }
})

describe('a mistake', () => {
  const run = (...args: string[]) =>
    runKnarr([
      'server',
      '-d',
      join(folder, 'data'),
      '-o',
      join(folder, 'kubeconfig'),
      '--https-listen-port',
      '0',
      ...args,
    ])

  it('in the policy is told with its file and field', async () => {
    const wrong = join(folder, 'wrong.yaml')
    writeFileSync(wrong, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Meta }]\n')
    const { code, output } = await run('--audit-policy-file', wrong, '--audit-log-path', log)
    expect(code).toBe(2)
    expect(output).toContain(`knarr: --audit-policy-file ${wrong}: rules[0].level: Unsupported value`)
  })

  it('in the path is told at once', async () => {
    writeFileSync(policy, documentedPolicy())
    const { code, output } = await run('--audit-policy-file', policy, '--audit-log-path', folder)
    expect(code).toBe(2)
    expect(output).toContain(`knarr: --audit-log-path ${folder}: EISDIR`)
  })

  it('in a mode names the modes', async () => {
    const { code, output } = await run('--audit-log-mode', 'fast')
    expect(code).toBe(2)
    expect(output).toContain("must be 'batch', 'blocking' or 'blocking-strict'")
  })
})

describe('what connects to a node', () => {
  const found = findKubectl('1.36')
  let world: StreamingWorld
  let audit: RecordedAudit
  let kubectl: Kubectl

  beforeAll(async () => {
    audit = recordAudit(
      'omitStages: [RequestReceived]\nrules: [{ level: RequestResponse, resources: [{ group: "", resources: ["pods/*"] }] }]',
    )
    world = await startStreamingWorld({ audit, onRequest: (_, response) => void response.end('a line\n') })
    kubectl = new Kubectl({ version: found.version, path: found.path ?? '' }, world.kubeconfig)
  })
  afterAll(async () => {
    kubectl.dispose()
    await world.stop()
  })

  it.skipIf(found.path === undefined)('is recorded when the connection changes hands and when it ends', async () => {
    const running = kubectl.start(['exec', 'web', '--', 'wait'])
    await eventually(() => expect(running.stdout).toContain('waiting'))
    expect(audit.about('/exec')).toMatchObject([
      { stage: 'ResponseStarted', responseStatus: { code: 101 }, objectRef: { subresource: 'exec', name: 'web' } },
    ])
    await running.stop()
    await eventually(() =>
      expect(audit.about('/exec').map(({ stage }) => stage)).toEqual(['ResponseStarted', 'ResponseComplete']),
    )
  })

  it.skipIf(found.path === undefined)('and sends bytes is recorded without them', async () => {
    await kubectl.ok(['logs', 'web'])
    await eventually(() => expect(audit.about('/log')).toHaveLength(2))
    expect(audit.about('/log')).toMatchObject([
      { stage: 'ResponseStarted', responseStatus: { code: 200 } },
      { stage: 'ResponseComplete', responseStatus: { code: 200 } },
    ])
    expect(audit.about('/log').every(({ responseObject }) => responseObject === undefined)).toBe(true)
  })
})
