/**
 * Order of two resourceVersions of one resource. Since Kubernetes 1.35 clients may compare them as decimal numbers
 * (KEP-5504); elsewhere they stay opaque. Upstream: apimachinery pkg/util/resourceversion.
 */

const DECIMAL = /^[1-9][0-9]*$/

/** Negative: `a` is older. Undefined: at least one of them cannot be compared. */
export function compareResourceVersions(a: string | undefined, b: string | undefined): number | undefined {
  if (a === undefined || b === undefined || !DECIMAL.test(a) || !DECIMAL.test(b)) return undefined
  if (a.length !== b.length) return a.length - b.length
  return a < b ? -1 : a > b ? 1 : 0
}
