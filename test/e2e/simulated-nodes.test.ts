/** `knarr server --node=simulated` and `knarr simulate`, seen through unmodified kubectl. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '#test/support/eventually.ts'
import { findKubectl, KUBECTL_VERSIONS, Kubectl } from '#test/support/kubectl.ts'
import { runKnarr, type ServerProcess, startKnarr, startServerProcess } from '#test/support/server-process.ts'

const NODE = hostname().toLowerCase()
const READY_NODE = `{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}`

const pod = (name: string, nodeName: string | undefined, annotations: object = {}): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, annotations },
    spec: { ...(nodeName === undefined ? {} : { nodeName }), containers: [{ name: 'c', image: 'nginx' }] },
  })

describe.each(KUBECTL_VERSIONS.map(findKubectl))('with $title', ({ version, path }) => {
  let server: ServerProcess
  let kubectl: Kubectl
  const folder = mkdtempSync(join(tmpdir(), 'knarr-simulated-'))

  beforeAll(async () => {
    if (path === undefined) return
    server = await startServerProcess({ args: ['--node=simulated'] })
    kubectl = new Kubectl({ version, path }, server.kubeconfig, folder)
  })
  afterAll(async () => {
    await server?.dispose()
    rmSync(folder, { recursive: true, force: true })
  })

  it.skipIf(path === undefined)('shows a node that says it is simulated', async () => {
    expect(await kubectl.ok(['get', 'nodes', '-o', `jsonpath=${READY_NODE}`])).toBe(`${NODE} True\n`)
    const wide = await kubectl.ok(['get', 'nodes', '-o', 'wide', '-l', 'knarr.io/simulated=true'])
    expect(wide).toMatch(
      /Ready .*v1\.36\.\d+-simulated .*simulated \(no machine, no containers\).* simulated:\/\/1\.36/,
    )
  })

  it.skipIf(path === undefined)('runs a pod that the scheduler puts there, and removes it', async () => {
    await kubectl.ok(['run', 'web', '--image=nginx', '--restart=Never'])
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/web', '--timeout=30s'])
    expect(await kubectl.ok(['get', 'pod', 'web'])).toMatch(/web +1\/1 +Running +0/)
    await eventually(async () => expect(await kubectl.ok(['describe', 'pod', 'web'])).toContain('Container started'))
    await kubectl.ok(['delete', 'pod', 'web', '--timeout=30s'])
    expect(await kubectl.fails(['get', 'pod', 'web'])).toContain('not found')
  })

  it.skipIf(path === undefined)('shows a crash loop declared by annotations', async () => {
    const annotations = { 'simulated.knarr.io/exit-code': '3' }
    await kubectl.ok(['apply', '-f', '-'], pod('crash', NODE, annotations))
    await eventually(async () => expect(await kubectl.ok(['get', 'pod', 'crash'])).toMatch(/0\/1 +CrashLoopBackOff +1/))
    await kubectl.ok(['delete', 'pod', 'crash', '--timeout=30s'])
  })

  it.skipIf(path === undefined)('says that nothing runs when asked for logs or a shell', async () => {
    await kubectl.ok(['apply', '-f', '-'], pod('quiet', NODE))
    await kubectl.ok(['wait', '--for=condition=Ready', 'pod/quiet', '--timeout=30s'])
    const nothing = `node "${NODE}" is simulated and runs nothing`
    expect(await kubectl.fails(['logs', 'quiet'])).toContain(nothing)
    expect(await kubectl.fails(['exec', 'quiet', '--', 'ls'])).toContain(nothing)
    expect(await kubectl.fails(['port-forward', 'quiet', '8080:80'])).toContain(nothing)
    await kubectl.ok(['delete', 'pod', 'quiet', '--timeout=30s'])
  })

  it.skipIf(path === undefined)('sees the nodes of a process of its own, which play stages', async () => {
    const stages = join(folder, 'stages.yaml')
    writeFileSync(
      stages,
      `apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: fail}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions: [{key: .status.phase, operator: In, values: [Pending]}]
  next:
    statusTemplate: |
      phase: Failed
      reason: Staged
      message: on {{ NodeName }}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: remove}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions: [{key: .metadata.deletionTimestamp, operator: Exists}]
  next: {delete: true}
`,
    )
    const args = ['simulate', '--kubeconfig', server.kubeconfig, '--nodes', '20', '--log-format', 'json']
    args.push('--cpu', '2', '--labels', 'zone=a,rack=b', '--stages', stages)
    const simulate = await startKnarr(args, 'knarr simulate is ready')
    try {
      expect((await kubectl.ok(['get', 'nodes', '-l', 'zone=a,rack=b', '-o', 'name'])).trim().split('\n')).toHaveLength(
        20,
      )
      const cpu = ['get', 'node', 'simulated-7', '-o', 'jsonpath={.status.allocatable.cpu}']
      expect(await kubectl.ok(cpu)).toBe('2')
      await kubectl.ok(['apply', '-f', '-'], pod('staged', 'simulated-7'))
      await eventually(async () => {
        const status = ['get', 'pod', 'staged', '-o', 'jsonpath={.status.reason} {.status.message}']
        expect(await kubectl.ok(status)).toBe('Staged on simulated-7')
      })
      await kubectl.ok(['delete', 'pod', 'staged', '--timeout=30s'])
    } finally {
      expect(await simulate.stop()).toBe(0)
    }
    expect(simulate.log()).toContain('pods on them run nothing')
  })
})

describe('what knarr simulate refuses', () => {
  it.each<[string[], string]>([
    [['--nodes', '0'], '--nodes: "0"'],
    [['--node-name-prefix', 'Big_'], '--node-name-prefix: "Big_"'],
    [['--memory', 'lots'], '--memory: "lots"'],
    [['--labels', 'zone'], '--labels: "zone"'],
    [['--stages', '/nonexistent.yaml'], '--stages /nonexistent.yaml'],
  ])('%j', async (args, message) => {
    const { code, output } = await runKnarr(['simulate', ...args])
    expect(output).toContain(message)
    expect(code).toBe(2)
  })
})
