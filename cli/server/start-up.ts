/** The health checks of a control plane, by upstream's names and in upstream's order. */
import type { Aggregator } from '#apiserver/aggregator/aggregator.ts'
import { PostStartHooks } from '#apiserver/controlplane/post-start-hooks.ts'
import type { ApiServer, HealthCheck } from '#apiserver/server/interfaces.ts'
import type { Storage } from '#apiserver/storage/interface.ts'

const IDENTITY_HOOKS = [
  'start-kube-apiserver-identity-lease-controller',
  'start-kube-apiserver-identity-lease-garbage-collector',
] as const

const HOOKS = [
  'start-apiserver-admission-initializer',
  'generic-apiserver-start-informers',
  'start-apiextensions-informers',
  'start-apiextensions-controllers',
  'crd-informer-synced',
  'start-system-namespaces-controller',
  'start-cluster-authentication-info-controller',
  ...IDENTITY_HOOKS,
  'start-legacy-token-tracking-controller',
  'start-service-ip-repair-controllers',
  'rbac/bootstrap-roles',
  'scheduling/bootstrap-system-priority-classes',
  'priority-and-fairness-config-producer',
  'bootstrap-controller',
  'start-kubernetes-service-cidr-controller',
  'aggregator-reload-proxy-client-cert',
  'start-kube-aggregator-informers',
  'apiservice-status-local-available-controller',
  'apiservice-status-remote-available-controller',
  'apiservice-registration-controller',
  'apiservice-discovery-controller',
  'kube-apiserver-autoregistration',
  'apiservice-openapi-controller',
  'apiservice-openapiv3-controller',
] as const

type HookName = (typeof HOOKS)[number]

/** Behind it upstream lists whether the APIServices are there. */
const BEFORE_AUTOREGISTER = 'poststarthook/kube-apiserver-autoregistration'
const EVERYWHERE: HealthCheck['endpoints'] = ['healthz', 'livez', 'readyz']

/** What happens at the same time is done at the same time. */
const START_UP_STEPS = {
  extensions: ['start-apiextensions-informers', 'start-apiextensions-controllers', 'crd-informer-synced'],
  objects: [
    'start-system-namespaces-controller',
    'scheduling/bootstrap-system-priority-classes',
    'priority-and-fairness-config-producer',
    'start-kubernetes-service-cidr-controller',
  ],
  policy: [
    'start-cluster-authentication-info-controller',
    'start-legacy-token-tracking-controller',
    'rbac/bootstrap-roles',
    'bootstrap-controller',
  ],
  authorization: ['start-apiserver-admission-initializer', 'generic-apiserver-start-informers'],
  background: [
    ...IDENTITY_HOOKS,
    'aggregator-reload-proxy-client-cert',
    'start-kube-aggregator-informers',
    'apiservice-status-local-available-controller',
    'apiservice-status-remote-available-controller',
    'apiservice-registration-controller',
    'apiservice-discovery-controller',
    'kube-apiserver-autoregistration',
    'apiservice-openapi-controller',
    'apiservice-openapiv3-controller',
  ],
  controllers: ['start-service-ip-repair-controllers'],
} as const satisfies Record<string, readonly HookName[]>

type Step = keyof typeof START_UP_STEPS

export interface HealthSources {
  readonly storage: Pick<Storage, 'failure'>
  readonly aggregator: Pick<Aggregator, 'missingRegistrations'>
  /** Why controllers are not all well. */
  readonly controllers: () => string | undefined
  readonly hasIdentity: boolean
}

/** Adds the checks; each step is done when its name has been called. */
export function addHealthChecks(
  server: Pick<ApiServer, 'addHealthCheck'>,
  { storage, aggregator, controllers, hasIdentity }: HealthSources,
): (step: Step) => void {
  const identity: readonly string[] = IDENTITY_HOOKS
  const hooks = new PostStartHooks(HOOKS.filter((name) => hasIdentity || !identity.includes(name)))
  const informers = new Set(['customresourcedefinitions', 'rbac.authorization.k8s.io'])
  // Only a new process gets the storage's writer back.
  server.addHealthCheck({ name: 'etcd', endpoints: EVERYWHERE, check: () => storage.failure() })
  server.addHealthCheck({ name: 'etcd-readiness', endpoints: ['readyz'], check: () => storage.failure() })
  server.addHealthCheck({
    name: 'informer-sync',
    endpoints: ['readyz'],
    check: () =>
      informers.size === 0 ? undefined : `${informers.size} informers not started yet: [${[...informers].join(' ')}]`,
  })
  for (const check of hooks.checks) {
    server.addHealthCheck(check)
    if (check.name === BEFORE_AUTOREGISTER) server.addHealthCheck(autoregisterCompletion(aggregator))
  }
  server.addHealthCheck({ name: 'controllers', endpoints: ['healthz'], check: controllers })
  return (step) => {
    hooks.done(...START_UP_STEPS[step])
    if (step === 'extensions') informers.delete('customresourcedefinitions')
    if (step === 'authorization') informers.delete('rbac.authorization.k8s.io')
  }
}

function autoregisterCompletion(aggregator: HealthSources['aggregator']): HealthCheck {
  return {
    name: 'autoregister-completion',
    endpoints: EVERYWHERE,
    check: () => {
      const missing = aggregator.missingRegistrations()
      return missing.length === 0 ? undefined : `missing APIService: [${missing.join(' ')}]`
    },
  }
}
