/**
 * Images that cannot be pulled: which they are by their name, and the turns that pulling one takes.
 * Upstream: pkg/kubelet/images/image_manager.go. Differs: a pull fails at once, and its error shows for a second.
 */
import { nextBackoffMs } from './restart-policy.ts'

/** Names by which people mean an image that does not exist: a tag, or the last part of a repository. */
const MISSING_NAMES: ReadonlySet<string> = new Set(['404', 'does-not-exist', 'nonexistent', 'non-existent'])
const MISSING_HOST = /^invalid\.|\.invalid(?::\d+)?$/
const ERROR_SHOWN_MS = 1_000

/** By its name alone; docs/simulated-nodes.md is the list for users. */
export function isImageOfNobody(image: string): boolean {
  const [reference = ''] = image.split('@')
  const parts = reference.split('/')
  const [repository = '', tag = ''] = (parts.at(-1) ?? '').split(':')
  const host = parts.length > 1 ? (parts[0] ?? '') : ''
  return MISSING_NAMES.has(tag) || MISSING_NAMES.has(repository) || MISSING_HOST.test(host)
}

/** The attempts to pull one image for one container. Times are wall-clock milliseconds. */
export class FailingPull {
  readonly image: string
  #triedMs = Number.NEGATIVE_INFINITY
  #backoffMs = 0
  #isBackOffTold = false

  constructor(image: string) {
    this.image = image
  }

  get error(): string {
    return `failed to pull and unpack image "${this.image}": simulated: no such image`
  }

  /** What happens at this moment, if anything: an attempt, or the beginning of the wait for the next. */
  step(nowMs: number): 'attempt' | 'backoff' | undefined {
    if (nowMs >= this.#triedMs + this.#backoffMs) {
      this.#triedMs = nowMs
      this.#backoffMs = nextBackoffMs(this.#backoffMs)
      this.#isBackOffTold = false
      return 'attempt'
    }
    if (this.#isBackOffTold || !this.isWaiting(nowMs)) return undefined
    this.#isBackOffTold = true
    return 'backoff'
  }

  nextMs(nowMs: number): number {
    return this.#triedMs + (this.isWaiting(nowMs) ? this.#backoffMs : ERROR_SHOWN_MS)
  }

  isWaiting(nowMs: number): boolean {
    return nowMs >= this.#triedMs + ERROR_SHOWN_MS
  }
}
