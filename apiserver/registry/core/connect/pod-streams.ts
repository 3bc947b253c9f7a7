/**
 * pods/exec, attach and portforward: the kubelet's URL of each. Upstream: pkg/registry/core/pod/strategy.go
 * {Exec,Attach,PortForward}Location.
 */
import { newBadRequest } from '#machinery/meta/errors.ts'
import type { ConnectRequest, ConnectTarget, RemoteCommandStreams } from '../../../proxy/interfaces.ts'
import type { SubresourceDefinition } from '../../generic/interfaces.ts'
import type { NodeSource } from './backends.ts'
import { kubeletOf, podNamed } from './backends.ts'
import { chooseContainer } from './container.ts'
import { booleanIn, parseGoInt } from './options.ts'

export function podExec(source: NodeSource): SubresourceDefinition {
  return {
    name: 'exec',
    type: 'connect',
    kind: { group: '', version: 'v1', kind: 'PodExecOptions' },
    verbs: ['create', 'get'],
    options: (request) => ({ ...streamOptions(request), command: [...request.query.all('command')] }),
    locate: (request) => remoteCommand(source, request, 'exec'),
  }
}

export function podAttach(source: NodeSource): SubresourceDefinition {
  return {
    name: 'attach',
    type: 'connect',
    kind: { group: '', version: 'v1', kind: 'PodAttachOptions' },
    verbs: ['create', 'get'],
    options: streamOptions,
    locate: (request) => remoteCommand(source, request, 'attach'),
  }
}

export function podPortForward(source: NodeSource): SubresourceDefinition {
  return {
    name: 'portforward',
    type: 'connect',
    kind: { group: '', version: 'v1', kind: 'PodPortForwardOptions' },
    verbs: ['create', 'get'],
    options: (request) => {
      const ports = portsIn(request)
      return ports.length === 0 ? {} : { ports }
    },
    locate(request): ConnectTarget {
      const ports = portsIn(request)
      const pod = podNamed(source.objects, request.namespace, request.name)
      const backend = kubeletOf(source, hostOf(pod.spec.nodeName, request.name))
      const query = ports.length === 0 ? '' : `?port=${encodeURIComponent(ports.join(','))}`
      const path = `/portForward/${request.namespace}/${request.name}${query}`
      return { type: 'stream', backend, path, streams: undefined }
    },
  }
}

function remoteCommand(source: NodeSource, request: ConnectRequest, verb: 'exec' | 'attach'): ConnectTarget {
  const { namespace, name, query } = request
  const pod = podNamed(source.objects, namespace, name)
  const container = chooseContainer(pod, query.get('container'))
  const backend = kubeletOf(source, hostOf(pod.spec.nodeName, name))
  const streams = streamsIn(request)
  const parameters = new URLSearchParams()
  if (verb === 'exec') for (const word of query.all('command')) parameters.append('command', word)
  if (streams.stderr) parameters.append('error', '1')
  if (streams.stdin) parameters.append('input', '1')
  if (streams.stdout) parameters.append('output', '1')
  if (streams.tty) parameters.append('tty', '1')
  return { type: 'stream', backend, path: `/${verb}/${namespace}/${name}/${container}?${parameters}`, streams }
}

function hostOf(nodeName: string | undefined, podName: string): string {
  if (nodeName !== undefined && nodeName !== '') return nodeName
  throw newBadRequest(`pod ${podName} does not have a host assigned`)
}

function streamsIn({ query }: ConnectRequest): RemoteCommandStreams {
  return {
    stdin: booleanIn(query, 'stdin'),
    stdout: booleanIn(query, 'stdout'),
    stderr: booleanIn(query, 'stderr'),
    tty: booleanIn(query, 'tty'),
  }
}

/** As Go would print the object: only what is set. */
function streamOptions(request: ConnectRequest): Record<string, unknown> {
  const options: Record<string, unknown> = {}
  for (const [name, isSet] of Object.entries(streamsIn(request))) if (isSet) options[name] = true
  const container = request.query.get('container')
  if (container !== '') options['container'] = container
  return options
}

function portsIn({ query }: ConnectRequest): number[] {
  return query.all('ports').map((text) => parseGoInt(text, 32))
}
