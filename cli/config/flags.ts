/**
 * The flags of `knarr server`, as data: command line, environment, config file and documentation are derived from this
 * table. Names, defaults and environment variables are k3s' own (KNARR_* first, K3S_* as the fallback).
 */

import { isIP } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'
import { DEFAULT_KUBELET_ADDRESS_TYPES } from '#apiserver/registry/deps.ts'
import { parseCidr } from '#machinery/meta/ip-address.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { parseDurationMs } from '#machinery/util/go-duration.ts'

export interface FlagSpec {
  readonly name: string
  readonly short?: string
  /** Without the KNARR_ / K3S_ prefix; absent = no environment variable. */
  readonly env?: string
  readonly kind: 'string' | 'boolean' | 'list'
  readonly description: string
  readonly schema: z.ZodType
  readonly hidden?: boolean
}

const isRoot = (): boolean => process.getuid?.() === 0

/** /var/lib/knarr for root, ~/.knarr for everybody else. */
function defaultDataDir(): string {
  return isRoot() ? '/var/lib/knarr' : join(homedir(), '.knarr')
}

/** The file read when --config is not given; k3s' own path is honoured when ours is absent. */
export function defaultConfigFiles(): readonly string[] {
  return isRoot()
    ? ['/etc/knarr/config.yaml', '/etc/rancher/k3s/config.yaml']
    : [join(homedir(), '.config/knarr/config.yaml')]
}

export function defaultKubeconfig(): string {
  return isRoot() ? '/etc/knarr/knarr.yaml' : join(homedir(), '.kube/knarr.yaml')
}

const text = z.string()
const boolean = z.union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')])
const list = z.array(z.string())
const port = z.coerce.number().int().min(0).max(65_535)
const ip = text.refine((value) => isIP(value) !== 0, { error: 'must be an IPv4 or IPv6 address' })
const absolutePath = text.refine(
  (value) => /^\/(?!\.{1,2}(\/|$))[^/]/.test(value) && !value.split('/').includes('..'),
  {
    error: 'must be an absolute path other than /, without ..',
  },
)
const serviceCidrs = text.refine(isServiceCidr, {
  error: 'must be a network such as 10.43.0.0/16, or one of each IP family: 10.43.0.0/16,2001:cafe:43::/112',
})
const clusterCidrs = text.refine(isClusterCidr, {
  error: 'must be a network such as 10.42.0.0/16, or one of each IP family: 10.42.0.0/16,2001:cafe:42::/56',
})
function isClusterCidr(value: string): boolean {
  const families = value.split(',').map((cidr) => parseCidr(cidr.trim())?.family)
  return !families.includes(undefined) && families.length <= 2 && new Set(families).size === families.length
}
/** Upstream's allocator refuses IPv6 networks larger than /64. */
function isServiceCidr(value: string): boolean {
  const prefixes = value.split(',').map((cidr) => parseCidr(cidr.trim()))
  const isUsable = prefixes.every(
    (prefix) =>
      prefix !== undefined && (prefix.family === 'IPv4' ? prefix.bits <= 30 : prefix.bits >= 64 && prefix.bits <= 126),
  )
  return isUsable && prefixes.length <= 2 && new Set(prefixes.map((prefix) => prefix?.family)).size === prefixes.length
}
const fileMode = text
  .regex(/^0?[0-7]{3}$/, { error: 'must be an octal file mode such as 0600' })
  .transform((value) => Number.parseInt(value, 8))
const portRange = text
  .regex(/^\d{1,5}-\d{1,5}$/, { error: 'must be a port range such as 30000-32767' })
  .transform((value) => {
    const [from = 0, to = 0] = value.split('-').map(Number)
    return { from, to }
  })
  .refine(({ from, to }) => from >= 1 && from <= to && to <= 65_535, {
    error: 'must be an ascending range within 1-65535',
  })
const gates = list.transform((items, context) => {
  const result = new Map<string, boolean>()
  for (const item of items.flatMap((entry) => entry.split(','))) {
    const match = /^([A-Za-z]\w*)=(?:(1|t|T|TRUE|true|True)|0|f|F|FALSE|false|False)$/.exec(item.trim())
    if (match?.[1] === undefined)
      context.addIssue({ code: 'custom', message: `"${item}" is not Name=true or Name=false` })
    else result.set(match[1], match[2] !== undefined)
  }
  return result as ReadonlyMap<string, boolean>
})
const inFlightMax = z.coerce.number({ error: 'must be a number' }).int().min(0, { error: 'can not be negative value' })
const simulatedNodeCount = z.coerce
  .number({ error: 'must be a number' })
  .int()
  .min(1, { error: 'must be at least 1' })
  .max(5_000, { error: 'must be at most 5000' })
