/**
 * The Accept header: media type and the representations `as=Table`, `as=PartialObjectMetadata(List)`. The first clause
 * that can be served wins, best quality first; a clause that cannot be served is passed over.
 * Upstream: apiserver pkg/endpoints/handlers/negotiation/negotiate.go, handlers/rest.go.
 */
import { newNotAcceptable } from '#machinery/meta/errors.ts'
import { PROTOBUF_MEDIA_TYPE } from '#machinery/schema/protobuf/envelope.ts'
import type { AcceptClause } from './accept.ts'
import { parseAccept } from './accept.ts'
import type { Presenter } from './interfaces.ts'

export type Media = 'json' | 'yaml' | 'protobuf'

export interface OutputFormat {
  readonly media: Media
  readonly as: 'Object' | 'Table' | 'PartialObjectMetadata'
  /** meta.k8s.io version of the representation. */
  readonly metaVersion: 'v1' | 'v1beta1'
}

const JSON_OBJECT: OutputFormat = { media: 'json', as: 'Object', metaVersion: 'v1' }

/** In the order a wildcard tries them. */
const MEDIA_TYPES: readonly (readonly [mediaType: string, media: Media])[] = [
  ['application/json', 'json'],
  ['application/yaml', 'yaml'],
  [PROTOBUF_MEDIA_TYPE, 'protobuf'],
]
const ACCEPTED = MEDIA_TYPES.map(([mediaType]) => mediaType)
const ACCEPTED_STREAMS = ACCEPTED.filter((mediaType) => mediaType !== 'application/yaml').map(
  (mediaType) => `${mediaType};stream=watch`,
)

/** What an endpoint has to show. Custom resources have no protobuf form, but their metadata has. */
interface Offer {
  readonly hasProtobuf: boolean
  readonly hasTable: boolean
}

/** Clients send few different headers, but they choose them: the memory of them is bounded. */
const REMEMBERED_MAX = 200
const REMEMBERED_LENGTH_MAX = 1024
/** One for each offer. */
const remembered = [0, 1, 2, 3].map(() => new Map<string, OutputFormat>())

export function negotiateOutput(accept: string | undefined, presenter: Pick<Presenter, 'protobuf'>): OutputFormat {
  if (accept === undefined || accept === '' || accept === 'application/json') return JSON_OBJECT
  return acceptable(accept, { hasProtobuf: presenter.protobuf !== undefined, hasTable: true }, ACCEPTED)
}

/** For what has no columns (reviews, bindings, tokens): a clause that wants a Table is passed over. */
export function negotiateWithoutTable(
  accept: string | undefined,
  presenter: Pick<Presenter, 'protobuf'>,
): OutputFormat {
  if (accept === undefined || accept === '') return JSON_OBJECT
  return acceptable(accept, { hasProtobuf: presenter.protobuf !== undefined, hasTable: false }, ACCEPTED)
}

/** For watches: there are no frames of YAML, and asking for them first is an error even where JSON would do, too. */
export function negotiateStream(accept: string | undefined, presenter: Pick<Presenter, 'protobuf'>): OutputFormat {
  if (accept === undefined || accept === '') return JSON_OBJECT
  const offer = { hasProtobuf: presenter.protobuf !== undefined, hasTable: true }
  const output = acceptable(accept, offer, ACCEPTED)
  if (output.media === 'yaml') throw newNotAcceptable(ACCEPTED_STREAMS)
  return output
}

/** For Statuses that say what went wrong: never an error itself. */
export function negotiateError(accept: string | undefined): Media {
  if (accept === undefined || accept === '' || accept === 'application/json') return 'json'
  return chooseMedia(accept, isPlain)?.media ?? 'json'
}

/** For documents that are not objects of a resource; `transforms` says which representations there are beside the plain one. */
export function negotiateDocument(
  accept: string | undefined,
  transforms: (clause: AcceptClause) => boolean,
): { readonly media: Media; readonly mediaType: string; readonly clause: AcceptClause | undefined } {
  if (accept === undefined || accept === '') return { media: 'json', mediaType: 'application/json', clause: undefined }
  const found = chooseMedia(accept, (clause, media) => isPlain(clause, media) || transforms(clause))
  if (found === undefined) throw newNotAcceptable(ACCEPTED)
  return found
}

function acceptable(accept: string, offer: Offer, supported: readonly string[]): OutputFormat {
  const memory = remembered[(offer.hasProtobuf ? 1 : 0) + (offer.hasTable ? 2 : 0)]
  const known = memory?.get(accept)
  if (known !== undefined) return known
  const found = choose(accept, offer)
  if (found === undefined) throw newNotAcceptable(supported)
  if (memory === undefined || accept.length > REMEMBERED_LENGTH_MAX) return found
  if (memory.size >= REMEMBERED_MAX) memory.clear()
  memory.set(accept, found)
  return found
}

function choose(accept: string, { hasProtobuf, hasTable }: Offer): OutputFormat | undefined {
  let representation: Pick<OutputFormat, 'as' | 'metaVersion'> | undefined
  const found = chooseMedia(accept, (clause, media) => {
    representation = representationOf(clause)
    if (representation === undefined || !isStreamServed(clause, media)) return false
    const version = clause.parameters.get('sv') ?? ''
    if (version !== '' && version !== 'v1') return false
    if (media !== 'protobuf') return hasTable || representation.as !== 'Table'
    return representation.as === 'Object' ? hasProtobuf : representation.as === 'PartialObjectMetadata'
  })
  return found === undefined || representation === undefined ? undefined : { media: found.media, ...representation }
}

function chooseMedia(
  accept: string,
  isServed: (clause: AcceptClause, media: Media) => boolean,
): { readonly media: Media; readonly mediaType: string; readonly clause: AcceptClause } | undefined {
  for (const clause of parseAccept(accept)) {
    for (const [mediaType, media] of MEDIA_TYPES) {
      const matches =
        clause.mediaType === mediaType || clause.mediaType === 'application/*' || clause.mediaType === '*/*'
      if (matches && isServed(clause, media)) return { media, mediaType, clause }
    }
  }
  return undefined
}

/** Neither another representation nor another version is asked for. */
function isPlain(clause: AcceptClause, media: Media): boolean {
  const { parameters } = clause
  if (parameters.has('as') || parameters.has('g') || parameters.has('v')) return false
  return (parameters.get('sv') ?? '') === '' && isStreamServed(clause, media)
}

function isStreamServed({ parameters }: AcceptClause, media: Media): boolean {
  const stream = parameters.get('stream') ?? ''
  return stream === '' || (stream === 'watch' && media !== 'yaml')
}

/** Undefined when the clause wants a representation that is not ours. */
function representationOf({ parameters }: AcceptClause): Pick<OutputFormat, 'as' | 'metaVersion'> | undefined {
  const as = parameters.get('as')
  const version = parameters.get('v')
  const group = parameters.get('g')
  if (as === undefined && version === undefined && group === undefined) return { as: 'Object', metaVersion: 'v1' }
  if (group !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined
  if (as === 'Table') return { as, metaVersion: version }
  if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') {
    return { as: 'PartialObjectMetadata', metaVersion: version }
  }
  return undefined
}
