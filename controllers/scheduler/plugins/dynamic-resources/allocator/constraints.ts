/**
 * Constraints between the devices of a claim. Once a set of devices breaks one, adding more does not mend it.
 * Upstream: dynamic-resource-allocation/structured matchAttributeConstraint, distinctAttributeConstraint.
 */
import type { DeviceAttribute, DeviceConstraint } from '#machinery/api/resource/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Candidate } from './interfaces.ts'
import type { Alternative } from './requests.ts'

export interface Constraint {
  /** False: the device must not join; nothing has changed. */
  add(request: Alternative, candidate: Candidate): boolean
  /** The opposite of a successful `add`, in any order. */
  remove(request: Alternative, candidate: Candidate): void
}

/** Throws for a kind of constraint that is not known. */
export function newConstraint(
  { requests = [], matchAttribute, distinctAttribute }: DeepReadonly<DeviceConstraint>,
  where: string,
): Constraint {
  const applies = ({ name, parent }: Alternative): boolean =>
    requests.length === 0 || requests.includes(name) || (parent !== undefined && requests.includes(parent))
  if (matchAttribute !== undefined) return new MatchAttribute(matchAttribute, applies)
  if (distinctAttribute !== undefined) return new DistinctAttribute(distinctAttribute, applies)
  throw new Error(`${where}: empty constraint (unsupported constraint type?)`)
}

/** All have the attribute, with one value. */
class MatchAttribute implements Constraint {
  readonly #attribute: string
  readonly #applies: (request: Alternative) => boolean
  #value: string | undefined
  #devices = 0

  constructor(attribute: string, applies: (request: Alternative) => boolean) {
    this.#attribute = attribute
    this.#applies = applies
  }

  add(request: Alternative, candidate: Candidate): boolean {
    if (!this.#applies(request)) return true
    const value = attributeOf(candidate, this.#attribute)
    if (value === undefined || (this.#devices > 0 && value !== this.#value)) return false
    this.#value = value
    this.#devices++
    return true
  }

  remove(request: Alternative): void {
    if (this.#applies(request)) this.#devices--
  }
}

/** All have the attribute, each with a value of its own. */
class DistinctAttribute implements Constraint {
  readonly #attribute: string
  readonly #applies: (request: Alternative) => boolean
  readonly #values = new Set<string>()

  constructor(attribute: string, applies: (request: Alternative) => boolean) {
    this.#attribute = attribute
    this.#applies = applies
  }

  add(request: Alternative, candidate: Candidate): boolean {
    if (!this.#applies(request)) return true
    const value = attributeOf(candidate, this.#attribute)
    if (value === undefined || this.#values.has(value)) return false
    this.#values.add(value)
    return true
  }

  remove(request: Alternative, candidate: Candidate): void {
    const value = attributeOf(candidate, this.#attribute)
    if (this.#applies(request) && value !== undefined) this.#values.delete(value)
  }
}

/** Type and value; an attribute of the driver's domain may be published without the domain. */
function attributeOf({ device, slice }: Candidate, name: string): string | undefined {
  const { attributes = {} } = device
  const own = `${slice.spec.driver}/`
  const attribute = attributes[name] ?? (name.startsWith(own) ? attributes[name.slice(own.length)] : undefined)
  return attribute === undefined ? undefined : typedValueOf(attribute)
}

function typedValueOf(attribute: DeepReadonly<DeviceAttribute>): string | undefined {
  for (const type of ['string', 'int', 'bool', 'version'] as const) {
    const value = attribute[type]
    if (value !== undefined) return `${type}:${value}`
  }
  return undefined
}