const durationMs = text.transform((value, context) => {
  try {
    const ms = parseDurationMs(value)
    if (ms > 0) return ms
    context.addIssue({ code: 'custom', message: 'must be longer than 0s' })
  } catch (err: unknown) {
    context.addIssue({ code: 'custom', message: errorMessage(err) })
  }
  return z.NEVER
})
/** 0s too: for waits that may be none. */
const waitMs = text.transform((value, context) => {
  try {
    const ms = parseDurationMs(value)
    if (ms >= 0) return ms
    context.addIssue({ code: 'custom', message: 'must not be negative' })
  } catch (err: unknown) {
    context.addIssue({ code: 'custom', message: errorMessage(err) })
  }
  return z.NEVER
})
const count = z.coerce.number({ error: 'must be a number' }).int()
const notNegative = count.min(0, { error: "can't be a negative number" })
const positive = count.min(1, { error: 'must be a positive number' })
const commaList = list.transform((items) => items.flatMap((item) => item.split(',')).filter((item) => item !== ''))

const NODE_ADDRESS_TYPES = ['Hostname', 'InternalDNS', 'InternalIP', 'ExternalDNS', 'ExternalIP']
const nodeAddressTypes = commaList
  .refine((types) => types.every((type) => NODE_ADDRESS_TYPES.includes(type)), {
    error: `must be among ${NODE_ADDRESS_TYPES.join(', ')}`,
  })
  .refine((types) => types.length > 0, { error: 'must name at least one type of address' })

