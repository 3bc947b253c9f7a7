/** Pods whose tracking finalizer was removed but whose change the cache has not shown yet, per UID of the Job. Upstream: pkg/controller/job/tracking_utils.go. */

const NONE: ReadonlySet<string> = new Set()

export class FinalizerExpectations {
  readonly #byJob = new Map<string, Set<string>>()

  expect(jobUid: string, uids: readonly string[]): void {
    if (uids.length === 0) return
    const expected = this.#byJob.get(jobUid) ?? new Set()
    for (const uid of uids) expected.add(uid)
    this.#byJob.set(jobUid, expected)
  }

  observed(jobUid: string, uid: string): void {
    const expected = this.#byJob.get(jobUid)
    if (expected === undefined) return
    expected.delete(uid)
    if (expected.size === 0) this.#byJob.delete(jobUid)
  }

  /** A snapshot: what is observed later does not change it. */
  of(jobUid: string): ReadonlySet<string> {
    const expected = this.#byJob.get(jobUid)
    return expected === undefined ? NONE : new Set(expected)
  }

  forget(jobUid: string): void {
    this.#byJob.delete(jobUid)
  }
}
