/**
 * A class's `pathPattern`: the small part of Go's templates that names folders. Pure.
 * Upstream: rancher/local-path-provisioner provisioner.go (text/template over PVName and the claim's metadata).
 * Differs: fields and `index` only; no functions, conditions or pipes.
 */
import type { FrozenClaim } from '#machinery/volume/binding.ts'

const ACTION = /\{\{-?\s*(.*?)\s*-?\}\}/gs
const FIELD = /^\.(PVName|PVC\.(?:[Nn]amespace|[Nn]ame))$/
const MEMBER = /^\.PVC\.([Ll]abels|[Aa]nnotations)\.([A-Za-z_][A-Za-z0-9_]*)$/
const INDEX = /^index \.PVC\.([Ll]abels|[Aa]nnotations) "([^"\\]+)"$/
/** A pattern of this beginning cannot lead one claim into another's folder. */
const SAFE = /^\{\{-?\s*\.PVC\.[Nn]amespace\s*-?\}\}\/\{\{-?\s*\.PVC\.[Nn]ame\s*-?\}\}(\/|$)/

/** The folder below a configured one. Throws an Error that says what is wrong with the pattern. */
export function renderPathPattern(
  pattern: string,
  volumeName: string,
  claim: FrozenClaim,
  { allowUnsafe }: { readonly allowUnsafe: boolean },
): string {
  if (!allowUnsafe && !SAFE.test(pattern)) {
    const remedy = 'set the parameter allowUnsafePathPattern to "true" if you know what you do'
    throw new Error(`pathPattern "${pattern}" must begin with {{ .PVC.Namespace }}/{{ .PVC.Name }}: ${remedy}`)
  }
  const path = pattern.replace(ACTION, (_all, action: string) => valueOfAction(action, volumeName, claim))
  if (path.includes('{{')) throw new Error(`pathPattern "${pattern}" cannot be parsed`)
  const segments = path.split('/')
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..') || path.includes('\0'))
    throw new Error(`pathPattern "${pattern}" gives "${path}", which is not a path below a folder`)
  return path
}

function valueOfAction(action: string, volumeName: string, { metadata }: FrozenClaim): string {
  const field = FIELD.exec(action)?.[1]?.toLowerCase()
  if (field === 'pvname') return volumeName
  if (field === 'pvc.namespace') return metadata.namespace ?? ''
  if (field === 'pvc.name') return metadata.name ?? ''
  const [, collection, key] = MEMBER.exec(action) ?? INDEX.exec(action) ?? []
  if (collection === undefined || key === undefined) throw new Error(`pathPattern: {{ ${action} }} is not supported`)
  const members = collection.toLowerCase() === 'labels' ? metadata.labels : metadata.annotations
  const value = members?.[key]
  if (value === undefined || value === '') throw new Error(`pathPattern: the claim has no value for {{ ${action} }}`)
  return value
}
