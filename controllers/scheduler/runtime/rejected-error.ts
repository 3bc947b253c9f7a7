import type { Verdict } from '../framework/interfaces.ts'

/** A plugin's "no" after the node was chosen. */
export class RejectedError extends Error {
  override readonly name = 'RejectedError'
  readonly verdict: Verdict

  constructor(verdict: Verdict) {
    super(verdict.reasons.join(', '))
    this.verdict = verdict
  }
}
