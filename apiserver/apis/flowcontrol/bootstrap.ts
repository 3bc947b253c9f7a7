/**
 * The flow schemas and priority levels of every cluster: the mandatory ones, whose spec never changes, and the suggested
 * ones, which an administrator may take over. Upstream: apiserver pkg/apis/flowcontrol/bootstrap/default.go.
 */
import type {
  FlowSchema,
  LimitedPriorityLevelConfiguration,
  PolicyRulesWithSubjects,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
  ResourcePolicyRule,
  Subject,
} from '#machinery/api/flowcontrol/v1/types.gen.ts'

const API_VERSION = 'flowcontrol.apiserver.k8s.io/v1'
const AUTO_UPDATE = { 'apf.kubernetes.io/autoupdate-spec': 'true' } as const

const level = (name: string, spec: PriorityLevelConfigurationSpec): PriorityLevelConfiguration => ({
  apiVersion: API_VERSION,
  kind: 'PriorityLevelConfiguration',
  metadata: { name, annotations: { ...AUTO_UPDATE } },
  spec,
})

const limited = (
  name: string,
  nominalConcurrencyShares: number,
  lendablePercent: number,
  limitResponse: NonNullable<LimitedPriorityLevelConfiguration['limitResponse']>,
): PriorityLevelConfiguration =>
  level(name, { type: 'Limited', limited: { nominalConcurrencyShares, lendablePercent, limitResponse } })

const queue = (queues: number, handSize: number) => ({
  type: 'Queue',
  queuing: { queues, handSize, queueLengthLimit: 50 },
})

export function mandatoryPriorityLevels(): PriorityLevelConfiguration[] {
  return [
    level('exempt', { type: 'Exempt', exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } }),
    limited('catch-all', 5, 0, { type: 'Reject' }),
  ]
}

export function suggestedPriorityLevels(): PriorityLevelConfiguration[] {
  return [
    limited('system', 30, 33, queue(64, 6)),
    limited('node-high', 40, 25, queue(64, 6)),
    limited('leader-election', 10, 0, queue(16, 4)),
    limited('workload-high', 40, 50, queue(128, 6)),
    limited('workload-low', 100, 90, queue(128, 6)),
    limited('global-default', 20, 50, queue(128, 6)),
  ]
}

interface SchemaFacts {
  readonly name: string
  readonly level: string
  readonly precedence: number
  readonly distinguisher?: 'ByUser' | 'ByNamespace'
}

const schema = (
  { name, level: levelName, precedence, distinguisher }: SchemaFacts,
  rule: PolicyRulesWithSubjects,
): FlowSchema => ({
  apiVersion: API_VERSION,
  kind: 'FlowSchema',
  metadata: { name, annotations: { ...AUTO_UPDATE } },
  spec: {
    priorityLevelConfiguration: { name: levelName },
    matchingPrecedence: precedence,
    ...(distinguisher === undefined ? {} : { distinguisherMethod: { type: distinguisher } }),
    rules: [rule],
  },
})

const group = (name: string): Subject => ({ kind: 'Group', group: { name } })
const user = (name: string): Subject => ({ kind: 'User', user: { name } })
const EVERYBODY = ['system:unauthenticated', 'system:authenticated'].map(group)
const KUBE_SYSTEM_ACCOUNTS: readonly Subject[] = [
  { kind: 'ServiceAccount', serviceAccount: { namespace: 'kube-system', name: '*' } },
]

const everything = (subjects: readonly Subject[]): PolicyRulesWithSubjects => ({
  subjects: [...subjects],
  resourceRules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'], clusterScope: true, namespaces: ['*'] }],
  nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
})

const leases = (verbs: readonly string[]): ResourcePolicyRule => ({
  verbs: [...verbs],
  apiGroups: ['coordination.k8s.io'],
  resources: ['leases'],
  namespaces: ['*'],
})

export function mandatoryFlowSchemas(): FlowSchema[] {
  return [
    schema({ name: 'exempt', level: 'exempt', precedence: 1 }, everything([group('system:masters')])),
    schema(
      { name: 'catch-all', level: 'catch-all', precedence: 10_000, distinguisher: 'ByUser' },
      everything(EVERYBODY),
    ),
  ]
}

export function suggestedFlowSchemas(): FlowSchema[] {
  const nodes = [group('system:nodes')]
  const probes = { verbs: ['get'], nonResourceURLs: ['/healthz', '/readyz', '/livez'] }
  const electors = [user('system:kube-controller-manager'), user('system:kube-scheduler'), ...KUBE_SYSTEM_ACCOUNTS]
  const nodeObjects = {
    verbs: ['*'],
    apiGroups: [''],
    resources: ['nodes', 'nodes/status'],
    clusterScope: true,
    namespaces: ['*'],
  }
  return [
    schema(
      { name: 'probes', level: 'exempt', precedence: 2 },
      { subjects: [...EVERYBODY], nonResourceRules: [probes] },
    ),
    schema(
      { name: 'system-leader-election', level: 'leader-election', precedence: 100, distinguisher: 'ByUser' },
      { subjects: electors, resourceRules: [leases(['get', 'create', 'update'])] },
    ),
    schema(
      { name: 'system-node-high', level: 'node-high', precedence: 400, distinguisher: 'ByUser' },
      { subjects: nodes, resourceRules: [nodeObjects, leases(['*'])] },
    ),
    schema({ name: 'system-nodes', level: 'system', precedence: 500, distinguisher: 'ByUser' }, everything(nodes)),
    ...['kube-controller-manager', 'kube-scheduler'].map((name) =>
      schema(
        { name, level: 'workload-high', precedence: 800, distinguisher: 'ByNamespace' },
        everything([user(`system:${name}`)]),
      ),
    ),
    schema(
      { name: 'kube-system-service-accounts', level: 'workload-high', precedence: 900, distinguisher: 'ByNamespace' },
      everything(KUBE_SYSTEM_ACCOUNTS),
    ),
    schema(
      { name: 'service-accounts', level: 'workload-low', precedence: 9000, distinguisher: 'ByUser' },
      everything([group('system:serviceaccounts')]),
    ),
    schema(
      { name: 'global-default', level: 'global-default', precedence: 9900, distinguisher: 'ByUser' },
      everything(EVERYBODY),
    ),
  ]
}
