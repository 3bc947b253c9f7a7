/**
 * Keeps the release of every HelmChart at what its spec, its HelmChartConfig and the Secrets they name say.
 *
 * Reads: helmcharts, helmchartconfigs, secrets.  Writes: helmcharts (finalizer, claim, status); release records; anything a
 * chart holds.
 * Upstream: k3s-io/helm-controller pkg/controllers/chart. Differs: rendered and applied in this process instead of a Job, so
 * a chart installs without nodes, images or service accounts, and the condition carries the true error; an unset
 * failurePolicy means retry, because reinstalling can destroy data.
 */
import { createHash } from 'node:crypto'
import { SECRETS } from '#machinery/api/core/v1/resources.gen.ts'
import { HELM_CHART_CONFIGS, HELM_CHARTS } from '#machinery/api/helm/v1/resources.ts'
import type { HelmChart, HelmChartConfig } from '#machinery/api/helm/v1/types.ts'
import type { Client } from '#machinery/client/client.ts'
import { createRestMapper, type RestMapper } from '#machinery/client/rest-mapper.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { isNotFound, undefinedIfNotFound } from '#machinery/meta/errors.ts'
import type { Clock } from '#machinery/util/clock.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { Logger } from '#machinery/util/logger.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ActionDependencies } from '#charts/release/actions.ts'
import { installOrUpgrade, uninstall } from '#charts/release/actions.ts'
import { PENDING, type Release, type StoredRelease } from '#charts/release/record.ts'
import { ReleaseStorage } from '#charts/release/storage.ts'
import type { EventRecorder, ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { ANY_RESOURCE, Attempts, DONE, defineController, requeueAfter, watching } from '#sdk'
import { HELM_CHART_CONTROLLER } from '../manager/names.ts'
import { chartSource } from './chart-source.ts'
import type { ChartOutcome } from './chart-status.ts'
import { nextChartStatus } from './chart-status.ts'
import { ChartRenderer } from './renderer.ts'
import type { ChartValues } from './values.ts'
import { chartValues, ValuesUnavailableError } from './values.ts'

export interface HelmChartControllerOptions {
  /** host:port of the API server, for `%{KUBERNETES_API}%`. */
  readonly apiAddress: string
}

/** As in `helmcharts.cattle.io/managed-by`; charts claimed by another controller are left alone. */
const CONTROLLER_NAME = 'helm-controller'
const MANAGED_BY = 'helmcharts.cattle.io/managed-by'
const UNMANAGED = 'helmcharts.helm.cattle.io/unmanaged'
const FINALIZER = 'wrangler.cattle.io/on-helm-chart-remove'
const CONFIG_HASH_LABEL = 'helmcharts.helm.cattle.io/configHash'
const DEFAULT_TIMEOUT_MS = 300_000
const LABEL_VALUE_MAX = 63

export function helmChartController(options: HelmChartControllerOptions) {
  return defineController({
    name: HELM_CHART_CONTROLLER,
    reconciles: HELM_CHARTS,
    watches: [
      watching(HELM_CHART_CONFIGS, ({ metadata }) => [
        { namespace: metadata.namespace ?? '', name: metadata.name ?? '' },
      ]),
    ],
    // A chart may hold anything, so the controller may write anything: k3s' Job runs as cluster-admin for the same reason.
    permissions: [{ resource: ANY_RESOURCE, verbs: ['*'] }],
    concurrency: 4,
    create: (context) => new HelmChartReconciler(options, context),
  })
}

class HelmChartReconciler implements Reconciler {
  readonly #options: HelmChartControllerOptions
  readonly #client: Client
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #events: EventRecorder
  readonly #mapper: RestMapper
  readonly #renderer: ChartRenderer
  readonly #attempts: Attempts

  constructor(options: HelmChartControllerOptions, context: ReconcilerContext) {
    this.#options = options
    this.#client = context.client
    this.#clock = context.clock
    this.#logger = context.logger
    this.#events = context.events
    this.#mapper = createRestMapper(context.client)
    this.#renderer = new ChartRenderer({
      client: context.client,
      mapper: this.#mapper,
      clock: context.clock,
      random: context.random,
    })
    this.#attempts = new Attempts(context.clock, { baseMs: 1_000, maxMs: 300_000 })
    enqueueOnSecretChange(context, context.lister(HELM_CHARTS), context.lister(HELM_CHART_CONFIGS))
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const chart = await this.#client.get(HELM_CHARTS, key, { signal }).catch(undefinedIfNotFound)
    if (chart === undefined) {
      this.#attempts.clear(keyText(key))
      return DONE
    }
    const { annotations = {}, deletionTimestamp } = chart.metadata
    if (annotations[UNMANAGED] !== undefined) return DONE
    const manager = annotations[MANAGED_BY]
    if (manager !== undefined && manager !== CONTROLLER_NAME) return DONE
    if (deletionTimestamp !== undefined) return this.#remove(chart, signal)
    const claimed = await this.#claim(chart, signal)
    return this.#ensureRelease(claimed, signal)
  }

  /** Marks the chart as ours, with the finalizer that lets us uninstall it. */
  async #claim(chart: DeepReadonly<HelmChart>, signal: AbortSignal): Promise<DeepReadonly<HelmChart>> {
    const { annotations, finalizers = [] } = chart.metadata
    if (annotations?.[MANAGED_BY] === CONTROLLER_NAME && finalizers.includes(FINALIZER)) return chart
    const draft = deepCopy<HelmChart>(chart)
    draft.metadata.annotations = { ...draft.metadata.annotations, [MANAGED_BY]: CONTROLLER_NAME }
    draft.metadata.finalizers = [...new Set([...finalizers, FINALIZER])]
    return this.#client.update(HELM_CHARTS, draft, { signal })
  }

  async #ensureRelease(chart: DeepReadonly<HelmChart>, signal: AbortSignal): Promise<Result> {
    const key = keyText(chart.metadata)
    const version = chart.spec?.helmVersion ?? ''
    if (version !== '' && version !== 'v3') {
      return this.#report(
        chart,
        failure('UnsupportedVersion', `helmVersion "${version}" is not supported: leave it empty or use v3`),
        signal,
      )
    }
    const config = await this.#client
      .get(
        HELM_CHART_CONFIGS,
        { namespace: chart.metadata.namespace ?? '', name: chart.metadata.name ?? '' },
        { signal },
      )
      .catch(undefinedIfNotFound)
    let values: ChartValues
    try {
      values = await chartValues(this.#client, chart, config, signal)
    } catch (err: unknown) {
      if (!(err instanceof ValuesUnavailableError)) throw err
      return this.#report(chart, failure('ValuesUnavailable', err.message), signal) // The Secret's arrival wakes us.
    }
    const hash = configHash(chart, config, values)
    const waitMs = this.#attempts.waitMs(key, hash)
    if (waitMs > 0) return requeueAfter(waitMs) // Woken by our own status update.
    return this.#bringToRelease(chart, config, values, hash, signal)
  }

  async #bringToRelease(
    chart: DeepReadonly<HelmChart>,
    config: DeepReadonly<HelmChartConfig> | undefined,
    values: ChartValues,
    hash: string,
    signal: AbortSignal,
  ): Promise<Result> {
    const dependencies = this.#actionDependencies(chart)
    const name = chart.metadata.name ?? ''
    const history = await dependencies.storage.history(name, signal)
    const last = history.at(-1)
    if (last === undefined && (await this.#hasOtherDriver(chart, signal))) {
      const message = 'spec.driver cannot be changed while a release exists: set it back, or delete the HelmChart first'
      return this.#report(chart, failure('DriverChanged', message), signal)
    }
    if (last !== undefined && isWanted(last, hash)) return this.#settled(chart, last.release, hash, signal)
    const policy = config?.spec?.failurePolicy ?? chart.spec?.failurePolicy ?? 'retry'
    try {
      if (last?.release.info.status === 'failed' && policy === 'abort') {
        return await this.#report(
          chart,
          failure('Aborted', `${last.release.info.description}; failurePolicy is abort`),
          signal,
        )
      }
      await this.#takeOverPending(dependencies.storage, last, signal)
      if (last?.release.info.status === 'failed' && policy === 'reinstall') {
        await uninstall(dependencies, name, timeoutMs(chart), signal)
      }
      const release = await this.#release(dependencies, chart, values, hash, signal)
      this.#attempts.clear(keyText(chart.metadata))
      const source = sourceText(chart)
      this.#events.record(
        chart,
        'Normal',
        'AppliedChart',
        `Applied HelmChart from ${source} as revision ${release.version}`,
      )
      this.#logger.info({ helmchart: keyText(chart.metadata), revision: release.version, source }, 'released chart')
      const ignored = fieldsWithoutEffect(chart)
      if (ignored.length > 0) {
        this.#events.record(
          chart,
          'Warning',
          'FieldsWithoutEffect',
          `These fields have no effect here: ${ignored.join(', ')}`,
        )
      }
      return await this.#settled(chart, release, hash, signal)
    } catch (err: unknown) {
      signal.throwIfAborted()
      const delayMs = this.#attempts.failed(keyText(chart.metadata), hash)
      this.#events.record(chart, 'Warning', 'ApplyChartFailed', errorMessage(err))
      this.#logger.warn(
        { helmchart: keyText(chart.metadata), error: errorMessage(err), retryMs: delayMs },
        'chart failed',
      )
      await this.#report(chart, failure('ReleaseFailed', errorMessage(err)), signal)
      return requeueAfter(delayMs)
    }
  }

  async #release(
    dependencies: ActionDependencies,
    chart: DeepReadonly<HelmChart>,
    values: ChartValues,
    hash: string,
    signal: AbortSignal,
  ): Promise<Release> {
    const { spec = {}, metadata } = chart
    const source = await chartSource({ client: this.#client, apiAddress: this.#options.apiAddress }, chart, signal)
    const prepared = this.#renderer.prepare(source, values)
    const name = metadata.name ?? ''
    const { namespace } = dependencies.storage
    const request = {
      name,
      config: prepared.config,
      labels: { [CONFIG_HASH_LABEL]: hash },
      createNamespace: spec.createNamespace ?? false,
      takeOwnership: spec.takeOwnership ?? false,
      timeoutMs: timeoutMs(chart),
      crds: prepared.crds,
      render: (revision: number, isUpgrade: boolean) =>
        this.#renderer.render(prepared, { name, namespace, revision, isUpgrade }, signal),
    }
    return installOrUpgrade(dependencies, request, signal)
  }

  #actionDependencies(chart: DeepReadonly<HelmChart>): ActionDependencies {
    const namespace = chart.spec?.targetNamespace || (chart.metadata.namespace ?? '')
    const driver = chart.spec?.driver ?? 'secret'
    const storage = new ReleaseStorage({ client: this.#client, clock: this.#clock, namespace, driver })
    return { client: this.#client, mapper: this.#mapper, clock: this.#clock, storage }
  }

  /** True when the release is recorded in the other kind of object: a second history must not begin. */
  async #hasOtherDriver(chart: DeepReadonly<HelmChart>, signal: AbortSignal): Promise<boolean> {
    const driver = chart.spec?.driver === 'configmap' ? 'secret' : 'configmap'
    const { storage } = this.#actionDependencies({ ...chart, spec: { ...chart.spec, driver } })
    return (await storage.history(chart.metadata.name ?? '', signal)).length > 0
  }

  /** A crash between two writes leaves a pending record: no other writer exists, so it is ours to fail. */
  async #takeOverPending(storage: ReleaseStorage, last: StoredRelease | undefined, signal: AbortSignal): Promise<void> {
    if (last === undefined || !(PENDING.has(last.release.info.status) || last.release.info.status === 'uninstalling'))
      return
    last.release.info.status = 'failed'
    last.release.info.description = 'Interrupted: the controller stopped during this operation'
    await storage.update(last.release, { [CONFIG_HASH_LABEL]: last.labels[CONFIG_HASH_LABEL] ?? '' }, signal)
  }

  async #settled(chart: DeepReadonly<HelmChart>, release: Release, hash: string, signal: AbortSignal): Promise<Result> {
    const metadata = release.chart.metadata
    const outcome: ChartOutcome = {
      ok: true,
      message: release.info.description,
      revision: release.version,
      chartVersion: String(metadata['version'] ?? ''),
      appVersion: String(metadata['appVersion'] ?? ''),
      configHash: hash,
    }
    return this.#report(chart, outcome, signal)
  }

  async #report(chart: DeepReadonly<HelmChart>, outcome: ChartOutcome, signal: AbortSignal): Promise<Result> {
    const status = nextChartStatus(chart, outcome, this.#clock.now())
    const live = await this.#client.get(HELM_CHARTS, keyOf(chart.metadata), { signal })
    // An unchanged status is a write the server drops without a new resourceVersion.
    await this.#client.update(HELM_CHARTS, { ...deepCopy<HelmChart>(live), status }, { subresource: 'status', signal })
    return DONE
  }

  async #remove(chart: DeepReadonly<HelmChart>, signal: AbortSignal): Promise<Result> {
    if (chart.metadata.finalizers?.includes(FINALIZER) !== true) return DONE
    const key = keyText(chart.metadata)
    const waitMs = this.#attempts.waitMs(key, 'uninstall')
    if (waitMs > 0) return requeueAfter(waitMs)
    try {
      this.#events.record(chart, 'Normal', 'RemoveChart', `Uninstalling HelmChart ${key}`)
      await uninstall(this.#actionDependencies(chart), chart.metadata.name ?? '', timeoutMs(chart), signal)
    } catch (err: unknown) {
      signal.throwIfAborted()
      // The release's namespace is being deleted and takes everything along: nothing is left to do here.
      if (!isNotFound(err)) {
        const delayMs = this.#attempts.failed(key, 'uninstall')
        this.#events.record(chart, 'Warning', 'RemoveChartFailed', errorMessage(err))
        await this.#report(chart, failure('UninstallFailed', errorMessage(err)), signal)
        return requeueAfter(delayMs)
      }
    }
    const live = await this.#client.get(HELM_CHARTS, keyOf(chart.metadata), { signal })
    const draft = deepCopy<HelmChart>(live)
    draft.metadata.finalizers = (draft.metadata.finalizers ?? []).filter((name) => name !== FINALIZER)
    await this.#client.update(HELM_CHARTS, draft, { signal })
    this.#attempts.clear(key)
    this.#logger.info({ helmchart: key }, 'uninstalled chart')
    return DONE
  }
}

