/**
 * The Accept header: media type and the representations `as=Table`, `as=PartialObjectMetadata(List)`. The first clause
 * that can be served wins, so protobuf,json falls back to JSON until there is a protobuf codec.
 * Upstream: apiserver pkg/endpoints/handlers/negotiation/negotiate.go.
 */
import { newNotAcceptable } from '#machinery/meta/errors.ts'

export interface OutputFormat {
  readonly media: 'json' | 'yaml'
  readonly as: 'Object' | 'Table' | 'PartialObjectMetadata'
  /** meta.k8s.io version of the representation. */
  readonly metaVersion: 'v1' | 'v1beta1'
}

const JSON_OBJECT: OutputFormat = { media: 'json', as: 'Object', metaVersion: 'v1' }
const MEDIA = new Map<string, OutputFormat['media']>([
  ['application/json', 'json'],
  ['application/*', 'json'],
  ['*/*', 'json'],
  ['application/yaml', 'yaml'],
])
const ACCEPTED = ['application/json', 'application/yaml']

/** Clients send few different headers, but they choose them: the memory of them is bounded. */
const REMEMBERED_MAX = 200
const REMEMBERED_LENGTH_MAX = 1024
const remembered = new Map<string, OutputFormat>()

export function negotiateOutput(accept: string | undefined): OutputFormat {
  if (accept === undefined || accept === '' || accept === 'application/json') return JSON_OBJECT
  const known = remembered.get(accept)
  if (known !== undefined) return known
  const found = choose(accept)
  if (found === undefined) throw newNotAcceptable(ACCEPTED)
  if (accept.length > REMEMBERED_LENGTH_MAX) return found
  if (remembered.size >= REMEMBERED_MAX) remembered.clear()
  remembered.set(accept, found)
  return found
}

/** For what has no columns (reviews, bindings, tokens): a clause that wants a Table is passed over. */
export function negotiateWithoutTable(accept: string | undefined): OutputFormat {
  const output = negotiateOutput(accept)
  if (output.as !== 'Table' || accept === undefined) return output
  const found = choose(accept, false)
  if (found === undefined) throw newNotAcceptable(ACCEPTED)
  return found
}

export interface AcceptClause {
  readonly mediaType: string
  readonly parameters: ReadonlyMap<string, string>
  readonly quality: number
}

/** Best quality first; the header's order among equals. */
export function parseAccept(accept: string): AcceptClause[] {
  return accept
    .split(',')
    .map(parseClause)
    .sort((a, b) => b.quality - a.quality)
}

function parseClause(clause: string): AcceptClause {
  const [mediaType = '', ...rest] = clause.split(';')
  const parameters = new Map<string, string>()
  for (const parameter of rest) {
    const equals = parameter.indexOf('=')
    if (equals > 0) parameters.set(parameter.slice(0, equals).trim().toLowerCase(), parameter.slice(equals + 1).trim())
  }
  const quality = Number(parameters.get('q') ?? 1)
  return { mediaType: mediaType.trim().toLowerCase(), parameters, quality: Number.isNaN(quality) ? 1 : quality }
}

function choose(accept: string, tables = true): OutputFormat | undefined {
  for (const clause of parseAccept(accept)) {
    const media = MEDIA.get(clause.mediaType)
    const representation = representationOf(clause)
    if (representation?.as === 'Table' && !tables) continue
    if (media !== undefined && representation !== undefined) return { media, ...representation }
  }
  return undefined
}

/** Undefined when the clause wants a representation that is not ours. */
function representationOf({ parameters }: AcceptClause): Pick<OutputFormat, 'as' | 'metaVersion'> | undefined {
  const as = parameters.get('as')
  if (as === undefined) return { as: 'Object', metaVersion: 'v1' }
  const version = parameters.get('v')
  if (parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined
  if (as === 'Table') return { as, metaVersion: version }
  if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') {
    return { as: 'PartialObjectMetadata', metaVersion: version }
  }
  return undefined
}
