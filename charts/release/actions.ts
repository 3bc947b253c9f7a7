/**
 * Install, upgrade and uninstall: what `helm install|upgrade|uninstall` do, against a Client. One writer per release is the
 * caller's duty; a release left pending by a crash is taken over.
 * Upstream: helm pkg/action/{install,upgrade,uninstall}.go.
 */
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import { NAMESPACES } from '#machinery/api/core/v1/resources.gen.ts'
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { isAlreadyExists } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly, JsonObject } from '#machinery/util/types.ts'
import type { HookEvent } from './hooks.ts'
import { deleteLeftHooks, runHooks } from './hooks.ts'
import type { KubeDependencies, MappedObject } from './kube-objects.ts'
import { checkOwnership, createOrPatch, deleteOwned, mapObject, parseObjects } from './kube-objects.ts'
import { inUninstallOrder } from './order.ts'
import type { RecordedChart, RecordedHook, Release, ReleaseStatus, StoredRelease } from './record.ts'
import type { ReleaseStorage } from './storage.ts'
import { userLabelsOf } from './storage.ts'
import { waitUntilEstablished, waitUntilGone } from './wait.ts'

export interface ActionDependencies extends KubeDependencies {
  readonly clock: Clock
  readonly storage: ReleaseStorage
}

/** A chart rendered for one release. */
export interface RenderedChart {
  readonly manifest: string
  readonly hooks: readonly RecordedHook[]
  readonly notes: string
  readonly record: RecordedChart
}

export interface ReleaseRequest {
  readonly name: string
  /** Values as the user gave them. */
  readonly config: JsonObject
  /** Labels put on the release record. */
  readonly labels: Readonly<Record<string, string>>
  readonly createNamespace: boolean
  readonly takeOwnership: boolean
  readonly timeoutMs: number
  /** Called after the definitions of crds/ are established, so that they are among the capabilities. */
  render(revision: number, isUpgrade: boolean): Promise<RenderedChart>
  /** Definitions to create before rendering; install only. */
  readonly crds: readonly { readonly path: string; readonly content: string }[]
}

const RELEASE_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const RELEASE_NAME_MAX = 53
const UNINSTALL_WAIT_MS = 30_000
/** Requests of one release in flight. */
const AT_ONCE_MAX = 16

/** Installs when there is no live release of that name, upgrades otherwise. Throws with the true reason. */
export async function installOrUpgrade(
  dependencies: ActionDependencies,
  request: ReleaseRequest,
  signal: AbortSignal,
): Promise<Release> {
  if (!RELEASE_NAME.test(request.name) || request.name.length > RELEASE_NAME_MAX) {
    throw new Error(
      `release name "${request.name}" is invalid: at most ${RELEASE_NAME_MAX} lower case letters, digits, "-" and "."`,
    )
  }
  const history = await dependencies.storage.history(request.name, signal)
  const last = history.at(-1)
  const deployed = history.findLast(({ release }) => release.info.status === 'deployed')
  const isInstall = deployed === undefined && (last === undefined || last.release.info.status === 'uninstalled')
  return isInstall
    ? install(dependencies, request, history, signal)
    : upgrade(dependencies, request, history, deployed ?? last, signal)
}

async function install(
  dependencies: ActionDependencies,
  request: ReleaseRequest,
  history: readonly StoredRelease[],
  signal: AbortSignal,
): Promise<Release> {
  const { storage } = dependencies
  const revision = (history.at(-1)?.release.version ?? 0) + 1
  await installDefinitions(dependencies, request, signal)
  const rendered = await request.render(revision, false)
  const items = await mapManifest(dependencies, rendered.manifest, storage.namespace, signal)
  const identity = { name: request.name, namespace: storage.namespace }
  if (!request.takeOwnership) await checkOwnership(dependencies, items, identity, signal)
  if (request.createNamespace) await ensureNamespace(dependencies, storage.namespace, signal)
  const release = newRelease(dependencies, request, rendered, revision, 'pending-install', 'Initial install underway')
  await storage.create(release, request.labels, signal)
  return carryOut(
    dependencies,
    request,
    release,
    ['pre-install', 'post-install'],
    'Install complete',
    signal,
    async () => {
      await forEachByKind(items, (item) => createOrPatch(dependencies, item, undefined, identity, signal))
    },
  )
}