const failure = (reason: string, message: string): ChartOutcome => ({ ok: false, reason, message })

interface NamedMeta {
  readonly name?: string
  readonly namespace?: string
}

const keyOf = ({ namespace = '', name = '' }: NamedMeta): ObjectKey => ({ namespace, name })
const keyText = ({ namespace = '', name = '' }: NamedMeta): string => `${namespace}/${name}`

function isWanted({ release, labels }: StoredRelease, hash: string): boolean {
  return release.info.status === 'deployed' && labels[CONFIG_HASH_LABEL] === hash
}

/** Upper-case hex as upstream, cut to what a label value holds. */
function configHash(
  chart: DeepReadonly<HelmChart>,
  config: DeepReadonly<HelmChartConfig> | undefined,
  values: ChartValues,
): string {
  const { spec = {} } = chart
  const inputs = [spec, config?.spec ?? null, values.layers.map(({ content }) => content), values.assignments]
  return createHash('sha256').update(JSON.stringify(inputs)).digest('hex').toUpperCase().slice(0, LABEL_VALUE_MAX)
}

function sourceText({ spec = {}, metadata }: DeepReadonly<HelmChart>): string {
  if (spec.chartContent !== undefined && spec.chartContent !== '')
    return metadata.annotations?.['helm.cattle.io/chart-url'] ?? 'chartContent'
  return spec.repo === undefined || spec.repo === '' ? (spec.chart ?? '') : `${spec.repo}/${spec.chart ?? ''}`
}

