/** Creates and deletes Pods of a DaemonSet, a bounded number at a time. Upstream: daemon_controller.go syncNodes. */
import { DAEMON_SETS } from '#machinery/api/apps/v1/resources.gen.ts'
import { isConflict, isNotFound } from '#machinery/meta/errors.ts'
import { isNamespaceTerminating, newControllerReference } from '#sdk'
import type { Expectations } from '../manager/expectations.ts'
import type { PodControl } from '../manager/pod-control.ts'
import { generateNameFor, isPodReady } from '../manager/pod-control.ts'
import { slowStart } from '../manager/slow-start.ts'
import type { PodView } from './daemon-pod.ts'
import { sharedTemplate, templateForNode } from './daemon-pod.ts'
import type { Daemons } from './placement.ts'
import type { RollingStep } from './rolling-update.ts'

/** Of each kind, in one pass. */
const BURST_MAX = 250

export class DaemonPods {
  readonly #pods: PodControl
  readonly #expectations: Expectations

  constructor(pods: PodControl, expectations: Expectations) {
    this.#pods = pods
    this.#expectations = expectations
  }

  /** Does all it can, then throws the first error. What is beyond the burst is left for the next pass. */
  async sync(daemons: Daemons, key: string, step: RollingStep, signal: AbortSignal): Promise<void> {
    const create = step.create.slice(0, BURST_MAX)
    const remove = step.remove.slice(0, BURST_MAX)
    if (create.length === 0 && remove.length === 0) return
    const uids = remove.map(({ metadata }) => metadata.uid ?? '')
    this.#expectations.expectMore(key, create.length, uids)
    const createError = await this.#create(daemons, key, create, signal)
    const deleteError = await this.#delete(daemons, key, remove, signal)
    const error = createError ?? deleteError
    if (error !== undefined) throw error
  }

  async relabel(pod: PodView, labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
    await this.#pods.patch(pod, { metadata: { labels } }, signal)
  }

  async #create(daemons: Daemons, key: string, nodes: readonly string[], signal: AbortSignal): Promise<unknown> {
    const { daemonSet, hash } = daemons
    const shared = sharedTemplate(daemonSet, hash)
    const reference = newControllerReference(daemonSet, DAEMON_SETS)
    const generateName = generateNameFor(daemonSet)
    const { attempted, error } = await slowStart(nodes.length, async (i) => {
      try {
        const template = templateForNode(shared, nodes[i] ?? '')
        await this.#pods.create(daemonSet, template, reference, { generateName, signal })
      } catch (err: unknown) {
        this.#expectations.creationObserved(key)
        if (!isNamespaceTerminating(err)) throw err
      }
    })
    // What was never tried will never be seen.
    for (let i = attempted; i < nodes.length; i++) this.#expectations.creationObserved(key)
    return error
  }

  async #delete(daemons: Daemons, key: string, pods: readonly PodView[], signal: AbortSignal): Promise<unknown> {
    let error: unknown
    await Promise.all(
      pods.map((pod) =>
        this.#deleteOne(daemons, pod, signal).catch((err: unknown) => {
          this.#expectations.deletionObserved(key, pod.metadata.uid ?? '')
          // Of a Pod that has changed the watch will tell, which asks for another pass.
          if (!isNotFound(err) && !isConflict(err)) error ??= err
        }),
      ),
    )
    return error
  }

  /**
   * One that does not work goes at once, whatever maxUnavailable says, but only as it was seen: it may have become ready just now.
   * Differs from upstream, which deletes it then.
   */
  #deleteOne({ daemonSet }: Daemons, pod: PodView, signal: AbortSignal): Promise<void> {
    return isPodReady(pod) ? this.#pods.delete(daemonSet, pod, signal) : this.#pods.deleteAsSeen(daemonSet, pod, signal)
  }
}
