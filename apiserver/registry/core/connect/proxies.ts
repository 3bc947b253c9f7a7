/**
 * pods/proxy, services/proxy and nodes/proxy: which address a name in one of its forms means.
 * Upstream: pkg/registry/core/{pod,node}/strategy.go ResourceLocation, pkg/registry/core/service/storage.
 */
import type { Pod, Service } from '#machinery/api/core/v1/types.gen.ts'
import { newNotFound, newServiceUnavailable } from '#machinery/meta/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { Backend, ConnectTarget } from '../../../proxy/interfaces.ts'
import type { StoredObjects } from '../../deps.ts'
import type { SubresourceDefinition } from '../../generic/interfaces.ts'
import type { NodeSource } from './backends.ts'
import {
  kubeletOf,
  podNamed,
  requireProxyableHost,
  requireProxyableIp,
  requireRealNode,
  splitProxyName,
} from './backends.ts'
import type { ReadyEndpoint } from './endpoints.ts'
import { readyEndpoints } from './endpoints.ts'

const PROXY_VERBS = ['create', 'delete', 'get', 'patch', 'update'] as const

type ConnectSubresource = Extract<SubresourceDefinition, { readonly type: 'connect' }>

function proxySubresource(kind: string, locate: ConnectSubresource['locate']): SubresourceDefinition {
  return {
    name: 'proxy',
    type: 'connect',
    kind: { group: '', version: 'v1', kind },
    verbs: PROXY_VERBS,
    options: ({ path }) => (path === '' ? {} : { path }),
    locate,
  }
}

export function podProxy(objects: StoredObjects): SubresourceDefinition {
  return proxySubresource('PodProxyOptions', ({ namespace, name: id, path }): ConnectTarget => {
    const { scheme, name, port } = splitProxyName(id, 'pod')
    const pod = podNamed(objects, namespace, name)
    const declared = pod.spec.containers.find(({ ports }) => (ports?.length ?? 0) > 0)?.ports?.[0]?.containerPort
    const host = pod.status?.podIPs?.[0]?.ip ?? ''
    requireProxyableIp(host)
    requireRealNode(objects, pod.spec.nodeName ?? '')
    const backend = workload(scheme, host, port === '' ? (declared ?? '') : port, pod.spec.nodeName ?? '')
    return { type: 'proxy', backend, path }
  })
}

export function nodeProxy(source: NodeSource): SubresourceDefinition {
  return proxySubresource('NodeProxyOptions', async ({ name: id, path }): Promise<ConnectTarget> => {
    const { scheme, name, port } = splitProxyName(id, 'node')
    const kubelet = kubeletOf(source, name)
    if (port === '' || port === String(kubelet.port)) return { type: 'proxy', backend: kubelet, path }
    await requireProxyableHost(kubelet.host)
    return { type: 'proxy', backend: workload(scheme, kubelet.host, port, name), path }
  })
}

export function serviceProxy(objects: StoredObjects): SubresourceDefinition {
  return proxySubresource('ServiceProxyOptions', ({ namespace, name: id, path }): ConnectTarget => {
    const { scheme, name, port } = splitProxyName(id, 'service')
    const service = objects.peek('', 'services', namespace, name) as DeepReadonly<Service> | undefined
    if (service === undefined) throw newNotFound({ group: '', resource: 'services' }, name)
    const found = pickEndpoint(objects, service, portName(service, port))
    if (found === undefined) throw newServiceUnavailable(`no endpoints available for service ${JSON.stringify(id)}`)
    requireRealNode(objects, found.nodeName)
    return { type: 'proxy', backend: workload(scheme, found.host, found.port, found.nodeName), path }
  })
}

/** A number is one of the service's ports; endpoints know them by name. */
function portName(service: DeepReadonly<Service>, port: string): string {
  if (!/^\d+$/.test(port)) return port
  const declared = service.spec?.ports?.find((candidate) => candidate.port === Number(port))
  if (declared !== undefined) return declared.name ?? ''
  const name = JSON.stringify(service.metadata.name)
  throw newServiceUnavailable(`no service port ${Number(port)} found for service ${name}`)
}

/** Successive requests go to successive endpoints. */
let turn = 0

function pickEndpoint(objects: StoredObjects, service: DeepReadonly<Service>, port: string): ReadyEndpoint | undefined {
  const { name = '', namespace = '' } = service.metadata
  const ready = readyEndpoints(objects, namespace, name, port) ?? []
  const valid = ready.filter(({ podName, host }) => isPodAddress(objects, namespace, podName, host))
  turn = (turn + 1) % Number.MAX_SAFE_INTEGER
  return valid[turn % Math.max(valid.length, 1)]
}

/** Endpoints are anybody's to write: only addresses of pods of the namespace are dialled. */
function isPodAddress(objects: StoredObjects, namespace: string, podName: string, address: string): boolean {
  if (podName === '') return false
  const pod = objects.peek('', 'pods', namespace, podName) as DeepReadonly<Pod> | undefined
  return pod?.status?.podIPs?.some(({ ip }) => ip === address) === true
}

function workload(scheme: '' | 'http' | 'https', host: string, port: string | number, nodeName: string): Backend {
  const chosen = scheme === 'https' ? 'https' : 'http'
  const number = port === '' ? (chosen === 'https' ? 443 : 80) : Number(port)
  if (!Number.isInteger(number) || number < 1 || number > 65_535)
    throw newServiceUnavailable(`error trying to reach service: dial tcp: lookup tcp/${port}: unknown port`)
  return { scheme: chosen, host, port: number, nodeName, trust: 'workload' }
}
