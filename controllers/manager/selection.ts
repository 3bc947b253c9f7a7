/**
 * `--controllers=*,-foo`: which controllers run. '*' = all that are on by default, 'foo' = this one, '-foo' = not this
 * one; later parts do not override earlier ones, an explicit name does. Upstream: app/controllermanager.go IsControllerEnabled.
 */

export function isControllerEnabled(name: string, selection: readonly string[], isDisabledByDefault = false): boolean {
  let hasStar = false
  for (const entry of selection) {
    if (entry === name) return true
    if (entry === `-${name}`) return false
    if (entry === '*') hasStar = true
  }
  return hasStar && !isDisabledByDefault
}

/** Entries that name no controller, for an error message. */
export function unknownControllers(selection: readonly string[], names: readonly string[]): string[] {
  return selection.filter((entry) => entry !== '*' && !names.includes(entry.replace(/^-/, '')))
}
