/**
 * Fields of a KubeSchedulerConfiguration about the process: they are checked as upstream does, and do nothing here.
 * Upstream: component-base config/validation, config/v1alpha1 RecommendedDefaultLeaderElectionConfiguration.
 */
import { parseDurationMs } from '#machinery/util/go-duration.ts'
import { checkInteger, checkObject, invalid, unknownFields } from '../framework/args.ts'

type Fields = Readonly<Record<string, unknown>>

export const PROCESS_FIELDS = [
  'leaderElection',
  'clientConnection',
  'enableProfiling',
  'enableContentionProfiling',
  'parallelism',
  'delayCacheUntilActive',
]

export function checkProcessFields(value: Fields): string[] {
  const { clientConnection = {}, leaderElection = {}, parallelism = 16 } = value
  const tooFew = 'should be an integer value greater than zero'
  return [
    ...checkObject(clientConnection, 'clientConnection', checkConnection),
    ...checkObject(leaderElection, 'leaderElection', checkElection),
    ...checkInteger(parallelism, 'parallelism', { min: 1 }, tooFew),
  ]
}

const CONNECTION_FIELDS = ['kubeconfig', 'acceptContentTypes', 'contentType', 'qps', 'burst']

function checkConnection(connection: Fields): string[] {
  const path = 'clientConnection'
  return [
    ...unknownFields(connection, path, CONNECTION_FIELDS),
    ...checkInteger(connection['burst'] ?? 0, `${path}.burst`, { min: 0 }, 'must be non-negative'),
  ]
}

const ELECTION_FIELDS = [
  'leaderElect',
  'leaseDuration',
  'renewDeadline',
  'retryPeriod',
  'resourceLock',
  'resourceName',
  'resourceNamespace',
]
const DURATIONS = [
  ['leaseDuration', '15s'],
  ['renewDeadline', '10s'],
  ['retryPeriod', '2s'],
] as const

function checkElection(election: Fields): string[] {
  const path = 'leaderElection'
  const errors = unknownFields(election, path, ELECTION_FIELDS)
  if (election['leaderElect'] === false) return errors
  const durations = DURATIONS.map(([name, otherwise]) => {
    const text = election[name] ?? otherwise
    return { at: `${path}.${name}`, text, ms: tryParse(String(text)) }
  })
  for (const { at, text, ms } of durations) {
    if (ms === undefined) errors.push(invalid(at, text, 'must be a duration'))
    else if (ms <= 0) errors.push(invalid(at, text, 'must be greater than zero'))
  }
  const [lease, renew] = durations
  if (lease?.ms !== undefined && renew?.ms !== undefined && lease.ms < renew.ms)
    errors.push(invalid(lease.at, renew.text, 'LeaseDuration must be greater than RenewDeadline'))
  const { resourceLock = 'leases' } = election
  if (resourceLock !== 'leases')
    errors.push(invalid(`${path}.resourceLock`, resourceLock, 'resourceLock value must be "leases"'))
  return errors
}

function tryParse(text: string): number | undefined {
  try {
    return parseDurationMs(text)
  } catch {
    return undefined
  }
}
