/** Field errors of services, as upstream prints them: path, type, bad value, detail. */
import { describe, expect, it } from 'vitest'
import { loadBalancerWarnings } from '#apiserver/apis/ip-validation.ts'
import type { Service, ServiceSpec, ServiceStatus } from '#machinery/api/core/v1/types.gen.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import { setServiceDefaults } from './defaults.ts'
import { validateService, validateServiceStatusUpdate, validateServiceUpdate } from './validation.ts'
import { serviceWarnings } from './warnings.ts'

function make(spec: ServiceSpec = {}, annotations?: Record<string, string>, status?: ServiceStatus): Service {
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's', namespace: 'ns', ...(annotations === undefined ? {} : { annotations }) },
    spec: { ports: [{ port: 80 }], ...spec },
    ...(status === undefined ? {} : { status }),
  }
  setServiceDefaults(service)
  return service
}

const ip = (clusterIPs: string[], more: ServiceSpec = {}): ServiceSpec => ({
  clusterIP: clusterIPs[0] ?? '',
  clusterIPs,
  ...more,
})

describe('validateService', () => {
  it.each<[string, ServiceSpec, string[]]>([
    ['plain', {}, []],
    ['no ports', { ports: [] }, ['spec.ports: Required value']],
    ['headless without ports', ip(['None'], { ports: [] }), []],
    [
      'headless NodePort',
      ip(['None'], { type: 'NodePort' }),
      [`spec.clusterIPs[0]: Invalid value: "None": may not be set to 'None' for NodePort services`],
    ],
    ['ExternalName without name', { type: 'ExternalName' }, ['spec.externalName: Required value']],
    ['ExternalName with a dot', { type: 'ExternalName', externalName: 'a.b.' }, []],
    [
      'ExternalName with IP fields',
      ip(['10.0.0.1'], {
        type: 'ExternalName',
        externalName: 'a',
        ipFamilies: ['IPv4'],
        ipFamilyPolicy: 'SingleStack',
      }),
      ['clusterIPs', 'ipFamilies', 'ipFamilyPolicy'].map(
        (field) => `spec.${field}: Forbidden: may not be set for ExternalName services`,
      ),
    ],
    [
      'ports without names, a duplicate pair',
      { ports: [{ port: 80 }, { port: 80 }] },
      [
        'spec.ports[0].name: Required value',
        'spec.ports[1].name: Required value',
        'spec.ports[1]: Duplicate value: {"Name":"","Protocol":"TCP","AppProtocol":null,"Port":80,"TargetPort":0,"NodePort":0}',
      ],
    ],
    [
      'bad port',
      { ports: [{ port: 65536, protocol: 'HTTP', targetPort: 80 }] },
      [
        'spec.ports[0].port: Invalid value: 65536: must be between 1 and 65535, inclusive',
        'spec.ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"',
      ],
    ],
    [
      'node port of ClusterIP',
      { ports: [{ port: 80, nodePort: 30080 }] },
      ["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    ],
    [
      'node port twice',
      {
        type: 'NodePort',
        ports: [
          { name: 'a', port: 80, nodePort: 30080 },
          { name: 'b', port: 81, nodePort: 30080 },
        ],
      },
      ['spec.ports[1].nodePort: Duplicate value: 30080'],
    ],
    [
      'unknown type',
      { type: 'X', internalTrafficPolicy: 'Cluster' },
      ['spec.type: Unsupported value: "X": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"'],
    ],
    [
      'affinity',
      { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 86401 } } },
      [
        'spec.sessionAffinityConfig.clientIP.timeoutSeconds: Invalid value: 86401: must be greater than 0 and less than 86400',
      ],
    ],
    [
      'special external IPs',
      { externalIPs: ['127.0.0.1', '010.0.0.1', 'x'] },
      [
        'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
        'spec.externalIPs[1]: Invalid value: "010.0.0.1": must not have leading 0s',
        'spec.externalIPs[2]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
      ],
    ],
    [
      'source ranges without balancer',
      { loadBalancerSourceRanges: [' 10.0.0.1/8 '] },
      [
        "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
        'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length',
      ],
    ],
    [
      'balancer fields without balancer',
      { allocateLoadBalancerNodePorts: true, loadBalancerClass: 'a/b', healthCheckNodePort: 30000 },
      [
        "spec.allocateLoadBalancerNodePorts: Forbidden: may only be used when `type` is 'LoadBalancer'",
        "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
        "spec.healthCheckNodePort: Invalid value: 30000: may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ],
    ],
    [
      'external traffic policy',
      { externalTrafficPolicy: 'Local' },
      ['spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services'],
    ],
    [
      'policies',
      { internalTrafficPolicy: 'x', trafficDistribution: 'y' },
      [
        'spec.internalTrafficPolicy: Unsupported value: "x": supported values: "Cluster", "Local"',
        'spec.trafficDistribution: Unsupported value: "y": supported values: "PreferClose", "PreferSameZone", "PreferSameNode"',
      ],
    ],
    [
      'IP fields that contradict each other',
      ip(['10.0.0.1', '10.0.0.2'], { ipFamilies: ['IPv6', 'IPv6'], ipFamilyPolicy: 'x' }),
      [
        'spec.ipFamilies[1]: Duplicate value: "IPv6"',
        'spec.ipFamilyPolicy: Unsupported value: "x": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
        'spec.clusterIPs: Invalid value: ["10.0.0.1","10.0.0.2"]: may specify no more than one IP for each IP family',
        'spec.clusterIPs[0]: Invalid value: "10.0.0.1": expected an IPv6 value as indicated by `ipFamilies[0]`',
        'spec.clusterIPs[1]: Invalid value: "10.0.0.2": expected an IPv6 value as indicated by `ipFamilies[1]`',
      ],
    ],
    [
      'plural without singular',
      { clusterIPs: ['10.0.0.1'] },
      ['spec.clusterIPs: Invalid value: ["10.0.0.1"]: must be empty when `clusterIP` is not specified'],
    ],
    [
      'None among others',
      ip(['None', '10.0.0.1']),
      [`spec.clusterIPs: Invalid value: ["None","10.0.0.1"]: 'None' must be the first and only value`],
    ],
  ])('%s', (_name, spec, expected) => {
    expect(validateService(make(spec)).map(fieldErrorString)).toEqual(expected)
  })
})

describe('validateServiceUpdate', () => {
  const both: ServiceSpec = ip(['10.0.0.1', 'fd00::1'], {
    ipFamilies: ['IPv4', 'IPv6'],
    ipFamilyPolicy: 'PreferDualStack',
  })
  const one: ServiceSpec = ip(['10.0.0.1'], { ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' })
  it.each<[string, ServiceSpec, ServiceSpec, string[]]>([
    ['unchanged', one, one, []],
    ['upgrade', one, both, []],
    ['downgrade', both, one, []],
    [
      'other IP',
      one,
      { ...one, ...ip(['10.0.0.2']) },
      ['spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set'],
    ],
    [
      'downgrade without SingleStack',
      both,
      { ...one, ipFamilyPolicy: 'PreferDualStack' },
      [
        `spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be set to 'SingleStack' when releasing the secondary clusterIP`,
        `spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be set to 'SingleStack' when releasing the secondary ipFamily`,
      ],
    ],
    [
      'load balancer class',
      { type: 'LoadBalancer', loadBalancerClass: 'a/b' },
      { type: 'LoadBalancer' },
      ['spec.loadBalancerClass: Invalid value: null: may not change once set'],
    ],
    ['old forms stay', { externalIPs: ['010.0.0.1'] }, { externalIPs: ['010.0.0.1'] }, []],
    [
      'health check port',
      { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30001 },
      { type: 'LoadBalancer', externalTrafficPolicy: 'Local', healthCheckNodePort: 30002 },
      ['spec.healthCheckNodePort: Forbidden: field is immutable'],
    ],
  ])('%s', (_name, old, next, expected) => {
    expect(validateServiceUpdate(make(next), make(old)).map(fieldErrorString)).toEqual(expected)
  })
})

it.each<[string, ServiceSpec, ServiceStatus, string[]]>([
  ['balancer', { type: 'LoadBalancer' }, { loadBalancer: { ingress: [{ ip: '1.2.3.4', ipMode: 'VIP' }] } }, []],
  [
    'no balancer',
    {},
    { loadBalancer: { ingress: [{ ip: '1.2.3.4' }] } },
    ["status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'"],
  ],
  [
    'bad points',
    { type: 'LoadBalancer' },
    {
      loadBalancer: {
        ingress: [
          { ip: '1.2.3.4', ipMode: 'x' },
          { hostname: '1.2.3.4', ipMode: 'VIP' },
        ],
      },
    },
    [
      'status.loadBalancer.ingress[0].ipMode: Unsupported value: "x": supported values: "Proxy", "VIP"',
      'status.loadBalancer.ingress[1].ipMode: Forbidden: may not be specified when `ip` is not set',
      'status.loadBalancer.ingress[1].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
    ],
  ],
])('status of a service: %s', (_name, spec, status, expected) => {
  const old = make(spec)
  expect(validateServiceStatusUpdate(make(spec, {}, status), old).map(fieldErrorString)).toEqual(expected)
})

it('warns of what will be ignored or is written in an odd way', () => {
  const spec = ip(['None'], { externalIPs: ['FD00::1'], externalName: 'x', trafficDistribution: 'PreferClose' })
  expect(serviceWarnings(make(spec))).toEqual([
    'spec.externalIPs is ignored for headless services',
    'spec.externalIPs[0]: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")',
    'spec.externalName is ignored when spec.type is not "ExternalName"',
    'spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"',
  ])
})

it('warns of odd addresses a load balancer is given', () => {
  const ingress = [{ hostname: 'a.b' }, { ip: 'FD00::1', ipMode: 'VIP' }]
  const service = make({ type: 'LoadBalancer' }, {}, { loadBalancer: { ingress } })
  expect(loadBalancerWarnings(service.status?.loadBalancer)).toEqual([
    'status.loadBalancer.ingress[1]: IPv6 address "FD00::1" should be in RFC 5952 canonical format ("fd00::1")',
  ])
})
