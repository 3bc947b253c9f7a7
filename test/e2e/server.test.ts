/** The server as a process: start, stop, crash, and what it says when it cannot start. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { clientFromKubeconfig } from '#cli/kubeconfig.ts'
import { hostAddresses } from '#cli/server/network.ts'
import { CONFIG_MAPS } from '#machinery/api/core/v1/resources.gen.ts'
import type { ServerProcess } from '#test/support/server-process.ts'
import { runKnarr, startServerProcess } from '#test/support/server-process.ts'

const folders: string[] = []
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'knarr-cli-'))
  folders.push(folder)
  return folder
}

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'default' } })

describe('knarr server', () => {
  let server: ServerProcess

  beforeAll(async () => {
    server = await startServerProcess({ args: ['--write-kubeconfig-mode', '640'] })
  })

  afterAll(() => server.dispose())

  it('writes the kubeconfig with the wanted mode and keeps its keys to itself', () => {
    expect(statSync(server.kubeconfig).mode & 0o777).toBe(0o640)
    expect(statSync(join(server.dataDir, 'server', 'tls')).mode & 0o777).toBe(0o700)
  })

  it('can be reached by every address of the host: its certificate names them', () => {
    const pem = readFileSync(join(server.dataDir, 'server', 'tls', 'serving-kube-apiserver.crt'))
    const certificate = new X509Certificate(pem)
    const names = ['127.0.0.1', '10.43.0.1', ...hostAddresses()]
    expect(names.filter((address) => certificate.checkIP(address) === undefined)).toEqual([])
  })

  it('refuses a second server on its data folder, and on its port', async () => {
    const common = ['server', '--bind-address', '127.0.0.1', '-o', join(newFolder(), 'kubeconfig')]
    const [sameData, samePort] = await Promise.all([
      runKnarr([...common, '-d', server.dataDir, '--https-listen-port', '0']),
      runKnarr([...common, '-d', newFolder(), '--https-listen-port', String(server.port)]),
    ])
    expect(sameData.code).toBe(1)
    expect(sameData.output).toMatch(/knarr: .*state\.db.*(in use|locked|another)/)
    expect(samePort.code).toBe(1)
    expect(samePort.output).toContain(`knarr: 127.0.0.1:${server.port} is in use. Stop the other server`)
    for (const { output } of [sameData, samePort]) expect(output).not.toMatch(/^\s+at /m)
    // It has not been disturbed.
    await clientFromKubeconfig(server.kubeconfig).create(CONFIG_MAPS, configMap('undisturbed'))
  })

  it('ends on SIGTERM within seconds with status 0, closing watches and checkpointing the database', async () => {
    const client = clientFromKubeconfig(server.kubeconfig)
    const watching = new AbortController()
    const seen = drain(
      client.watch(CONFIG_MAPS, { namespace: 'default', sendInitialEvents: true, allowWatchBookmarks: true }),
      watching,
    )
    await once(watching.signal, 'abort')
    await client.create(CONFIG_MAPS, configMap('kept'))
    const end = await server.stop('SIGTERM')
    expect(end).toMatchObject({ code: 0, signal: null })
    expect(end.durationMs).toBeLessThan(5_000)
    expect(await seen).toContain('kept')
    const database = join(server.dataDir, 'server', 'db', 'state.db')
    expect(statSync(`${database}-wal`, { throwIfNoEntry: false })?.size ?? 0).toBe(0)
    expect(server.log).toContain('knarr has stopped')
    expect(server.log).not.toMatch(/"level":"(error|fatal)"/)
  })

  it('keeps its objects over a clean stop and over SIGKILL', async () => {
    await server.start(server.port)
    const client = clientFromKubeconfig(server.kubeconfig)
    await client.create(CONFIG_MAPS, configMap('written-before-the-crash'))
    await server.restart('SIGKILL')
    const names = (await clientFromKubeconfig(server.kubeconfig).list(CONFIG_MAPS, { namespace: 'default' })).items.map(
      ({ metadata }) => metadata.name,
    )
    expect(names).toEqual(expect.arrayContaining(['kept', 'undisturbed', 'written-before-the-crash']))
  })

  it('ends on SIGINT as well', async () => {
    expect(await server.stop('SIGINT')).toMatchObject({ code: 0 })
  })
})

describe('knarr server, told wrong', () => {
  const config = (content: string): string => {
    const file = join(newFolder(), 'config.yaml')
    writeFileSync(file, content)
    return file
  }

  it.each<[string, () => string[], RegExp]>([
    ['an unknown flag', () => ['--data-dri', 'x'], /unknown option '--data-dri'[\s\S]*data-dir/],
    ['a port that is none', () => ['--https-listen-port', 'abc'], /--https-listen-port: .*"abc"/],
    ['an address that is none', () => ['--bind-address', 'here'], /--bind-address: must be an IPv4 or IPv6 address/],
    [
      'an advertised address of another family than the services',
      () => ['--advertise-address', '2001:db8::1'],
      /service IP family "10\.43\.0\.0\/16" must match public address family "2001:db8::1"/,
    ],
    ['a network that is none', () => ['--service-cidr', '10.0.0.0'], /--service-cidr: must be a network/],
    ['an unknown prune policy', () => ['--manifests-prune', 'maybe'], /--manifests-prune: /],
    ['a feature gate without value', () => ['--feature-gates', 'X'], /--feature-gates: "X" is not Name=true/],
    ['an API nobody has', () => ['--runtime-config', 'batch/v9=true'], /--runtime-config: .*batch\/v9 that has not/],
    ['an unknown key in the config file', () => ['-c', config('data-dri: /x\n')], /unknown key "data-dri".*"data-dir"/],
    ['broken YAML in the config file', () => ['-c', config('a: [\n')], /config\.yaml: .*Correct the YAML/s],
    ['a config file that is a list', () => ['-c', config('- a\n')], /must be one YAML mapping/],
  ])('%s: says so and ends with status 2', async (_, args, message) => {
    const { code, output } = await runKnarr(['server', '-d', newFolder(), ...args()])
    expect(output).toMatch(message)
    expect(output).not.toMatch(/^\s+at /m)
    expect(code).toBe(2)
  })

  it('names a config file that is missing', async () => {
    const { code, output } = await runKnarr(['server', '-d', newFolder(), '-c', '/nowhere/config.yaml'])
    expect(output).toContain('cannot read /nowhere/config.yaml')
    expect(code).not.toBe(0)
  })

  const belowFile = (): string => {
    const file = join(newFolder(), 'file')
    writeFileSync(file, '')
    return join(file, 'below')
  }

  it.each<[string, () => string[], RegExp]>([
    ['a data folder it cannot make', () => ['-d', belowFile()], /cannot (prepare|open|create).*file\/below/],
    ['a kubeconfig it cannot write', () => ['-o', belowFile()], /cannot write the kubeconfig .*file\/below/],
    ['a token file that is missing', () => ['--token-auth-file', '/nowhere.csv'], /--token-auth-file \/nowhere\.csv: /],
  ])('%s: says so and ends', async (_, args, message) => {
    const common = ['server', '--bind-address', '127.0.0.1', '--https-listen-port', '0', '-d', newFolder()]
    const { code, output } = await runKnarr([...common, '-o', join(newFolder(), 'kubeconfig'), ...args()])
    expect(output).toMatch(message)
    expect(output).not.toMatch(/^\s+at /m)
    expect(code).not.toBe(0)
    expect(code).not.toBeNull()
  })

  it('reads flags from the environment, k3s names included', async () => {
    const { code, output } = await runKnarr(['server', '-d', newFolder()], { K3S_KUBECONFIG_MODE: 'rw' })
    expect(output).toContain('K3S_KUBECONFIG_MODE: must be an octal file mode')
    expect(code).toBe(2)
  })

  it('refuses a database that is none, and leaves it alone', async () => {
    const folder = newFolder()
    const database = join(folder, 'server', 'db', 'state.db')
    mkdirSync(join(folder, 'server', 'db'), { recursive: true })
    writeFileSync(database, 'this is no database, by any means. '.repeat(200))
    const { size } = statSync(database)
    const { code, output } = await runKnarr(['server', '-d', folder, '--https-listen-port', '0'])
    expect(output).toMatch(/knarr: .*state\.db.*(not a database|corrupt)/)
    expect(output).not.toMatch(/^\s+at /m)
    expect(code).toBe(1)
    expect(statSync(database).size).toBe(size)
  })
})

describe('knarr', () => {
  it('prints its version and help', async () => {
    const [text, json, help] = await Promise.all([
      runKnarr(['version']),
      runKnarr(['version', '-o', 'json']),
      runKnarr(['server', '--help']),
    ])
    expect(text).toMatchObject({ code: 0, output: expect.stringMatching(/\d+\.\d+\.\d+/) as unknown })
    expect(JSON.parse(json.output)).toBeTypeOf('object')
    expect(help.code).toBe(0)
    expect(help.output).toContain('--write-kubeconfig-mode')
  })

  it('says which command it does not know, with status 2', async () => {
    const { code, output } = await runKnarr(['sever'])
    expect(output).toMatch(/unknown command 'sever'[\s\S]*server/)
    expect(code).toBe(2)
  })
})

/** The names of all events, when the stream ends; `started` aborts with the first event. */
async function drain(
  events: AsyncIterable<{ object: { metadata: { name?: string } } }>,
  started: AbortController,
): Promise<(string | undefined)[]> {
  const names: (string | undefined)[] = []
  for await (const { object } of events) {
    names.push(object.metadata.name)
    started.abort()
  }
  return names
}
