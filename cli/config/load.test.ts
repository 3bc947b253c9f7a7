import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CliError } from '../errors.ts'
import { loadServerConfig, nearestName } from './load.ts'

function configFile(content: string, dropIns: Record<string, string> = {}): string {
  const directory = mkdtempSync(join(tmpdir(), 'knarr-config-'))
  const file = join(directory, 'config.yaml')
  writeFileSync(file, content)
  mkdirSync(`${file}.d`)
  for (const [name, text] of Object.entries(dropIns)) writeFileSync(join(`${file}.d`, name), text)
  return file
}

function load(commandLine: Record<string, unknown>, environment: Record<string, string> = {}) {
  return loadServerConfig({ commandLine: { config: configFile(''), ...commandLine }, environment })
}

function failure(action: () => unknown): CliError {
  try {
    action()
  } catch (err: unknown) {
    if (err instanceof CliError) return err
    throw err
  }
  throw new Error('expected a CliError')
}

describe('server configuration', () => {
  it('has k3s defaults', () => {
    const config = load({})
    expect(config['https-listen-port']).toBe(6443)
    expect(config['service-cidr']).toBe('10.43.0.0/16')
    expect(config['service-node-port-range']).toEqual({ from: 30000, to: 32767 })
    expect(config['write-kubeconfig-mode']).toBe(0o600)
    expect(config.controllers).toEqual(['*'])
  })

  it('prefers the command line to the environment and the environment to the file', () => {
    const config = configFile('data-dir: /file\nwrite-kubeconfig: /file.yaml\nhttps-listen-port: 7000\n')
    const environment = { KNARR_DATA_DIR: '/env', K3S_KUBECONFIG_OUTPUT: '/env.yaml' }
    const loaded = loadServerConfig({ commandLine: { config, 'data-dir': '/flag' }, environment })
    expect(loaded['data-dir']).toBe('/flag')
    expect(loaded['write-kubeconfig']).toBe('/env.yaml')
    expect(loaded['https-listen-port']).toBe(7000)
  })

  it('knows the types of node addresses', () => {
    const flag = 'kubelet-preferred-address-types'
    expect(load({})[flag]).toEqual(['InternalIP', 'ExternalIP', 'Hostname'])
    expect(load({ [flag]: ['Hostname,InternalDNS'] })[flag]).toEqual(['Hostname', 'InternalDNS'])
    for (const wrong of [['InternalIp'], ['']]) expect(failure(() => load({ [flag]: wrong })).message).toContain(flag)
  })

  it('prefers KNARR_ variables to K3S_ ones', () => {
    expect(load({}, { K3S_DATA_DIR: '/k3s', KNARR_DATA_DIR: '/knarr' })['data-dir']).toBe('/knarr')
  })

  it('appends with key+ and replaces without it in drop-ins, in lexical order', () => {
    const config = configFile('disable: [a]\ntls-san: x\n', {
      '10.yaml': 'disable+: b\n',
      '20.yml': 'tls-san: [u, v]\n',
    })
    const loaded = loadServerConfig({ commandLine: { config }, environment: {} })
    expect(loaded.disable).toEqual(['a', 'b'])
    expect(loaded['tls-san']).toEqual(['u', 'v'])
  })

  it('names the nearest key for an unknown one', () => {
    const config = configFile('data-dri: /x\n')
    const error = failure(() => loadServerConfig({ commandLine: { config }, environment: {} }))
    expect(error.code).toBe('CONFIG_INVALID')
    expect(error.message).toContain('unknown key "data-dri"')
    expect(error.message).toContain('Did you mean "data-dir"?')
  })

  it.each([
    ['https-listen-port', '70000'],
    ['service-cidr', '10.0.0.0'],
    ['bind-address', 'localhost'],
    ['feature-gates', ['Foo']],
    ['service-node-port-range', '9-1'],
    ['manifests-prune', 'sometimes'],
    ['node', 'real'],
    ['simulated-nodes', '0'],
  ])('refuses a bad --%s and names it', (name, value) => {
    const error = failure(() => load({ [name]: value }))
    expect(error.code).toBe('FLAG_INVALID')
    expect(error.message).toContain(`--${name}`)
  })

  it('names file and key of a bad value, and the file of bad YAML', () => {
    const bad = configFile('https-listen-port: many\n')
    expect(failure(() => loadServerConfig({ commandLine: { config: bad }, environment: {} })).message).toContain(
      `${bad}: https-listen-port`,
    )
    const broken = configFile('a: [\n')
    expect(failure(() => loadServerConfig({ commandLine: { config: broken }, environment: {} })).message).toContain(
      broken,
    )
  })

  it('refuses an explicit config file that is missing', () => {
    const error = failure(() =>
      loadServerConfig({ commandLine: { config: '/nonexistent/config.yaml' }, environment: {} }),
    )
    expect(error.code).toBe('CONFIG_UNREADABLE')
  })

  it('suggests nothing when nothing is near', () => {
    expect(nearestName('zzzzzz', ['data-dir', 'debug'])).toBeUndefined()
  })
})