export const SERVER_FLAGS = [
  {
    name: 'config',
    short: 'c',
    env: 'CONFIG_FILE',
    kind: 'string',
    description: 'config file (YAML; keys are flag names); <file>.d/*.yaml are read after it',
    schema: text.optional(),
  },
  { name: 'debug', env: 'DEBUG', kind: 'boolean', description: 'log debug messages', schema: boolean.default(false) },
  {
    name: 'log-format',
    env: 'LOG_FORMAT',
    kind: 'string',
    description: 'auto (text on a terminal, JSON otherwise), text or json',
    schema: z.enum(['auto', 'text', 'json']).default('auto'),
  },
  {
    name: 'data-dir',
    short: 'd',
    env: 'DATA_DIR',
    kind: 'string',
    description: 'folder that holds all state (default: /var/lib/knarr, or ~/.knarr without root)',
    schema: text.default(defaultDataDir),
  },
  {
    name: 'bind-address',
    kind: 'string',
    description: 'address the API server listens on',
    schema: ip.default('0.0.0.0'),
  },
  {
    name: 'https-listen-port',
    kind: 'string',
    description: 'port of the API server; 0 takes a free one',
    schema: port.default(6443),
  },
  {
    name: 'advertise-address',
    kind: 'string',
    description: 'address clients outside use; part of the serving certificate',
    schema: ip.optional(),
  },
  {
    name: 'tls-san',
    kind: 'list',
    description: 'more host names or addresses for the serving certificate',
    schema: commaList.default([]),
  },
  {
    name: 'service-cidr',
    kind: 'string',
    description: 'network cluster IPs are taken from; IPv4,IPv6 (or the other way round) for dual-stack',
    schema: serviceCidrs.default('10.43.0.0/16'),
  },
  {
    name: 'cluster-cidr',
    kind: 'string',
    description: 'network the pods of the nodes are numbered from; IPv4,IPv6 (or the other way round) for dual-stack',
    schema: clusterCidrs.default('10.42.0.0/16'),
  },
  {
    name: 'node-cidr-mask-size-ipv4',
    kind: 'string',
    description: "size of one node's share of the IPv4 cluster network",
    schema: z.coerce.number().int().min(1).max(32).default(24),
  },
  {
    name: 'node-cidr-mask-size-ipv6',
    kind: 'string',
    description: "size of one node's share of the IPv6 cluster network",
    schema: z.coerce.number().int().min(1).max(128).default(64),
  },
  {
    name: 'terminated-pod-gc-threshold',
    kind: 'string',
    description: 'finished pods that are kept before the oldest go; 0 keeps all',
    schema: z.coerce.number().int().default(12_500),
  },
  {
    name: 'service-node-port-range',
    kind: 'string',
    description: 'ports NodePort services are taken from',
    schema: portRange.prefault('30000-32767'),
  },
  {
    name: 'cluster-domain',
    kind: 'string',
    description: 'DNS domain of the cluster',
    schema: text.default('cluster.local'),
  },
  {
    name: 'write-kubeconfig',
    short: 'o',
    env: 'KUBECONFIG_OUTPUT',
    kind: 'string',
    description:
      'where the admin kubeconfig is written (default: /etc/knarr/knarr.yaml, or ~/.kube/knarr.yaml without root)',
    schema: text.default(defaultKubeconfig),
  },
  {
    name: 'write-kubeconfig-mode',
    env: 'KUBECONFIG_MODE',
    kind: 'string',
    description: 'file mode of the admin kubeconfig',
    schema: fileMode.prefault('0600'),
  },
  {
    name: 'token-auth-file',
    kind: 'string',
    description: 'CSV of static tokens: token,user,uid,"group1,group2"',
    schema: text.optional(),
  },
  {
    name: 'disable',
    kind: 'list',
    description: 'delete this add-on and what it created: a manifest name without extension, or a folder; or servicelb',
    schema: commaList.default([]),
  },
  {
    name: 'default-local-storage-path',
    env: 'DEFAULT_LOCAL_STORAGE_PATH',
    kind: 'string',
    description: 'folder on each node for volumes of the class local-path (default: <data-dir>/storage)',
    schema: absolutePath.optional(),
  },
  {
    name: 'disable-helm-controller',
    kind: 'boolean',
    description: 'do not act on HelmChart objects',
    schema: boolean.default(false),
  },
  {
    name: 'disable-scheduler',
    kind: 'boolean',
    description: 'bind no pods to nodes',
    schema: boolean.default(false),
  },
  {
    name: 'kube-scheduler-arg',
    kind: 'list',
    description: 'config=<file>: a KubeSchedulerConfiguration',
    schema: list.default([]),
  },
  {
    name: 'manifests-prune',
    kind: 'string',
    description: 'on-delete: deleting a manifest file deletes what it created; never: k3s behaviour',
    schema: z.enum(['on-delete', 'never']).default('on-delete'),
  },
  {
    name: 'node',
    env: 'NODE',
    kind: 'string',
    description: 'none: no node in this process; simulated: nodes that run nothing and say pods run',
    schema: z.enum(['none', 'simulated'], { error: "must be 'none' or 'simulated'" }).default('none'),
  },
  {
    name: 'simulated-nodes',
    kind: 'string',
    description: 'how many nodes --node=simulated makes (default: 1)',
    schema: simulatedNodeCount.optional(),
  },
  {
    name: 'simulated-stages',
    kind: 'list',
    description: 'YAML files of kwok Stages that simulated nodes play instead of their own behaviour',
    schema: commaList.prefault([]),
  },
  {
    name: 'controllers',
    kind: 'list',
    description: "controllers to run: '*', 'name', or '-name' to leave one out",
    schema: commaList.prefault(['*']),
  },
  {
    name: 'leader-elect',
    kind: 'boolean',
    description: 'run controllers only while holding the Lease kube-system/kube-controller-manager',
    schema: boolean.default(true),
  },
  {
    name: 'feature-gates',
    kind: 'list',
    description: 'Name=true|false pairs, by their Kubernetes names',
    schema: gates.prefault([]),
  },
  {
    name: 'runtime-config',
    kind: 'list',
    description: 'API versions to serve: api/beta=true, group/version=true … by their Kubernetes names',
    schema: commaList.prefault([]),
  },
  {
    name: 'event-ttl',
    kind: 'string',
    description: 'how long events are kept',
    schema: durationMs.prefault('1h'),
  },
  {
    name: 'kubelet-preferred-address-types',
    kind: 'list',
    description: "which of a node's addresses its kubelet is asked at, in order of preference",
    schema: nodeAddressTypes.prefault([...DEFAULT_KUBELET_ADDRESS_TYPES]),
  },
  {
    name: 'request-timeout',
    kind: 'string',
    description: 'how long a request may take; watches are exempt, a client may ask for less with ?timeout=',
    schema: durationMs.prefault('1m'),
  },
  {
    name: 'max-requests-inflight',
    kind: 'string',
    description: 'reads served at once, 429 beyond; 0 = no limit',
    schema: inFlightMax.default(400),
  },
  {
    name: 'max-mutating-requests-inflight',
    kind: 'string',
    description: 'writes served at once, 429 beyond; 0 = no limit',
    schema: inFlightMax.default(200),
  },
  {
    name: 'audit-policy-file',
    kind: 'string',
    description: 'which requests are audited: an audit.k8s.io/v1 Policy; without it none are',
    schema: text.optional(),
  },
  {
    name: 'audit-log-path',
    kind: 'string',
    description: 'file that audit events are written to; - is standard output',
    schema: text.optional(),
  },
  {
    name: 'audit-log-format',
    kind: 'string',
    description: 'json, or legacy: one line of text per event',
    schema: z.enum(['json', 'legacy'], { error: "must be 'json' or 'legacy'" }).default('json'),
  },
  {
    name: 'audit-log-version',
    kind: 'string',
    description: 'API version of the events',
    schema: z.enum(['audit.k8s.io/v1'], { error: "must be 'audit.k8s.io/v1'" }).default('audit.k8s.io/v1'),
  },
  {
    name: 'audit-log-mode',
    kind: 'string',
    description: 'batch: requests do not wait for the log; blocking: they do; blocking-strict: they fail when it fails',
    schema: z
      .enum(['batch', 'blocking', 'blocking-strict'], { error: "must be 'batch', 'blocking' or 'blocking-strict'" })
      .default('blocking'),
  },
  {
    name: 'audit-log-maxage',
    kind: 'string',
    description: 'days that rotated audit logs are kept; 0 = no limit',
    schema: notNegative.default(366),
  },
  {
    name: 'audit-log-maxbackup',
    kind: 'string',
    description: 'rotated audit logs that are kept; 0 = no limit',
    schema: notNegative.default(100),
  },
  {
    name: 'audit-log-maxsize',
    kind: 'string',
    description: 'megabytes after which the audit log is rotated; 0 = never',
    schema: notNegative.default(100),
  },
  {
    name: 'audit-log-compress',
    kind: 'boolean',
    description: 'compress rotated audit logs with gzip',
    schema: boolean.default(false),
  },
  {
    name: 'audit-log-batch-buffer-size',
    kind: 'string',
    description: 'events that may wait to be written, more are dropped; mode batch only',
    schema: positive.default(10_000),
  },
  {
    name: 'audit-log-batch-max-size',
    kind: 'string',
    description: 'events of one write; mode batch only',
    schema: positive.default(400),
  },
  {
    name: 'audit-log-batch-max-wait',
    kind: 'string',
    description: 'how long events wait for others to be written with; mode batch only',
    schema: waitMs.prefault('50ms'),
  },
  {
    name: 'audit-log-truncate-enabled',
    kind: 'boolean',
    description: 'leave out the bodies of events that are too large, and drop what is still too large',
    schema: boolean.default(false),
  },
  {
    name: 'audit-log-truncate-max-event-size',
    kind: 'string',
    description: 'bytes of the largest event, where truncating is enabled',
    schema: positive.default(102_400),
  },
  {
    name: 'enable-admission-plugins',
    kind: 'list',
    description: 'admission plugins to turn on, by their Kubernetes names',
    schema: commaList.prefault([]),
  },
  {
    name: 'disable-admission-plugins',
    kind: 'list',
    description: 'admission plugins to turn off, by their Kubernetes names',
    schema: commaList.prefault([]),
  },
  {
    name: 'datastore-endpoint',
    env: 'DATASTORE_ENDPOINT',
    kind: 'string',
    description: "'' = SQLite in the data folder; 'memory' keeps nothing",
    schema: z
      .enum(['', 'memory'], { error: "must be '' (SQLite) or 'memory'; external datastores are not supported yet" })
      .default(''),
  },
  {
    name: 'disable-agent',
    kind: 'boolean',
    description: 'accepted for k3s compatibility: this version runs no node agent',
    schema: boolean.default(false),
    hidden: true,
  },
] as const satisfies readonly FlagSpec[]

type Flag = (typeof SERVER_FLAGS)[number]

/** Values after validation, by flag name. */
export type ServerConfig = { readonly [F in Flag as F['name']]: z.output<F['schema']> }
