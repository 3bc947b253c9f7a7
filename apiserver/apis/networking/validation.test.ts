/** Field errors of networking.k8s.io, discovery.k8s.io and Endpoints as upstream prints them. */
import { describe, expect, it } from 'vitest'
import type { EndpointSubset, Endpoints } from '#machinery/api/core/v1/types.gen.ts'
import type { EndpointSlice } from '#machinery/api/discovery/v1/types.gen.ts'
import type {
  Ingress,
  IngressBackend,
  IngressClassSpec,
  IngressSpec,
  NetworkPolicySpec,
  ServiceCIDR,
} from '#machinery/api/networking/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import { validateEndpoints } from '../core/endpoints-validation.ts'
import { validateEndpointSlice } from '../discovery/validation.ts'
import { strictIpProblems } from '../ip-validation.ts'
import { validateIpAddress, validateServiceCidr, validateServiceCidrUpdate } from './address-validation.ts'
import {
  validateIngress,
  validateIngressClass,
  validateIngressClassUpdate,
  validateIngressStatusUpdate,
} from './ingress-validation.ts'
import { validateNetworkPolicy } from './policy-validation.ts'
import { networkPolicyWarnings } from './warnings.ts'

const texts = (errors: readonly FieldError[]): string[] => errors.map(fieldErrorString)
const API = 'networking.k8s.io/v1'
const metadata = { name: 'x', namespace: 'ns' }

const ingress = (spec: IngressSpec): Ingress => ({ apiVersion: API, kind: 'Ingress', metadata, spec })
const backend: IngressBackend = { service: { name: 's', port: { number: 80 } } }
const path = (value: string, pathType?: string): IngressSpec => ({
  rules: [{ http: { paths: [{ path: value, ...(pathType === undefined ? {} : { pathType }), backend } as never] } }],
})
const AT = 'spec.rules[0].http.paths[0]'

