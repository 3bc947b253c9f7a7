/** Ways to say no. `undefined` says yes. */
import type { Verdict } from './interfaces.ts'

/** Preemption might help. */
export const unschedulable = (...reasons: string[]): Verdict => ({ code: 'Unschedulable', reasons })

/** Neither preemption nor anything else on this node helps. */
export const unresolvable = (...reasons: string[]): Verdict => ({ code: 'UnschedulableAndUnresolvable', reasons })

/** The plugin has nothing to say about this Pod. */
export const SKIP: Verdict = { code: 'Skip', reasons: [] }

export const failed = (error: unknown, message: string): Verdict => ({ code: 'Error', reasons: [message], error })

export const isVerdict = (value: object | undefined): value is Verdict =>
  value !== undefined && 'code' in value && 'reasons' in value

/** A "no" about this Pod, as against an error or Skip. */
export const isRejection = ({ code }: Verdict): boolean =>
  code === 'Unschedulable' || code === 'UnschedulableAndUnresolvable' || code === 'Pending'
