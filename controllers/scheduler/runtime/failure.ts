/** An attempt that did not place the Pod: what the queue and the user are told. */
import type { Verdict } from '../framework/interfaces.ts'

export interface Failure {
  readonly reason: 'Unschedulable' | 'SchedulerError'
  readonly message: string
  readonly rejectedBy: Iterable<string>
  readonly pendingBy: Iterable<string>
  /** '' takes a nomination back; undefined leaves it. */
  readonly nominatedNode: string | undefined
}

export const REFUSED: Failure = {
  reason: 'Unschedulable',
  message: '',
  rejectedBy: [],
  pendingBy: [],
  nominatedNode: undefined,
}

/** Refused on the one node that was chosen. */
export function rejection(verdict: Verdict): Failure {
  const plugin = verdict.plugin === undefined || verdict.plugin === '' ? [] : [verdict.plugin]
  const isPending = verdict.code === 'Pending'
  return {
    ...REFUSED,
    message: `0/1 nodes are available: ${verdict.reasons.map((reason) => `1 ${reason}`).join(', ')}.`,
    rejectedBy: isPending ? [] : plugin,
    pendingBy: isPending ? plugin : [],
    nominatedNode: '',
  }
}

/** Refused while being bound, when nobody remembers events for it any more: it is tried again as after an error. */
export const bindingRefusal = ({ reasons }: Verdict): Failure => ({
  ...REFUSED,
  message: reasons.join(', '),
  nominatedNode: '',
})

/** The API's bound on an Event's note. */
const NOTE_MAX = 1_024

export const shortened = (message: string): string =>
  message.length <= NOTE_MAX ? message : `${message.slice(0, NOTE_MAX - 4)} ...`
