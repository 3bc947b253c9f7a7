/**
 * config.json of the local-path provisioner: on which node which folders hold volumes. Pure.
 * Upstream: rancher/local-path-provisioner provisioner.go canonicalizeConfig (format and refusals).
 * Differs: helper pods do not exist, so their settings (setupCommand, cmdTimeoutSeconds…) are read over.
 */
import { errorMessage } from '#machinery/util/errors.ts'
import { isObject } from '#machinery/util/json.ts'

export const DEFAULT_NODE = 'DEFAULT_PATH_FOR_NON_LISTED_NODES'

/** Where volumes of one class go. */
export interface PathConfig {
  /** Node or DEFAULT_NODE -> folders; none: the node is refused. */
  readonly nodePaths: ReadonlyMap<string, readonly string[]>
  /** The same folder on every node; nodePaths is empty then. */
  readonly sharedPath: string | undefined
}

export interface LocalPathConfig {
  /** Undefined: there is one per class only. */
  readonly everyClass: PathConfig | undefined
  readonly byClass: ReadonlyMap<string, PathConfig>
}

/** Throws an Error that says what is wrong. */
export function parseConfig(text: string): LocalPathConfig {
  let data: unknown
  try {
    data = JSON.parse(text)
  } catch (err: unknown) {
    throw new Error(`config.json is not JSON: ${errorMessage(err)}`)
  }
  if (!isObject(data)) throw new Error('config.json must be an object')
  const { storageClassConfigs } = data
  if (storageClassConfigs === undefined || (isObject(storageClassConfigs) && isEmpty(storageClassConfigs)))
    return { everyClass: parsePathConfig(data, 'config.json'), byClass: new Map() }
  if (!isObject(storageClassConfigs)) throw new Error('storageClassConfigs must be an object')
  if (data['nodePathMap'] !== undefined || data['sharedFileSystemPath'] !== undefined)
    throw new Error('storageClassConfigs cannot stand beside nodePathMap or sharedFileSystemPath')
  const byClass = Object.entries(storageClassConfigs).map(
    ([name, value]) => [name, parsePathConfig(value, `storageClassConfigs.${name}`)] as const,
  )
  return { everyClass: undefined, byClass: new Map(byClass) }
}

/** Throws when the class has no folders. */
export function configOf(config: LocalPathConfig, className: string): PathConfig {
  const found = config.everyClass ?? config.byClass.get(className)
  if (found === undefined) throw new Error(`config.json has no entry for storage class "${className}"`)
  return found
}

/** Every folder under which volumes may be. */
export function allPaths({ everyClass, byClass }: LocalPathConfig): string[] {
  const configs = everyClass === undefined ? [...byClass.values()] : [everyClass]
  return configs.flatMap(({ nodePaths, sharedPath }) => [
    ...[...nodePaths.values()].flat(),
    ...(sharedPath === undefined ? [] : [sharedPath]),
  ])
}

const isEmpty = (value: object): boolean => Object.keys(value).length === 0

function parsePathConfig(data: unknown, where: string): PathConfig {
  if (!isObject(data)) throw new Error(`${where} must be an object`)
  const { nodePathMap = [], sharedFileSystemPath = '' } = data
  if (typeof sharedFileSystemPath !== 'string') throw new Error(`${where}: sharedFileSystemPath must be a string`)
  if (!Array.isArray(nodePathMap)) throw new Error(`${where}: nodePathMap must be a list`)
  if (nodePathMap.length > 0 && sharedFileSystemPath !== '')
    throw new Error(`${where}: both nodePathMap and sharedFileSystemPath are defined`)
  if (nodePathMap.length === 0 && sharedFileSystemPath === '')
    throw new Error(`${where}: both nodePathMap and sharedFileSystemPath are unconfigured`)
  const nodePaths = new Map<string, readonly string[]>()
  for (const entry of nodePathMap) {
    const { node, paths } = parseNodeEntry(entry, where)
    if (nodePaths.has(node)) throw new Error(`duplicate node ${node}`)
    nodePaths.set(node, paths)
  }
  const sharedPath = sharedFileSystemPath === '' ? undefined : parseFolder(sharedFileSystemPath, 'every node')
  return { nodePaths, sharedPath }
}

function parseNodeEntry(entry: unknown, where: string): { readonly node: string; readonly paths: readonly string[] } {
  if (!isObject(entry) || typeof entry['node'] !== 'string' || entry['node'] === '')
    throw new Error(`${where}: each entry of nodePathMap needs a node`)
  const { node, paths = [] } = entry
  if (!Array.isArray(paths)) throw new Error(`paths of node ${node} must be a list`)
  const folders = paths.map((path) => parseFolder(path, `node ${node}`))
  const repeated = folders.find((path, i) => folders.indexOf(path) !== i)
  if (repeated !== undefined) throw new Error(`duplicate path ${repeated} on node ${node}`)
  return { node, paths: folders }
}

/** As Go's filepath.Abs leaves it: no trailing slash, no `.` and `..`. */
function parseFolder(path: unknown, whose: string): string {
  if (typeof path !== 'string' || !path.startsWith('/'))
    throw new Error(`path must start with / for path ${String(path)} on ${whose}`)
  const segments = path.split('/').filter((segment) => segment !== '' && segment !== '.')
  if (segments.includes('..')) throw new Error(`path must not contain .. for path ${path} on ${whose}`)
  if (segments.length === 0) throw new Error(`cannot use root ('/') as path on ${whose}`)
  return `/${segments.join('/')}`
}
