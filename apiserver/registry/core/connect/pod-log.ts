/**
 * pods/log: PodLogOptions from the query, the kubelet's URL from them. Upstream: pkg/registry/core/pod/rest/log.go,
 * pkg/registry/core/pod/strategy.go LogLocation, validation.ValidatePodLogOptions.
 */
import { newBadRequest, newInvalid } from '#machinery/meta/errors.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { formatTime } from '#machinery/util/clock.ts'
import type { ConnectRequest, ConnectTarget } from '../../../proxy/interfaces.ts'
import type { SubresourceDefinition } from '../../generic/interfaces.ts'
import type { NodeSource } from './backends.ts'
import { kubeletOf, podNamed } from './backends.ts'
import { chooseContainer } from './container.ts'
import { booleanIn, integerIn } from './options.ts'

interface PodLogOptions {
  readonly container: string
  readonly follow: boolean
  readonly previous: boolean
  readonly timestamps: boolean
  readonly sinceSeconds: number | undefined
  readonly sinceTime: string | undefined
  readonly tailLines: number | undefined
  readonly limitBytes: number | undefined
  readonly stream: string | undefined
  readonly insecureSkipTLSVerifyBackend: boolean
}

const STREAMS = ['All', 'Stderr', 'Stdout']

export function podLog(source: NodeSource): SubresourceDefinition {
  return {
    name: 'log',
    type: 'connect',
    kind: { group: '', version: 'v1', kind: 'Pod' },
    verbs: ['get'],
    locate(request): ConnectTarget {
      const { namespace, name } = request
      const options = parseOptions(request)
      const errors = validateOptions(options)
      if (errors.length > 0) throw newInvalid({ group: '', kind: 'PodLogOptions' }, name, errors)
      const pod = podNamed(source.objects, namespace, name)
      const container = chooseContainer(pod, options.container)
      const { nodeName = '' } = pod.spec
      if (nodeName === '') return { type: 'nothing' }
      const trust = options.insecureSkipTLSVerifyBackend ? 'kubelet-unverified' : 'kubelet'
      const backend = kubeletOf(source, nodeName, trust)
      const parameters = kubeletParameters(options)
      const query = parameters === '' ? '' : `?${parameters}`
      return { type: 'log', backend, path: `/containerLogs/${namespace}/${name}/${container}${query}`, podName: name }
    },
  }
}

function parseOptions({ query }: ConnectRequest): PodLogOptions {
  const stream = query.get('stream')
  return {
    container: query.get('container'),
    follow: booleanIn(query, 'follow'),
    previous: booleanIn(query, 'previous'),
    timestamps: booleanIn(query, 'timestamps'),
    sinceSeconds: integerIn(query, 'sinceSeconds'),
    sinceTime: timeIn(query.get('sinceTime')),
    tailLines: integerIn(query, 'tailLines'),
    limitBytes: integerIn(query, 'limitBytes'),
    stream: stream === '' ? undefined : stream,
    insecureSkipTLSVerifyBackend: booleanIn(query, 'insecureSkipTLSVerifyBackend'),
  }
}

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/

function timeIn(text: string): string | undefined {
  if (text === '' || text === 'null') return undefined
  const ms = RFC3339.test(text) ? Date.parse(text) : Number.NaN
  if (Number.isNaN(ms)) {
    const layout = '2006-01-02T15:04:05Z07:00'
    throw newBadRequest(`parsing time ${JSON.stringify(text)} as "${layout}": cannot parse ${JSON.stringify(text)}`)
  }
  return formatTime(new Date(ms))
}

function validateOptions({ tailLines, limitBytes, sinceSeconds, sinceTime, stream }: PodLogOptions): FieldError[] {
  const errors: FieldError[] = []
  const invalid = (field: string, badValue: number, detail: string): void => {
    errors.push({ type: 'FieldValueInvalid', field, badValue, detail })
  }
  if (tailLines !== undefined && tailLines < 0) invalid('tailLines', tailLines, 'must be greater than or equal to 0')
  if (limitBytes !== undefined && limitBytes < 1) invalid('limitBytes', limitBytes, 'must be greater than 0')
  if (sinceSeconds !== undefined && sinceTime !== undefined) {
    const detail = 'at most one of `sinceTime` or `sinceSeconds` may be specified'
    errors.push({ type: 'FieldValueForbidden', field: '', detail })
  } else if (sinceSeconds !== undefined && sinceSeconds < 1) {
    invalid('sinceSeconds', sinceSeconds, 'must be greater than 0')
  }
  if (stream !== undefined && !STREAMS.includes(stream)) {
    const detail = `supported values: ${STREAMS.map((name) => JSON.stringify(name)).join(', ')}`
    errors.push({ type: 'FieldValueNotSupported', field: 'stream', badValue: stream, detail })
  } else if (stream !== undefined && stream !== 'All' && tailLines !== undefined) {
    const detail = '`tailLines` and specific `stream` are mutually exclusive for now'
    errors.push({ type: 'FieldValueForbidden', field: '', detail })
  }
  return errors
}

function kubeletParameters(options: PodLogOptions): string {
  const parameters = new URLSearchParams()
  const { follow, limitBytes, previous, sinceSeconds, sinceTime, stream, tailLines, timestamps } = options
  if (follow) parameters.append('follow', 'true')
  if (limitBytes !== undefined) parameters.append('limitBytes', String(limitBytes))
  if (previous) parameters.append('previous', 'true')
  if (sinceSeconds !== undefined) parameters.append('sinceSeconds', String(sinceSeconds))
  if (sinceTime !== undefined) parameters.append('sinceTime', sinceTime)
  if (stream !== undefined) parameters.append('stream', stream)
  if (tailLines !== undefined) parameters.append('tailLines', String(tailLines))
  if (timestamps) parameters.append('timestamps', 'true')
  return parameters.toString()
}
