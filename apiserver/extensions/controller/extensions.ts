/**
 * Serves custom resources: every CRD whose names are accepted is registered with the server, and only then said to be
 * Established. Existing CRDs are registered before `ready`. Deletion removes the objects first.
 * Upstream: apiextensions-apiserver pkg/apiserver/apiserver.go and its controllers. Differs: one loop instead of six, and
 * one status write where upstream needs two.
 */
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import type { CustomResourceDefinition } from '#machinery/api/apiextensions/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { isConflict, isNotFound } from '#machinery/meta/errors.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy, deepEqual } from '#machinery/util/json.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { ApiServer } from '../../server/interfaces.ts'
import type { Converter } from '../conversion/converter.ts'
import type { ConversionTools } from '../conversion/webhook-converter.ts'
import { createWebhookConverter } from '../conversion/webhook-converter.ts'
import { customResourceDefinition } from '../custom-resource/definition.ts'
import { approvalCondition } from '../definition/api-approval.ts'
import type { NewCondition } from '../definition/conditions.ts'
import { isConditionTrue, removeCondition, setCondition } from '../definition/conditions.ts'
import type { Crd } from '../definition/types.ts'
import { asCrd, CLEANUP_FINALIZER } from '../definition/types.ts'
import { DefinitionFeed } from './definition-feed.ts'
import { deleteInstances, resourceOf } from './instance-deletion.ts'
import { acceptNames, establish, isEstablishable, takenNames } from './naming.ts'
import { nonStructuralCondition } from './structural-condition.ts'
import type { WorkResult } from './work-loop.ts'
import { WorkLoop } from './work-loop.ts'

interface ExtensionsOptions extends ConversionTools {
  readonly server: Pick<ApiServer, 'registerResource' | 'unregisterResource'>
  readonly client: Client
  readonly logger: Logger
  /** Built-in resources cannot be replaced by a CRD: it is accepted, but never served, as upstream. */
  isBuiltIn?(group: string, resource: string): boolean
}

export interface Extensions {
  /** Resolves when existing CRDs are being served; goes on until the signal is aborted. Call once. */
  start(signal: AbortSignal): Promise<void>
  readonly ready: Promise<void>
}

export function createExtensions(options: ExtensionsOptions): Extensions {
  return new CustomResourceExtensions(options)
}

interface Registration {
  readonly group: string
  readonly resource: string
  readonly crd: Crd
}

class CustomResourceExtensions implements Extensions {
  readonly ready: Promise<void>
  readonly #options: ExtensionsOptions
  readonly #feed: DefinitionFeed
  readonly #registered = new Map<string, Registration>()
  #markReady: () => void = () => {}
  #loop: WorkLoop | undefined

