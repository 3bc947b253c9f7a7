/** Whether a container that ended is started again, and how long it waits. Upstream: pkg/api/v1/pod ContainerShouldRestart; client-go flowcontrol.Backoff. */
import type { Container, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

const BACKOFF_INITIAL_MS = 10_000
export const BACKOFF_MAX_MS = 300_000

export function restartsAfter(
  pod: DeepReadonly<Pod>,
  container: DeepReadonly<Pick<Container, 'restartPolicy' | 'restartPolicyRules'>>,
  exitCode: number,
): boolean {
  for (const { exitCodes } of container.restartPolicyRules ?? []) {
    const isListed = exitCodes?.values?.includes(exitCode) ?? false
    if (exitCodes !== undefined && isListed === (exitCodes.operator === 'In')) return true
  }
  const policy = container.restartPolicy ?? pod.spec.restartPolicy ?? 'Always'
  return policy === 'Always' || (policy === 'OnFailure' && exitCode !== 0)
}

/** The wait after the next failure: none, 10 s, 20 s … 5 min. */
export function nextBackoffMs(beforeMs: number): number {
  return beforeMs === 0 ? BACKOFF_INITIAL_MS : Math.min(beforeMs * 2, BACKOFF_MAX_MS)
}