async function upgrade(
  dependencies: ActionDependencies,
  request: ReleaseRequest,
  history: readonly StoredRelease[],
  current: StoredRelease | undefined,
  signal: AbortSignal,
): Promise<Release> {
  const { storage } = dependencies
  const revision = (history.at(-1)?.release.version ?? 0) + 1
  const identity = { name: request.name, namespace: storage.namespace }
  const rendered = await request.render(revision, true)
  const items = await mapManifest(dependencies, rendered.manifest, storage.namespace, signal)
  const before = previousObjects(current)
  const added = items.filter((item) => !before.has(objectId(item.object, storage.namespace)))
  if (!request.takeOwnership) await checkOwnership(dependencies, added, identity, signal)
  const release = newRelease(dependencies, request, rendered, revision, 'pending-upgrade', 'Preparing upgrade')
  if (current !== undefined) release.info.first_deployed = current.release.info.first_deployed
  await storage.create(release, request.labels, signal)
  const done = await carryOut(
    dependencies,
    request,
    release,
    ['pre-upgrade', 'post-upgrade'],
    'Upgrade complete',
    signal,
    async () => {
      await forEachByKind(items, (item) => {
        const previous = before.get(objectId(item.object, storage.namespace))
        return createOrPatch(dependencies, item, previous, identity, signal)
      })
      await deleteRemoved(dependencies, before, items, signal, identity)
    },
  )
  await supersede(dependencies, history, signal)
  return done
}

/** Kinds in order, the objects of one kind at the same time: Helm's batchPerform. */
async function forEachByKind(
  items: readonly MappedObject[],
  action: (item: MappedObject) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < items.length; ) {
    const kind = items[start]?.resource.kind
    let end = start
    while (end < items.length && items[end]?.resource.kind === kind && end - start < AT_ONCE_MAX) end++
    await Promise.all(items.slice(start, end).map(action))
    start = end
  }
}

/** Hooks around the change, and the record of how it ended. */
async function carryOut(
  dependencies: ActionDependencies,
  request: ReleaseRequest,
  release: Release,
  [before, after]: readonly [HookEvent, HookEvent],
  description: string,
  signal: AbortSignal,
  change: () => Promise<void>,
): Promise<Release> {
  const { storage, clock } = dependencies
  const record = (current: Release): Promise<void> => storage.update(current, request.labels, signal)
  const hooks = { ...dependencies, record }
  try {
    const notAwaited = await runHooks(hooks, release, before, request.timeoutMs, signal)
    await change()
    notAwaited.push(...(await runHooks(hooks, release, after, request.timeoutMs, signal)))
    if (notAwaited.length > 0) {
      release.info.description = `${description}; hooks created but not awaited, because the cluster has no node: ${notAwaited.join(', ')}`
    } else release.info.description = description
  } catch (err: unknown) {
    release.info.status = 'failed'
    release.info.description = `Release "${release.name}" failed: ${errorMessage(err)}`
    await record(release)
    throw err
  }
  release.info.status = 'deployed'
  release.info.last_deployed = clock.now().toISOString()
  await record(release)
  return release
}

