/** Pods whose tracking finalizer was removed but whose change the cache has not shown yet, per Job. Upstream: pkg/controller/job/tracking_utils.go. */

const NONE: ReadonlySet<string> = new Set()

export class FinalizerExpectations {
  readonly #byJob = new Map<string, Set<string>>()

  expect(jobKey: string, uids: readonly string[]): void {
    if (uids.length === 0) return
    const expected = this.#byJob.get(jobKey) ?? new Set()
    for (const uid of uids) expected.add(uid)
    this.#byJob.set(jobKey, expected)
  }

  observed(jobKey: string, uid: string): void {
    const expected = this.#byJob.get(jobKey)
    if (expected === undefined) return
    expected.delete(uid)
    if (expected.size === 0) this.#byJob.delete(jobKey)
  }

  /** A snapshot: what is observed later does not change it. */
  of(jobKey: string): ReadonlySet<string> {
    const expected = this.#byJob.get(jobKey)
    return expected === undefined ? NONE : new Set(expected)
  }

  forget(jobKey: string): void {
    this.#byJob.delete(jobKey)
  }
}
