/**
 * What a claim gets from the local-path provisioner: which folder, and the PersistentVolume that stands for it. Pure.
 * Upstream: rancher/local-path-provisioner provisioner.go provisionFor, getPathOnNode; the volume is byte for byte theirs,
 * so data moves over.
 */
import type { Node, PersistentVolume } from '#machinery/api/core/v1/types.gen.ts'
import type { StorageClass } from '#machinery/api/storage/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenClaim, FrozenVolume } from '#machinery/volume/binding.ts'
import { allPaths, DEFAULT_NODE, type LocalPathConfig, type PathConfig } from './config.ts'
import { renderPathPattern } from './path-pattern.ts'

export const PROVISIONER = 'rancher.io/local-path'
export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by'
const NODE_ANNOTATION = 'local.path.provisioner/selected-node'
const HOSTNAME = 'kubernetes.io/hostname'
const UNSUPPORTED_PARAMETERS = ['userPattern', 'groupPattern', 'permPattern']

/** The scheduler should choose another node. */
export class NodeRefusedError extends Error {}

export interface PlacementRequest {
  readonly claim: FrozenClaim
  readonly storageClass: DeepReadonly<StorageClass>
  readonly config: PathConfig
  /** Undefined: none was chosen. */
  readonly node: DeepReadonly<Node> | undefined
  /** Picks one of `count` folders. */
  choose(count: number): number
}

export const volumeNameFor = ({ metadata }: FrozenClaim): string => `pvc-${metadata.uid ?? ''}`

/** Where the volume's directory goes. Throws an Error for the user. */
export function directoryFor({ claim, storageClass, config, node, choose }: PlacementRequest): string {
  refuseUnsupported(claim, storageClass, config.sharedPath !== undefined)
  if (node === undefined && config.sharedPath === undefined)
    throw new Error('configuration error, no node was specified')
  const { nodePath, pathPattern, allowUnsafePathPattern } = storageClass.parameters ?? {}
  const candidates = basePaths(config, node?.metadata.name ?? '', nodePath)
  const base = candidates[choose(candidates.length)] ?? ''
  const volumeName = volumeNameFor(claim)
  const folder =
    pathPattern === undefined
      ? folderName(volumeName, claim.metadata.namespace, claim.metadata.name)
      : renderPathPattern(pathPattern, volumeName, claim, { allowUnsafe: allowUnsafePathPattern === 'true' })
  return `${base}/${folder}`
}

const folderName = (volumeName: string, namespace = '', claimName = ''): string =>
  `${volumeName}_${namespace}_${claimName}`

function refuseUnsupported(
  { spec }: FrozenClaim,
  { parameters = {} }: DeepReadonly<StorageClass>,
  isShared: boolean,
): void {
  if (spec.selector !== undefined) throw new Error('claim.Spec.Selector is not supported')
  if (spec.volumeMode === 'Block') throw new Error('Block volumes are not supported')
  if (spec.dataSource !== undefined || spec.dataSourceRef !== undefined)
    throw new Error('volumes made from a data source are not supported')
  const isSingle = (spec.accessModes ?? []).every((mode) => mode === 'ReadWriteOnce' || mode === 'ReadWriteOncePod')
  if (!isShared && !isSingle)
    throw new Error('NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes')
  const unsupported = UNSUPPORTED_PARAMETERS.find((name) => parameters[name] !== undefined)
  if (unsupported !== undefined) throw new Error(`the parameter ${unsupported} is not supported`)
}

function basePaths(config: PathConfig, nodeName: string, wanted: string | undefined): readonly string[] {
  if (config.sharedPath !== undefined) return [config.sharedPath]
  const paths = config.nodePaths.get(nodeName) ?? config.nodePaths.get(DEFAULT_NODE)
  if (paths === undefined)
    throw new NodeRefusedError(`config doesn't contain node ${nodeName}, and no ${DEFAULT_NODE} available`)
  if (paths.length === 0) throw new NodeRefusedError(`no local path available on node ${nodeName}`)
  if (wanted === undefined || wanted === '') return paths
  const clean = wanted.replace(/\/+$/, '')
  if (!paths.includes(clean)) throw new NodeRefusedError(`config doesn't contain path ${wanted} on node ${nodeName}`)
  return [clean]
}

