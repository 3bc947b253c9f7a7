/**
 * Devices that must be made ready before a Pod is bound to them: what their driver reports in `status.devices`, and waiting
 * for it. Upstream: plugins/dynamicresources isClaimReadyForBinding, isClaimTimeout, isPodReadyForBinding.
 */
import type { AllocatedDeviceStatus } from '#machinery/api/resource/v1/types.gen.ts'
import { keyStringOf, objectKeyOf } from '#machinery/informers/key.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { FrozenPod, PluginHandle } from '../../framework/interfaces.ts'
import { ChangeSignal } from '../volume-binding/change-signal.ts'
import type { FrozenClaim } from './allocator/interfaces.ts'
import type { ClaimTracker } from './claim-tracker.ts'

type DeviceStatus = DeepReadonly<AllocatedDeviceStatus>

/** `failed`: the driver has given up on a device. `late`: it has had its time. */
export type Readiness =
  | { readonly type: 'ready' | 'waiting' | 'late' }
  | { readonly type: 'failed'; readonly message: string }

/** How often a Pod looks at its devices, besides at each change of a claim. */
const LOOK_PERIOD_MS = 5_000

export class DeviceReadiness {
  readonly #handle: PluginHandle
  readonly #claims: ClaimTracker
  readonly #timeoutMs: number
  readonly #changed: ChangeSignal

  constructor(handle: PluginHandle, claims: ClaimTracker, timeoutMs: number) {
    this.#handle = handle
    this.#claims = claims
    this.#timeoutMs = timeoutMs
    this.#changed = new ChangeSignal(handle.clock)
    claims.onChange(() => this.#changed.fire())
  }

  of(claim: FrozenClaim): Readiness {
    return hasBindingConditions(claim) ? readinessOf(claim, this.#handle.clock.nowMs(), this.#timeoutMs) : READY
  }

  /** Resolves when all devices are ready, with the claims' newest states in `claims`; rejects when they will not be. */
  async wait(claims: FrozenClaim[], pod: FrozenPod, nodeName: string, signal: AbortSignal): Promise<void> {
    if (!claims.some(hasBindingConditions)) return
    const { clock, events } = this.#handle
    const message = `waiting for binding conditions for device on node ${nodeName}`
    events.record(pod, 'Normal', 'BindingConditionsPending', message)
    const deadlineMs = clock.nowMs() + this.#timeoutMs
    while (!this.#areReady(claims)) {
      const leftMs = deadlineMs - clock.nowMs()
      if (leftMs <= 0) throw new Error('device binding timeout: context deadline exceeded')
      await this.#changed.wait(Math.min(leftMs, LOOK_PERIOD_MS), signal)
    }
  }

  #areReady(claims: FrozenClaim[]): boolean {
    for (const [place, known] of claims.entries()) {
      const claim = this.#claims.get(objectKeyOf(known))
      if (claim === undefined) throw new Error(`could not find ResourceClaim "${keyStringOf(known)}"`)
      claims[place] = claim
      const readiness = this.of(claim)
      if (readiness.type === 'failed') throw new Error(readiness.message)
      if (readiness.type === 'late') throw new Error(`device binding timeout: claim=${claim.metadata.name}`)
      if (readiness.type === 'waiting') return false
    }
    return true
  }
}

const READY: Readiness = { type: 'ready' }

const hasBindingConditions = ({ status }: FrozenClaim): boolean =>
  (status?.allocation?.devices?.results ?? []).some(({ bindingConditions = [] }) => bindingConditions.length > 0)

function readinessOf(claim: FrozenClaim, nowMs: number, timeoutMs: number): Readiness {
  const { allocation, devices = [] } = claim.status ?? {}
  let isReady = true
  for (const result of allocation?.devices?.results ?? []) {
    const { bindingConditions = [], bindingFailureConditions = [] } = result
    if (bindingConditions.length === 0) continue
    const status = devices.find(
      ({ driver, pool, device }) => driver === result.driver && pool === result.pool && device === result.device,
    )
    const failure = bindingFailureConditions.map((type) => trueCondition(status, type)).find((one) => one !== undefined)
    if (failure !== undefined) {
      const { reason, message } = failure
      const text = `device binding failed: claim=${claim.metadata.name}, reason=${reason}, message=${JSON.stringify(message)}`
      return { type: 'failed', message: text }
    }
    if (!bindingConditions.every((type) => trueCondition(status, type) !== undefined)) isReady = false
  }
  if (isReady) return { type: 'ready' }
  const allocatedMs = Date.parse(allocation?.allocationTimestamp ?? '')
  return { type: allocatedMs + timeoutMs < nowMs ? 'late' : 'waiting' }
}

const trueCondition = (status: DeviceStatus | undefined, wanted: string) =>
  status?.conditions?.find(({ type, status: value }) => type === wanted && value === 'True')
