/**
 * Where the decoder is and what it has found: the path for unknown fields, the struct for type errors, both in the words of
 * Go's decoder. Upstream: sigs.k8s.io/json (kjson) decode.go.
 */

/** A value Go's decoder would refuse; the schema turns it into a StatusError. */
export class DecodeError extends Error {}

/** Upstream stops collecting here too. */
const MAX_UNKNOWN_FIELDS = 100
/** Only JSON schemas nest without end. */
const MAX_DEPTH = 400

/** What a step of the path is: type errors print struct fields only, unknown fields print everything. */
export const STEP_FIELD = 0
export const STEP_INDEX = 1
export const STEP_KEY = 2
export type StepKind = typeof STEP_FIELD | typeof STEP_INDEX | typeof STEP_KEY

/** Mutable and reused: the decoder writes `path[depth]` before it looks at a member. */
export class DecodeContext {
  readonly path: (string | number)[] = []
  readonly kinds: StepKind[] = []
  /** Number of steps above the current value's container. */
  depth = 0
  /** Go name of the struct whose field is being read. */
  struct = ''
  unknownFields: string[] | undefined
  /** Above zero inside types whose own unmarshaller hides unknown fields from the strict decoder. */
  silent = 0

  reset(): void {
    this.depth = 0
    this.struct = ''
    this.unknownFields = undefined
    this.silent = 0
  }

  enter(kind: StepKind): void {
    this.kinds[this.depth] = kind
    if (this.depth >= MAX_DEPTH) throw new DecodeError('exceeded max depth')
  }

  unknownField(name: string): void {
    if (this.silent > 0) return
    this.unknownFields ??= []
    if (this.unknownFields.length < MAX_UNKNOWN_FIELDS) {
      this.unknownFields.push(`unknown field ${JSON.stringify(this.#fullPath(name))}`)
    }
  }

  #fullPath(name: string): string {
    let path = ''
    for (let i = 0; i < this.depth; i++) {
      const step = this.path[i] as string | number
      if (this.kinds[i] === STEP_INDEX) path += `[${step}]`
      else path += path === '' ? step : `.${step}`
    }
    return path === '' ? name : `${path}.${name}`
  }

  /** `json: cannot unmarshal string into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort`. */
  typeError(actual: string, goType: string): DecodeError {
    if (this.struct === '') return new DecodeError(`json: cannot unmarshal ${actual} into Go value of type ${goType}`)
    // The step being looked at, at `depth`, counts as well.
    const fields = this.path.slice(0, this.depth + 1).filter((_, i) => this.kinds[i] === STEP_FIELD)
    return new DecodeError(
      `json: cannot unmarshal ${actual} into Go struct field ${this.struct}.${fields.join('.')} of type ${goType}`,
    )
  }
}

export function jsonTypeName(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'boolean') return 'bool'
  return typeof value
}
