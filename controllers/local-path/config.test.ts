/** Which config.json is taken, and what is said of the others. */
import { describe, expect, it } from 'vitest'
import { allPaths, configOf, DEFAULT_NODE, parseConfig } from './config.ts'

const text = (value: unknown): string => JSON.stringify(value)
const onNode = (node: string, ...paths: string[]) => ({ node, paths })

describe('parseConfig', () => {
  it("takes k3s' own", () => {
    const config = parseConfig(text({ nodePathMap: [onNode(DEFAULT_NODE, '/var/lib/rancher/k3s/storage')] }))
    expect(allPaths(config)).toEqual(['/var/lib/rancher/k3s/storage'])
    expect(configOf(config, 'anything').nodePaths.get(DEFAULT_NODE)).toEqual(['/var/lib/rancher/k3s/storage'])
  })

  it('takes several folders, refused nodes, and settings of helper pods', () => {
    const nodePathMap = [onNode(DEFAULT_NODE, '/a/', '/b/./c'), onNode('refused')]
    const config = configOf(parseConfig(text({ nodePathMap, cmdTimeoutSeconds: 30, setupCommand: '/x' })), 'c')
    expect(Object.fromEntries(config.nodePaths)).toEqual({ [DEFAULT_NODE]: ['/a', '/b/c'], refused: [] })
  })

  it('takes a shared file system, for all classes or for one', () => {
    expect(configOf(parseConfig(text({ sharedFileSystemPath: '/nfs' })), 'c').sharedPath).toBe('/nfs')
    const storageClassConfigs = {
      shared: { sharedFileSystemPath: '/nfs' },
      local: { nodePathMap: [onNode(DEFAULT_NODE, '/d')] },
    }
    const config = parseConfig(text({ storageClassConfigs }))
    expect(configOf(config, 'shared').sharedPath).toBe('/nfs')
    expect(configOf(config, 'local').sharedPath).toBeUndefined()
    expect(() => configOf(config, 'other')).toThrow('config.json has no entry for storage class "other"')
    expect(allPaths(config)).toEqual(['/nfs', '/d'])
  })

  it.each<[string, string, string]>([
    ['no JSON', '{', 'config.json is not JSON'],
    ['a list', '[]', 'config.json must be an object'],
    ['nothing', '{}', 'both nodePathMap and sharedFileSystemPath are unconfigured'],
    [
      'both kinds',
      text({ nodePathMap: [onNode('n', '/a')], sharedFileSystemPath: '/b' }),
      'both nodePathMap and sharedFileSystemPath are defined',
    ],
    ['a node twice', text({ nodePathMap: [onNode('n', '/a'), onNode('n', '/b')] }), 'duplicate node n'],
    ['a path twice', text({ nodePathMap: [onNode('n', '/a', '/a/')] }), 'duplicate path /a on node n'],
    ['a relative path', text({ nodePathMap: [onNode('n', 'a')] }), 'path must start with / for path a on node n'],
    ['the root', text({ nodePathMap: [onNode('n', '/')] }), "cannot use root ('/') as path on node n"],
    ['the root in disguise', text({ sharedFileSystemPath: '/./' }), "cannot use root ('/') as path on every node"],
    ['a way up', text({ nodePathMap: [onNode('n', '/a/../b')] }), 'path must not contain ..'],
    ['an entry without node', text({ nodePathMap: [{ paths: [] }] }), 'needs a node'],
    [
      'classes beside the rest',
      text({ sharedFileSystemPath: '/a', storageClassConfigs: { c: { sharedFileSystemPath: '/b' } } }),
      'cannot stand beside',
    ],
  ])('refuses %s', (_name, config, message) => {
    expect(() => parseConfig(config)).toThrow(message)
  })
})