  constructor(options: ExtensionsOptions) {
    this.#options = options
    this.ready = new Promise((resolve) => {
      this.#markReady = resolve
    })
    this.#feed = new DefinitionFeed({ ...options, onChange: (name) => this.#loop?.add(name) })
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#feed.list(signal)
    const served = [...this.#feed.crds].filter(([, crd]) => isConditionTrue(crd, 'Established'))
    await Promise.all(served.map(([name, crd]) => this.#registerExisting(name, crd)))
    this.#markReady()
    const loop = new WorkLoop({ ...this.#options, run: (name) => this.#sync(name, signal) }, signal)
    this.#loop = loop
    for (const name of this.#feed.crds.keys()) loop.add(name)
    void this.#feed.follow(signal)
  }

  async #sync(name: string, signal: AbortSignal): Promise<WorkResult> {
    const crd = this.#feed.crds.get(name)
    if (crd === undefined) {
      this.#unregister(name)
      return 'done'
    }
    if (crd.metadata.deletionTimestamp !== undefined) return this.#finalize(name, crd, signal)
    const draft = deepCopy<Crd>(crd)
    this.#updateConditions(draft)
    if (isConditionTrue(draft, 'NamesAccepted') || isConditionTrue(draft, 'Established')) {
      await this.#register(name, draft)
      if (isEstablishable(draft)) establish(draft, this.#options.clock.now())
    }
    if (deepEqual(draft.status, crd.status)) return 'done'
    const isReleasingNames = !deepEqual(draft.status?.acceptedNames, crd.status?.acceptedNames)
    await this.#writeStatus(name, draft, signal)
    if (isReleasingNames) this.#requeueGroup(crd.spec.group, name)
    return 'done'
  }

  #updateConditions(draft: Crd): void {
    const now = this.#options.clock.now()
    const hasNames = deepEqual(draft.spec.names, draft.status?.acceptedNames)
    if (!hasNames || !isConditionTrue(draft, 'NamesAccepted')) {
      acceptNames(draft, takenNames(this.#sameGroup(draft.spec.group)), now)
    }
    const set = (condition: NewCondition | undefined): void => {
      if (condition !== undefined) setCondition(draft, condition, now)
    }
    set(approvalCondition(draft))
    const nonStructural = nonStructuralCondition(draft)
    if (nonStructural === undefined) removeCondition(draft, 'NonStructuralSchema')
    set(nonStructural)
  }

  *#sameGroup(group: string): Iterable<Crd> {
    for (const crd of this.#feed.crds.values()) if (crd.spec.group === group) yield crd
  }

  /** A name may have become free. */
  #requeueGroup(group: string, except: string): void {
    for (const crd of this.#sameGroup(group)) {
      const name = crd.metadata.name ?? ''
      if (name !== except && !isConditionTrue(crd, 'NamesAccepted')) this.#loop?.add(name)
    }
  }

  /** One that cannot be served must not keep the server from starting; the loop tries it again. */
  async #registerExisting(name: string, crd: Crd): Promise<void> {
    try {
      await this.#register(name, crd)
    } catch (err: unknown) {
      const fields = { customResourceDefinition: name, error: errorMessage(err) }
      this.#options.logger.error(fields, 'serving an existing CustomResourceDefinition failed')
    }
  }

  /** In place when it is served already: objects and their cache stay. */
  async #register(name: string, crd: Crd): Promise<void> {
    const { group, names } = crd.spec
    if (this.#options.isBuiltIn?.(group, names.plural) === true) return
    const current = this.#registered.get(name)
    if (current !== undefined && isServedAlike(current.crd, crd)) return
    const isTerminating = (): boolean => this.#feed.crds.get(name)?.metadata.deletionTimestamp !== undefined
    await this.#options.server.registerResource(customResourceDefinition(crd, isTerminating, this.#converterOf(crd)))
    this.#registered.set(name, { group, resource: names.plural, crd })
  }

  #converterOf(crd: Crd): Converter | undefined {
    if (crd.spec.conversion?.strategy !== 'Webhook') return undefined
    return createWebhookConverter(crd, this.#options)
  }

  #unregister(name: string): void {
    const registration = this.#registered.get(name)
    if (registration === undefined) return
    this.#registered.delete(name)
    this.#options.server.unregisterResource(registration.group, registration.resource)
    this.#requeueGroup(registration.group, name)
  }

  async #finalize(name: string, crd: Crd, signal: AbortSignal): Promise<WorkResult> {
    if (crd.metadata.finalizers?.includes(CLEANUP_FINALIZER) !== true) return 'done'
    let draft = deepCopy<Crd>(crd)
    if (!isConditionTrue(draft, 'Terminating') || !isDeletionInProgress(draft)) {
      const message = 'CustomResource deletion is in progress'
      this.#setTerminating(draft, 'True', 'InstanceDeletionInProgress', message)
      const written = await this.#writeStatus(name, draft, signal)
      if (written === undefined) return 'done' // Changed meanwhile: the watch brings it back.
      draft = deepCopy<Crd>(written)
    }
    if (!(await this.#removeInstances(name, draft, signal))) return 'again'
    draft.metadata.finalizers = draft.metadata.finalizers?.filter((one) => one !== CLEANUP_FINALIZER) ?? []
    const written = await this.#writeStatus(name, draft, signal)
    if (written !== undefined && draft.metadata.finalizers.length === 0) this.#unregister(name)
    return 'done'
  }

  /** Sets the last condition. False: objects are left, and whoever holds them needs time. */
  async #removeInstances(name: string, draft: Crd, signal: AbortSignal): Promise<boolean> {
    const { client, isBuiltIn } = this.#options
    if (isBuiltIn?.(draft.spec.group, draft.spec.names.plural) === true) {
      const message = 'instances overlap with built-in resources in storage'
      this.#setTerminating(draft, 'False', 'OverlappingBuiltInResource', message)
      return true
    }
    if (!isConditionTrue(draft, 'Established')) {
      this.#setTerminating(draft, 'False', 'NeverEstablished', 'resource was never established')
      return true
    }
    await this.#register(name, withServedVersion(draft))
    if ((await deleteInstances(client, resourceOf(withServedVersion(draft)), signal)) > 0) return false
    this.#setTerminating(draft, 'False', 'InstanceDeletionCompleted', 'removed all instances')
    return true
  }

  #setTerminating(draft: Crd, status: 'True' | 'False', reason: string, message: string): void {
    setCondition(draft, { type: 'Terminating', status, reason, message }, this.#options.clock.now())
  }

  /** Undefined when somebody else changed or deleted it: the watch will tell. */
  async #writeStatus(name: string, draft: Crd, signal: AbortSignal): Promise<Crd | undefined> {
    try {
      const object = draft as unknown as CustomResourceDefinition
      const options = { subresource: 'status', signal }
      const written = asCrd(await this.#options.client.update(CUSTOM_RESOURCE_DEFINITIONS, object, options))
      if (this.#feed.crds.has(name)) this.#feed.crds.set(name, written)
      return written
    } catch (err: unknown) {
      if (isConflict(err) || isNotFound(err)) return undefined
      throw err
    }
  }
}

function isDeletionInProgress(crd: Crd): boolean {
  return crd.status?.conditions?.some(({ reason }) => reason === 'InstanceDeletionInProgress') === true
}

/** Objects of a CRD that serves nothing can still be deleted: in the storage version, for as long as that takes. */
function withServedVersion(crd: Crd): Crd {
  const { versions } = crd.spec
  if (versions.some((version) => version.served)) return crd
  return {
    ...crd,
    spec: { ...crd.spec, versions: versions.map((one) => (one.storage ? { ...one, served: true } : one)) },
  }
}

function isServedAlike(a: Crd, b: Crd): boolean {
  return (
    a.metadata.uid === b.metadata.uid &&
    deepEqual(a.status?.acceptedNames, b.status?.acceptedNames) &&
    (a.spec === b.spec || deepEqual(a.spec, b.spec))
  )
}