/** Fields of k3s' Job pods, and of server-side apply, which releases do not use yet. */
const WITHOUT_EFFECT = [
  'backOffLimit',
  'bootstrap',
  'dockerRegistrySecret',
  'forceConflicts',
  'jobImage',
  'plainHTTP',
  'podSecurityContext',
  'securityContext',
  'serverSide',
] as const

function fieldsWithoutEffect({ spec = {} }: DeepReadonly<HelmChart>): string[] {
  return WITHOUT_EFFECT.filter((field) => spec[field] !== undefined && spec[field] !== false)
}

const DURATION_PART = /(\d+(?:\.\d+)?)(h|ms|m|s)/g
const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }

/** spec.timeout is a Go duration: `5m`, `1h30m`. */
function timeoutMs({ spec }: DeepReadonly<HelmChart>): number {
  const text = spec?.timeout ?? ''
  let totalMs = 0
  for (const [, amount = '0', unit = 's'] of text.matchAll(DURATION_PART))
    totalMs += Number(amount) * (UNIT_MS[unit] ?? 0)
  return totalMs > 0 ? totalMs : DEFAULT_TIMEOUT_MS
}

/** Wakes the charts whose values come from a Secret when it changes. */
function enqueueOnSecretChange(
  context: ReconcilerContext,
  charts: Lister<HelmChart>,
  configs: Lister<HelmChartConfig>,
): void {
  const changed = (namespace: string, name: string): void => {
    for (const object of [...charts.list(namespace), ...configs.list(namespace)]) {
      const isUsed = object.spec?.valuesSecrets?.some(
        (reference) => reference.name === name && reference.ignoreUpdates !== true,
      )
      if (isUsed === true) context.enqueue(keyOf(object.metadata))
    }
  }
  const onChange = ({ metadata }: { readonly metadata: NamedMeta }): void =>
    changed(metadata.namespace ?? '', metadata.name ?? '')
  context
    .informer(SECRETS)
    .addHandler({ onAdd: onChange, onUpdate: (_old, secret) => onChange(secret), onDelete: onChange })
}
