/** How a plugin's "no" or error ends an attempt. Upstream: framework/runtime/framework.go. */
import type { Verdict } from '../framework/interfaces.ts'
import { isRejection } from '../framework/verdicts.ts'
import { RejectedError } from './rejected-error.ts'

/** Where plugins are asked in ways that may fail. */
export type FailingPoint = 'PreFilter' | 'Filter' | 'PreScore' | 'Reserve' | 'Permit' | 'PreBind' | 'Bind'

/** Throws RejectedError for a "no", an Error for an error; what is neither passes. */
export function refuse(point: FailingPoint, plugin: string, verdict: Verdict | undefined): void {
  if (verdict === undefined) return
  if (isRejection(verdict)) throw new RejectedError({ ...verdict, plugin })
  throwIfError(point, plugin, verdict)
}

/** An error of a plugin ends the attempt: the Pod is tried again. */
export function throwIfError(point: FailingPoint, plugin: string, verdict: Verdict): void {
  if (isRejection(verdict) || verdict.code === 'Skip') return
  const what = point === 'Filter' ? `"${plugin}" filter plugin` : `${point} plugin "${plugin}"`
  throw new Error(`running ${what}: ${verdict.reasons.join(', ')}`, { cause: verdict.error })
}
