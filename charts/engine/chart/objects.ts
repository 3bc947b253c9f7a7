// The objects templates are given besides .Values: .Files, .Capabilities, .Release.

import { fromBytes, sortedKeys } from '../gotypes/utf8.ts'
import { defineFunc, type GoFunc, type GoMap, GoObject, GoSlice, type GoValue, int } from '../gotypes/value.ts'
import { basePath } from '../sprig/paths.ts'
import { tryParseVersion } from '../semver/version.ts'
import { toYamlV2 } from '../yaml/emit-v2.ts'
import { compileGlob } from './glob.ts'
import type { ChartFile } from './types.ts'

export interface KubeVersion {
  /** As reported, v1.33.4-gke.1245000. */
  readonly version: string
  readonly major: string
  readonly minor: string
}

export interface Capabilities {
  readonly kubeVersion: KubeVersion
  /** group/version and group/version/Kind. */
  readonly apiVersions: readonly string[]
  readonly helmVersion?: string
}

export interface ReleaseOptions {
  readonly name: string
  readonly namespace: string
  readonly revision: number
  readonly isInstall: boolean
  readonly isUpgrade: boolean
}

/** The Helm version templates are told: charts refuse old ones. */
const HELM_VERSION = 'v4.2.4'

export function parseKubeVersion(text: string): KubeVersion {
  const match = /^v?([0-9]+)\.([0-9]+)/.exec(text)
  return { version: text.startsWith('v') ? text : `v${text}`, major: match?.[1] ?? '', minor: match?.[2] ?? '' }
}

/** "v1.33.4-gke.1" → "v1.33.4", what constraints are checked against. */
export function normalizeKubeVersion(kube: KubeVersion): string {
  const version = tryParseVersion(kube.version)
  return version === undefined ? kube.version : `v${version.major}.${version.minor}.${version.patch}`
}

export function filesObject(files: readonly ChartFile[]): GoObject {
  return fileMap(new Map(files.map((file) => [file.path, file.data])))
}

function fileMap(files: ReadonlyMap<string, Buffer>): GoObject {
  const method = (
    name: string,
    signature: string,
    result: string,
    impl: (...args: never[]) => unknown,
  ): [string, GoFunc] => [name, defineFunc(name, signature, result, impl)]
  const get = (name: string): Buffer => files.get(name) ?? Buffer.alloc(0)
  const byName = (encode: (data: Buffer) => string): string => {
    const map: GoMap = new Map()
    for (const path of sortedKeys(files)) map.set(basePath(path), encode(files.get(path) ?? Buffer.alloc(0)))
    return toYamlV2(map).replace(/\n$/, '')
  }
  return new GoObject('engine.files', {
    kind: 'map',
    fields: files,
    methods: new Map([
      method('Get', 'string', 'string', (name: string) => fromBytes(get(name))),
      method('GetBytes', 'string', '[]uint8', get),
      method('Glob', 'string', 'engine.files', (pattern: string) => {
        const glob = compileGlob(pattern)
        return fileMap(new Map([...files].filter(([name]) => glob === undefined || glob.test(name))))
      }),
      method('AsConfig', '', 'string', () => byName(fromBytes)),
      method('AsSecrets', '', 'string', () => byName((data) => data.toString('base64'))),
      method('Lines', 'string', '[]string', (name: string) => new GoSlice('[]string', lines(fromBytes(get(name))))),
    ]),
  })
}

function lines(text: string): string[] {
  if (text === '') return []
  return (text.endsWith('\n') ? text.slice(0, -1) : text).split('\n')
}

export function capabilitiesObject(capabilities: Capabilities): GoObject {
  const kube = capabilities.kubeVersion
  const text = (): string => normalizeKubeVersion(kube)
  const known = new Set(capabilities.apiVersions)
  const kubeObject = new GoObject('common.KubeVersion', {
    fields: new Map<string, GoValue>([
      ['Version', kube.version],
      ['Major', kube.major],
      ['Minor', kube.minor],
    ]),
    methods: new Map([
      ['String', defineFunc('String', '', 'string', text)],
      ['GitVersion', defineFunc('GitVersion', '', 'string', () => kube.version)],
    ]),
    text,
  })
  const versions = new GoObject('common.VersionSet', {
    kind: 'slice',
    fields: new Map(capabilities.apiVersions.map((version, i) => [String(i), version])),
    methods: new Map([['Has', defineFunc('Has', 'string', 'bool', (version: string) => known.has(version))]]),
  })
  const helm = new GoObject('version.BuildInfo', {
    fields: new Map<string, GoValue>([
      ['Version', capabilities.helmVersion ?? HELM_VERSION],
      ['GitCommit', ''],
      ['GitTreeState', 'clean'],
      ['GoVersion', 'go1.26.0'],
      ['KubeClientVersion', 'v1.36'],
    ]),
  })
  return new GoObject('*common.Capabilities', {
    fields: new Map<string, GoValue>([
      ['KubeVersion', kubeObject],
      ['APIVersions', versions],
      ['HelmVersion', helm],
    ]),
  })
}

export function releaseObject(release: ReleaseOptions): GoMap {
  return new Map<string, GoValue>([
    ['Name', release.name],
    ['Namespace', release.namespace],
    ['IsUpgrade', release.isUpgrade],
    ['IsInstall', release.isInstall],
    ['Revision', int(release.revision)],
    ['Service', 'Helm'],
  ])
}
