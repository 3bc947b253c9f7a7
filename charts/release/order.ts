/** Sorting objects for deletion. Upstream: helm pkg/release/v1/util/kind_sorter.go. */
import { UNINSTALL_ORDER } from '../engine/index.ts'

/** Stable; unknown kinds last. */
export function inUninstallOrder<T>(items: readonly T[], kindOf: (item: T) => string): T[] {
  const rank = (item: T): number => {
    const index = UNINSTALL_ORDER.indexOf(kindOf(item))
    return index < 0 ? UNINSTALL_ORDER.length : index
  }
  return [...items].sort((a, b) => rank(a) - rank(b))
}