/** Removes what the release made and its records; returns what was kept on purpose or belongs to others. */
export async function uninstall(
  dependencies: ActionDependencies,
  name: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string[]> {
  const { storage } = dependencies
  const history = await storage.history(name, signal)
  const last = history.at(-1)
  if (last === undefined) return []
  const { release } = last
  const labels = userLabelsOf(last.labels)
  const hooks = { ...dependencies, record: (current: Release) => storage.update(current, labels, signal) }
  const kept: string[] = []
  if (release.info.status !== 'uninstalled') {
    release.info.status = 'uninstalling'
    release.info.description = 'Deletion in progress (or silently failed)'
    await storage.update(release, labels, signal)
    await runHooks(hooks, release, 'pre-delete', timeoutMs, signal)
    kept.push(...(await deleteManifest(dependencies, release, signal)))
    await runHooks(hooks, release, 'post-delete', timeoutMs, signal)
    await deleteLeftHooks(hooks, release, signal)
  }
  for (const { release: revision } of history) await storage.delete(name, revision.version, signal)
  return kept
}

async function deleteManifest(
  dependencies: ActionDependencies,
  release: Release,
  signal: AbortSignal,
): Promise<string[]> {
  const identity = { name: release.name, namespace: release.namespace }
  const items = await mapServed(
    dependencies,
    parseObjects(release.manifest, `release ${release.name}`),
    release.namespace,
    signal,
  )
  const kept: string[] = []
  const deleted: MappedObject[] = []
  for (const item of inUninstallOrder(items, ({ object }) => object.kind)) {
    if (await deleteOwned(dependencies, item, identity, signal)) deleted.push(item)
    else kept.push(`${item.resource.kind} ${item.key.name}`)
  }
  const deadlineMs = dependencies.clock.monotonicMs() + UNINSTALL_WAIT_MS
  for (const item of deleted) await waitUntilGone(dependencies, item, deadlineMs, signal)
  return kept
}

/** Kinds whose definition has gone have no objects left either. */
async function mapServed(
  dependencies: ActionDependencies,
  objects: readonly KubeObject[],
  namespace: string,
  signal: AbortSignal,
): Promise<MappedObject[]> {
  const mapped = await Promise.all(
    objects.map((object) => mapObject(dependencies, object, namespace, signal).catch(() => undefined)),
  )
  return mapped.filter((item) => item !== undefined)
}

async function mapManifest(
  dependencies: ActionDependencies,
  manifest: string,
  namespace: string,
  signal: AbortSignal,
): Promise<MappedObject[]> {
  const items: MappedObject[] = []
  for (const object of parseObjects(manifest, 'manifest'))
    items.push(await mapObject(dependencies, object, namespace, signal))
  return items
}

function previousObjects(current: StoredRelease | undefined): Map<string, DeepReadonly<KubeObject>> {
  if (current === undefined) return new Map()
  const { release } = current
  const objects = parseObjects(release.manifest, `release ${release.name} v${release.version}`)
  return new Map(objects.map((object) => [objectId(object, release.namespace), object]))
}

function objectId(object: DeepReadonly<KubeObject>, namespace: string): string {
  const group = object.apiVersion.includes('/') ? object.apiVersion.slice(0, object.apiVersion.indexOf('/')) : ''
  return `${group}/${object.kind}/${object.metadata.namespace ?? namespace}/${object.metadata.name ?? ''}`
}

async function deleteRemoved(
  dependencies: ActionDependencies,
  before: ReadonlyMap<string, DeepReadonly<KubeObject>>,
  items: readonly MappedObject[],
  signal: AbortSignal,
  identity: { readonly name: string; readonly namespace: string },
): Promise<void> {
  // Cluster-scoped objects have lost a namespace the manifest may have given them: compare both spellings.
  const present = new Set(items.map(({ object }) => objectId(object, identity.namespace)))
  const removed = [...before].filter(([id]) => !present.has(id)).map(([, object]) => object as KubeObject)
  for (const item of await mapServed(dependencies, removed, identity.namespace, signal)) {
    if (present.has(objectId(item.object, identity.namespace))) continue
    await deleteOwned(dependencies, item, identity, signal)
  }
}

async function supersede(
  { storage }: ActionDependencies,
  history: readonly StoredRelease[],
  signal: AbortSignal,
): Promise<void> {
  for (const { release, labels } of history.filter((stored) => stored.release.info.status === 'deployed')) {
    release.info.status = 'superseded'
    await storage.update(release, userLabelsOf(labels), signal)
  }
}

async function installDefinitions(
  dependencies: ActionDependencies,
  request: ReleaseRequest,
  signal: AbortSignal,
): Promise<void> {
  const created: MappedObject[] = []
  for (const { path, content } of request.crds) {
    for (const object of parseObjects(content, path)) {
      const item = await mapObject(dependencies, object, '', signal)
      await dependencies.client
        .create(item.resource, item.object, { fieldManager: 'helm', signal })
        .catch(ignoreExisting)
      if (item.resource.resource === CUSTOM_RESOURCE_DEFINITIONS.resource) created.push(item)
    }
  }
  const deadlineMs = dependencies.clock.monotonicMs() + 60_000
  for (const item of created) await waitUntilEstablished(dependencies, item, deadlineMs, signal)
  if (created.length > 0) await dependencies.mapper.refresh(signal)
}

async function ensureNamespace({ client }: ActionDependencies, name: string, signal: AbortSignal): Promise<void> {
  const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { name } }, spec: {} }
  await client.create(NAMESPACES, object, { signal }).catch(ignoreExisting)
}

function ignoreExisting(err: unknown): undefined {
  if (isAlreadyExists(err)) return undefined
  throw err
}

function newRelease(
  { clock, storage }: ActionDependencies,
  request: ReleaseRequest,
  rendered: RenderedChart,
  version: number,
  status: ReleaseStatus,
  description: string,
): Release {
  const now = clock.now().toISOString()
  const info = { first_deployed: now, last_deployed: now, deleted: '', description, status }
  return {
    name: request.name,
    info: rendered.notes === '' ? info : { ...info, notes: rendered.notes },
    chart: rendered.record,
    config: request.config,
    manifest: rendered.manifest,
    hooks: rendered.hooks.map((hook) => ({ ...hook })),
    version,
    namespace: storage.namespace,
    apply_method: 'csa',
  }
}
