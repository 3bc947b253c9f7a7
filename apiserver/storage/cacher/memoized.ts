/** What was made of an object under this name, made once. `made` may hold undefined. */
export function memoized<T>(made: Map<string, unknown>, name: string, make: () => T): T {
  if (made.has(name)) return made.get(name) as T
  const value = make()
  made.set(name, value)
  return value
}
