/**
 * Runs the PreBind plugins that have something to do for a Pod: neighbours that allow it at the same time, the others one
 * after another. Upstream: framework/runtime/framework.go RunPreBindPlugins, getPreBindPluginGroups (v1.36).
 */
import type { PreBindPlugin } from '../framework/interfaces.ts'
import type { Decision } from './binding-cycle.ts'
import { refuse } from './refusal.ts'

/** Rejects with the first failure, when everything that was begun has ended. */
export async function runPreBinds(decision: Decision, signal: AbortSignal): Promise<void> {
  for (const group of preBindGroups(decision)) {
    const [only] = group
    if (only !== undefined && group.length === 1) await runPreBind(only, decision, signal)
    else await runTogether(group, decision, signal)
  }
}

/** A plugin that has nothing to do separates its neighbours unless it allows company itself. */
function preBindGroups({ profile, pod, node, states }: Decision): PreBindPlugin[][] {
  const groups: PreBindPlugin[][] = []
  let isOpen = false
  for (const plugin of profile.preBinds) {
    const isNeeded = plugin.isNeeded?.(states.get(plugin.name), pod, node) ?? true
    const allowsCompany = plugin.allowsParallel === true
    if (isNeeded) {
      if (isOpen && allowsCompany) groups.at(-1)?.push(plugin)
      else groups.push([plugin])
    }
    isOpen = allowsCompany && (isNeeded || isOpen)
  }
  return groups
}

async function runTogether(group: readonly PreBindPlugin[], decision: Decision, signal: AbortSignal): Promise<void> {
  const others = new AbortController()
  const together = AbortSignal.any([signal, others.signal])
  let first: { readonly error: unknown } | undefined
  await Promise.all(
    group.map(async (plugin) => {
      try {
        await runPreBind(plugin, decision, together)
      } catch (error: unknown) {
        first ??= { error }
        others.abort(new Error('some other PreBind operation failed'))
      }
    }),
  )
  if (first !== undefined) throw first.error
}

async function runPreBind(plugin: PreBindPlugin, decision: Decision, signal: AbortSignal): Promise<void> {
  const { pod, node, states, timer } = decision
  const startedMs = timer?.now() ?? 0
  const verdict = await plugin.preBind(states.get(plugin.name), pod, node, signal)
  timer?.ran(plugin.name, 'PreBind', verdict?.code ?? 'Success', startedMs)
  refuse('PreBind', plugin.name, verdict)
}