/** As upstream makes it, its claim already named. Throws when the node or the kind of volume will not do. */
export function newLocalVolume(
  { claim, storageClass, config, node }: PlacementRequest,
  path: string,
): PersistentVolume {
  const isShared = config.sharedPath !== undefined
  const { namespace = '', name = '', uid = '', resourceVersion = '' } = claim.metadata
  const claimRef = { kind: 'PersistentVolumeClaim', apiVersion: 'v1', namespace, name, uid, resourceVersion }
  const affinity = isShared || node === undefined ? undefined : nodeAffinity(node, storageClass)
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolume',
    metadata: {
      name: volumeNameFor(claim),
      annotations: {
        [NODE_ANNOTATION]: isShared ? '' : (node?.metadata.name ?? ''),
        [PROVISIONED_BY]: PROVISIONER,
      },
    },
    spec: {
      capacity: { storage: claim.spec.resources?.requests?.['storage'] ?? '0' },
      ...volumeSource(isShared ? 'hostPath' : typeOf(claim, storageClass), path),
      accessModes: [...(claim.spec.accessModes ?? [])],
      claimRef,
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy ?? 'Delete',
      storageClassName: storageClass.metadata.name ?? '',
      volumeMode: 'Filesystem',
      ...(affinity === undefined ? {} : { nodeAffinity: affinity }),
    },
  }
}

/** `local` has fsGroup applied, `hostPath` has not: k3s' class says `local`. */
function typeOf({ metadata }: FrozenClaim, storageClass: DeepReadonly<StorageClass>): string {
  const ofClass = storageClass.metadata.annotations
  const named = metadata.annotations?.['volumeType'] ?? ofClass?.['volumeType'] ?? ofClass?.['defaultVolumeType']
  return named ?? 'hostPath'
}

/** The API wants a node affinity of local volumes, so what all nodes share is always a hostPath. */
function volumeSource(type: string, path: string): Pick<PersistentVolume['spec'], 'local' | 'hostPath'> {
  switch (type.toLowerCase()) {
    case 'local':
      return { local: { path } }
    case 'hostpath':
      return { hostPath: { path, type: 'DirectoryOrCreate' } }
    default:
      throw new Error(`"${type}" is not a recognised volume type`)
  }
}

function nodeAffinity(node: DeepReadonly<Node>, { parameters }: DeepReadonly<StorageClass>) {
  const key = parameters?.['nodeAffinityKey'] ?? HOSTNAME
  const value = node.metadata.labels?.[key]
  if (value === undefined) throw new Error(`node ${node.metadata.name ?? ''} has no label ${key}`)
  const matchExpressions = [{ key, operator: 'In', values: [value] }]
  return { required: { nodeSelectorTerms: [{ matchExpressions }] } }
}

/** Whose directory it is and where. Throws when it is nothing that may be removed. */
export function directoryOf(
  volume: FrozenVolume,
  config: LocalPathConfig | undefined,
): { readonly path: string; readonly nodeName: string; readonly hostname: string | undefined } {
  const { spec, metadata } = volume
  const path = spec.hostPath?.path ?? spec.local?.path ?? ''
  const segments = path.split('/').slice(1)
  if (!path.startsWith('/') || segments.some((segment) => segment === '' || segment === '.' || segment === '..'))
    throw new Error(`will not remove "${path}": not a plain absolute path`)
  const bases = config === undefined ? [] : allPaths(config)
  if (bases.some((base) => base === path || base.startsWith(`${path}/`)))
    throw new Error(`will not remove "${path}": it holds other volumes`)
  const isBelowBase = bases.some((base) => path.startsWith(`${base}/`))
  // The folders may have been reconfigured since: then only a name that nobody else gives is believed.
  const own = folderName(metadata.name ?? '', spec.claimRef?.namespace, spec.claimRef?.name)
  const isOwnName = segments.length > 1 && segments.at(-1) === own
  if (!isBelowBase && !isOwnName) throw new Error(`will not remove "${path}": not below a configured path`)
  const expression = spec.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]
  const hostname = expression?.key === HOSTNAME ? expression.values?.[0] : undefined
  return { path, nodeName: metadata.annotations?.[NODE_ANNOTATION] ?? '', hostname }
}