describe('Ingress', () => {
  it.each<[string, IngressSpec, string[]]>([
    ['a default backend', { defaultBackend: backend }, []],
    ['empty', {}, ['spec: Invalid value: null: either `defaultBackend` or `rules` must be specified']],
    [
      'no backend',
      { defaultBackend: {} },
      ['spec.defaultBackend: Invalid value: "": resource or service backend is required'],
    ],
    [
      'two ports',
      { defaultBackend: { service: { name: '9s', port: { name: 'http', number: 80 } } } },
      ['spec.defaultBackend: Invalid value: "": cannot set both port name & port number'],
    ],
    [
      'a resource of no kind',
      { defaultBackend: { resource: { apiGroup: 'a', kind: '', name: 'a/b' } } },
      [
        'spec.defaultBackend.resource.kind: Required value',
        `spec.defaultBackend.resource.name: Invalid value: "a/b": may not contain '/'`,
      ],
    ],
    [
      'an IP as host',
      { rules: [{ host: '1.2.3.4' }] },
      ['spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address'],
    ],
    ['no path type', path('/'), [`${AT}.pathType: Required value: pathType must be specified`]],
    [
      'an unknown path type',
      path('/', 'Regex'),
      [`${AT}.pathType: Unsupported value: "Regex": supported values: "Exact", "ImplementationSpecific", "Prefix"`],
    ],
    [
      'an odd prefix',
      path('a//b/..', 'Prefix'),
      [
        `${AT}.path: Invalid value: "a//b/..": must be an absolute path`,
        `${AT}.path: Invalid value: "a//b/..": must not contain '//'`,
        `${AT}.path: Invalid value: "a//b/..": cannot end with '/..'`,
      ],
    ],
  ])('%s', (_name, spec, expected) => {
    expect(texts(validateIngress(ingress(spec)))).toEqual(expected)
  })

  it('names one class', () => {
    const object = ingress({ defaultBackend: backend, ingressClassName: 'a' })
    object.metadata = { ...metadata, annotations: { 'kubernetes.io/ingress.class': 'b' } }
    expect(texts(validateIngress(object))).toEqual([
      'annotations.kubernetes.io/ingress.class: Invalid value: "b": must match `ingressClassName` when both are specified',
    ])
  })

  it('publishes addresses', () => {
    const next = { ...ingress({}), status: { loadBalancer: { ingress: [{ ip: 'x' }] } } }
    expect(texts(validateIngressStatusUpdate(next, ingress({})))).toEqual([
      'status.loadBalancer.ingress[0].ip: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ])
  })
})

describe('IngressClass', () => {
  const parameters = { kind: 'K', name: 'n' }
  it.each<[string, IngressClassSpec, string[]]>([
    ['valid', { controller: 'a.b/c', parameters: { ...parameters, scope: 'Cluster' } }, []],
    ['empty', {}, ['spec.controller: Required value']],
    [
      'no path',
      { controller: 'a.b' },
      ['spec.controller: Invalid value: "a.b": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    ['too long', { controller: `a/${'b'.repeat(249)}` }, ['spec.controller: Too long: may not be more than 250 bytes']],
    [
      'no namespace',
      { controller: 'a/b', parameters: { ...parameters, scope: 'Namespace' } },
      ["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
    ],
    [
      'a namespace',
      { controller: 'a/b', parameters: { ...parameters, scope: 'Cluster', namespace: 'n' } },
      ["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
    ],
  ])('%s', (_name, spec, expected) => {
    expect(texts(validateIngressClass({ apiVersion: API, kind: 'IngressClass', metadata, spec }))).toEqual(expected)
  })

  it('keeps its controller', () => {
    const make = (controller: string) => ({ apiVersion: API, kind: 'IngressClass', metadata, spec: { controller } })
    expect(texts(validateIngressClassUpdate(make('a/c'), make('a/b')))).toEqual([
      'spec.controller: Invalid value: "a/c": field is immutable',
    ])
  })
})

describe('NetworkPolicy', () => {
  const make = (spec: NetworkPolicySpec) => ({ apiVersion: API, kind: 'NetworkPolicy', metadata, spec })
  const block = (cidr: string, except: string[] = []): NetworkPolicySpec => ({
    ingress: [{ from: [{ ipBlock: { cidr, except } }] }],
  })
  const FROM = 'spec.ingress[0].from[0]'
  it.each<[string, NetworkPolicySpec, string[]]>([
    ['a block', block('10.0.0.0/8', ['10.1.0.0/16']), []],
    ['an empty peer', { ingress: [{ from: [{}] }] }, [`${FROM}: Required value: must specify a peer`]],
    [
      'a block and a selector',
      { ingress: [{ from: [{ podSelector: {}, ipBlock: { cidr: '10.0.0.0/8' } }] }] },
      [`${FROM}: Forbidden: may not specify both ipBlock and another peer`],
    ],
    [
      'an exception outside',
      block('10.0.0.0/8', ['11.0.0.0/16', '10.0.0.0/8']),
      [
        `${FROM}.ipBlock.except[0]: Invalid value: "11.0.0.0/16": must be a strict subset of \`cidr\``,
        `${FROM}.ipBlock.except[1]: Invalid value: "10.0.0.0/8": must be a strict subset of \`cidr\``,
      ],
    ],
    [
      'host bits',
      block('10.0.0.1/8'),
      [`${FROM}.ipBlock.cidr: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length`],
    ],
    [
      'ports',
      { egress: [{ ports: [{ protocol: 'X', port: 90, endPort: 80 }, { port: 'a', endPort: 1 }, { endPort: 1 }] }] },
      [
        'spec.egress[0].ports[0].protocol: Unsupported value: "X": supported values: "TCP", "UDP", "SCTP"',
        'spec.egress[0].ports[0].endPort: Invalid value: 90: must be greater than or equal to `port`',
        'spec.egress[0].ports[1].endPort: Invalid value: 1: may not be specified when `port` is non-numeric',
        'spec.egress[0].ports[2].endPort: Invalid value: 1: may not be specified when `port` is not specified',
      ],
    ],
    [
      'types',
      { policyTypes: ['Both'] },
      ['spec.policyTypes[0]: Unsupported value: "Both": supported values: "Ingress", "Egress"'],
    ],
  ])('%s', (_name, spec, expected) => {
    expect(texts(validateNetworkPolicy(make(spec)))).toEqual(expected)
  })

  it('keeps CIDRs that are stored, with a warning', () => {
    const odd = make(block('10.0.0.1/8'))
    expect(validateNetworkPolicy(odd, odd)).toEqual([])
    expect(networkPolicyWarnings(odd)).toEqual([
      `${FROM}.ipBlock.cidr: CIDR value "10.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)`,
    ])
  })
})

describe('IPAddress and ServiceCIDR', () => {
  const cidr = (...cidrs: string[]): ServiceCIDR => ({
    apiVersion: API,
    kind: 'ServiceCIDR',
    metadata,
    spec: { cidrs },
  })
  it.each<[string, string[]]>([
    ['10.0.0.1', []],
    ['fd00::1', []],
    ['FD00:0::1', ['must be in canonical form ("fd00::1")']],
    ['::ffff:1.2.3.4', ['must not be an IPv4-mapped IPv6 address']],
    ['a', ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
  ])('%s is a name or not', (name, expected) => {
    expect(strictIpProblems(name)).toEqual(expected)
  })
  it('an address has a parent', () => {
    const make = (spec: object) => ({ apiVersion: API, kind: 'IPAddress', metadata, spec }) as never
    expect(texts(validateIpAddress(make({})))).toEqual(['spec.parentRef: Required value'])
    expect(texts(validateIpAddress(make({ parentRef: { resource: 'a/b' } })))).toEqual([
      `spec.parentRef.resource: Invalid value: "a/b": may not contain '/'`,
      'spec.parentRef.name: Required value',
    ])
  })
  it.each<[ServiceCIDR, string[]]>([
    [cidr('10.0.0.0/8', 'fd00::/64'), []],
    [cidr(), ['spec.cidrs: Required value: at least one CIDR required']],
    [
      cidr('10.0.0.0/8', '11.0.0.0/8'),
      [
        'spec.cidrs: Invalid value: ["10.0.0.0/8","11.0.0.0/8"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
      ],
    ],
    [cidr('fd00:0::/64'), ['spec.cidrs[0]: Invalid value: "fd00:0::/64": must be in canonical form ("fd00::/64")']],
  ])('ServiceCIDR %#', (object, expected) => {
    expect(texts(validateServiceCidr(object))).toEqual(expected)
  })
  it.each<[ServiceCIDR, ServiceCIDR, string[]]>([
    [cidr('10.0.0.0/8'), cidr('10.0.0.0/8', 'fd00::/64'), []],
    [cidr('10.0.0.0/8'), cidr('11.0.0.0/8'), ['spec.cidrs[0]: Invalid value: "11.0.0.0/8": field is immutable']],
    [
      cidr('10.0.0.0/8', 'fd00::/64'),
      cidr('10.0.0.0/8'),
      ['spec.cidrs: Invalid value: ["10.0.0.0/8"]: field is immutable'],
    ],
  ])('ServiceCIDR update %#', (old, next, expected) => {
    expect(texts(validateServiceCidrUpdate(next, old))).toEqual(expected)
  })
})

describe('EndpointSlice', () => {
  const make = (slice: Partial<EndpointSlice>): EndpointSlice => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata,
    addressType: 'IPv4',
    endpoints: [],
    ...slice,
  })
  const at = (...addresses: string[]) => ({ endpoints: [{ addresses }] })
  it.each<[string, Partial<EndpointSlice>, string[]]>([
    ['valid', { ...at('10.0.0.1'), ports: [{ name: 'a', port: 80, protocol: 'TCP' }] }, []],
    ['no type', { addressType: '' }, ['addressType: Required value']],
    [
      'special',
      at('127.0.0.1', '224.0.0.1', 'fd00::1'),
      [
        'endpoints[0].addresses[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
        'endpoints[0].addresses[1]: Invalid value: "224.0.0.1": may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
        'endpoints[0].addresses: Invalid value: "fd00::1": must be an IPv4 address',
      ],
    ],
    [
      'one label',
      { addressType: 'FQDN', ...at('a') },
      [
        'endpoints[0].addresses[0]: Invalid value: "a": should be a domain with at least two segments separated by dots',
      ],
    ],
    [
      'ports',
      { ports: [{ name: '', protocol: 'TCP' }, { name: '' }] },
      ['ports[1].name: Duplicate value: ""', 'ports[1].protocol: Required value'],
    ],
    [
      'hints',
      { endpoints: [{ addresses: ['10.0.0.1'], hints: { forZones: [{ name: 'a' }, { name: 'a' }] } }] },
      ['endpoints[0].hints.forZones[1].name: Duplicate value: "a"'],
    ],
  ])('%s', (_name, slice, expected) => {
    expect(texts(validateEndpointSlice(make(slice)))).toEqual(expected)
  })
})

it.each<[string, EndpointSubset[], string[]]>([
  ['valid', [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80, protocol: 'TCP' }] }], []],
  ['empty', [{}], ['subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`']],
  [
    'bad',
    [
      {
        addresses: [{ ip: '' }],
        ports: [
          { port: 0, protocol: 'TCP' },
          { name: 'b', port: 1, protocol: 'x' },
        ],
      },
    ],
    [
      'subsets[0].addresses[0].ip: Invalid value: "": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      'subsets[0].addresses[0].ip: Invalid value: "": must be a valid IP address',
      'subsets[0].ports[0].name: Required value',
      'subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
      'subsets[0].ports[1].protocol: Unsupported value: "x": supported values: "SCTP", "TCP", "UDP"',
    ],
  ],
])('Endpoints: %s', (_name, subsets, expected) => {
  const endpoints: Endpoints = { apiVersion: 'v1', kind: 'Endpoints', metadata, subsets }
  expect(texts(validateEndpoints(endpoints))).toEqual(expected)
})
