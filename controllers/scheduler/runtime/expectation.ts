/**
 * Tells the world on which node a Pod is about to be while its binding takes time: status.nominatedNodeName, for autoscalers.
 *
 * Writes: pods/status. Upstream: schedule_one.go bindingCycle (gate NominatedNodeNameForExpectation).
 */
import type { Client } from '#machinery/client/client.ts'
import type { Decision } from './binding-cycle.ts'
import { patchPodStatus } from './pod-status.ts'

/** The Pod waits on Permit, or PreBind plugins have something to do; else it is bound at once. */
export async function tellExpectation(client: Client, { pod, node }: Decision, signal: AbortSignal): Promise<void> {
  const { metadata, status } = pod.pod
  if (status?.nominatedNodeName === node) return
  const body = { metadata: { uid: metadata.uid }, status: { nominatedNodeName: node } }
  await patchPodStatus(client, pod.pod, body, signal)
}
