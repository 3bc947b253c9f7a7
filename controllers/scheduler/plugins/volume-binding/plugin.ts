/**
 * VolumeBinding: a Pod goes where its volumes can be reached or made. Claims that wait for their first consumer are bound
 * (or provisioned) for the chosen node before the Pod is.
 *
 * Upstream: plugins/volumebinding. Differs: no scoring by capacity (StorageCapacityScoring is off upstream too).
 */
import { errorMessage } from '#machinery/util/errors.ts'
import { checkInteger, invalid, unknownFields } from '../../framework/args.ts'
import type {
  FilterPlugin,
  NodeInfo,
  PluginDefinition,
  PluginHandle,
  PodInfo,
  PreBindPlugin,
  ReservePlugin,
  Verdict,
} from '../../framework/interfaces.ts'
import { failed, SKIP, unresolvable } from '../../framework/verdicts.ts'
import { type AssumedVolumes, type PodVolumes, VolumeBinder } from './binder.ts'
import { VOLUME_EVENTS } from './hints.ts'
import { claimNamesOf, type PodClaims } from './pod-claims.ts'

export interface VolumeBindingArgs {
  /** How long a Pod waits for its claims to be bound before it is scheduled again. Default 600. */
  readonly bindTimeoutSeconds?: number
}

const BIND_TIMEOUT_SECONDS = 600
const NEGATIVE_TIMEOUT = 'invalid BindTimeoutSeconds, should not be a negative value'
const UNEXPECTED_SHAPE = 'unexpected field `shape`, remove it or turn on the feature gate StorageCapacityScoring'

export const volumeBinding: PluginDefinition = {
  name: 'VolumeBinding',
  checkArgs: (args, path) => [
    ...unknownFields(args, path, ['bindTimeoutSeconds', 'shape']),
    ...checkInteger(args['bindTimeoutSeconds'] ?? 0, `${path}.bindTimeoutSeconds`, { min: 0 }, NEGATIVE_TIMEOUT),
    ...(args['shape'] === undefined ? [] : [invalid(`${path}.shape`, args['shape'], UNEXPECTED_SHAPE)]),
  ],
  create: (args, handle) => new VolumeBinding(args, handle),
}

interface VolumeState {
  readonly claims: PodClaims
  /** Filled in by `filter`. */
  readonly byNode: Map<string, PodVolumes>
  /** Between `reserve` and `unreserve`. */
  assumed: AssumedVolumes | undefined
}

export class VolumeBinding implements FilterPlugin<VolumeState>, ReservePlugin, PreBindPlugin {
  readonly name = 'VolumeBinding'
  readonly events = VOLUME_EVENTS
  readonly allowsParallel = true
  readonly #binder: VolumeBinder
  readonly #bindTimeoutMs: number

  constructor({ bindTimeoutSeconds = BIND_TIMEOUT_SECONDS }: VolumeBindingArgs, handle: PluginHandle) {
    this.#binder = new VolumeBinder(handle)
    this.#bindTimeoutMs = bindTimeoutSeconds * 1000
  }

  preFilter({ pod }: PodInfo): Verdict | { readonly state: VolumeState } {
    if (claimNamesOf(pod).length === 0) return SKIP
    const claims = this.#binder.claimsOf(pod)
    if (typeof claims === 'string') return unresolvable(claims)
    if (claims.immediate.length > 0) return unresolvable('pod has unbound immediate PersistentVolumeClaims')
    return { state: { claims, byNode: new Map(), assumed: undefined } }
  }

  filter({ claims, byNode }: VolumeState, _pod: PodInfo, { name, node }: NodeInfo): Verdict | undefined {
    try {
      const found = this.#binder.find(claims, node)
      if ('length' in found) return unresolvable(...found)
      byNode.set(name, found)
      return undefined
    } catch (err: unknown) {
      return failed(err, errorMessage(err))
    }
  }

  reserve(filterState: unknown, _pod: PodInfo, nodeName: string): Verdict | undefined {
    const state = filterState as VolumeState | undefined
    const found = state?.byNode.get(nodeName)
    if (state === undefined || found === undefined || state.claims.delayed.length === 0) return undefined
    state.assumed = this.#binder.assume(found, nodeName)
    if (state.assumed !== undefined) return undefined
    const message = 'a volume or claim changed while the pod was being scheduled'
    return failed(new Error(message), message)
  }

  unreserve(filterState: unknown): void {
    const state = filterState as VolumeState | undefined
    if (state?.assumed === undefined) return
    this.#binder.revert(state.assumed)
    state.assumed = undefined
  }

  isNeeded(filterState: unknown): boolean {
    return (filterState as VolumeState | undefined)?.assumed !== undefined
  }

  async preBind(
    filterState: unknown,
    { pod }: PodInfo,
    nodeName: string,
    signal: AbortSignal,
  ): Promise<Verdict | undefined> {
    const assumed = (filterState as VolumeState | undefined)?.assumed
    if (assumed === undefined) return undefined
    try {
      await this.#binder.bind(pod, nodeName, assumed, this.#bindTimeoutMs, signal)
      return undefined
    } catch (err: unknown) {
      return failed(err, errorMessage(err))
    }
  }
}
