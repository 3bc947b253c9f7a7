/** Services as their strategy and allocations make them, without defaults, admission or a server in between. */
import type { FrozenService } from '#apiserver/apis/core/service/facts.ts'
import { serviceHooks } from '#apiserver/registry/core/service/hooks.ts'
import { configuredFamilies } from '#apiserver/registry/core/service/service-cidrs.ts'
import { serviceStrategy } from '#apiserver/registry/core/service/strategy.ts'
import { DEFAULT_REGISTRY_CONFIG } from '#apiserver/registry/deps.ts'
import type { RequestContext } from '#apiserver/registry/generic/interfaces.ts'
import type { Service, ServiceSpec } from '#machinery/api/core/v1/types.gen.ts'
import { newInvalid } from '#machinery/meta/errors.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { systemClock } from '#machinery/util/clock.ts'
import { systemRandom } from '#machinery/util/random.ts'

export const CIDRS = { 4: '10.0.0.0/16', 6: '2000::/108', 46: '10.0.0.0/16,2000::/108', 64: '2000::/108,10.0.0.0/16' }

const context: RequestContext = {
  user: { name: 'u', uid: '', groups: [], extra: new Map() },
  namespace: 'default',
  isDryRun: false,
  clock: systemClock,
  random: systemRandom,
  signal: new AbortController().signal,
  warn() {},
}

export class ServiceStore {
  readonly #stored = new Map<string, Service>()
  readonly #strategy
  readonly #hooks

  constructor(serviceCidr: string) {
    const unused = () => Promise.reject(new Error('not used'))
    const objects = {
      peek: (_group: string, resource: string, _namespace: string, name: string) =>
        resource === 'services' ? this.#stored.get(name) : undefined,
      list: (_group: string, resource: string) => (resource === 'services' ? [...this.#stored.values()] : []),
      update: unused,
      delete: unused,
    }
    this.#hooks = serviceHooks({ objects, config: { ...DEFAULT_REGISTRY_CONFIG, serviceCidr } })
    this.#strategy = serviceStrategy(configuredFamilies(serviceCidr))
  }

  create(name: string, spec: ServiceSpec, isDryRun = false): ServiceSpec {
    const draft: Service = { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'default' }, spec }
    const service = deepCopy(draft)
    this.#strategy.prepareForCreate?.(service, context)
    refuse(this.#strategy.validate?.(service, context))
    const undo = this.#hooks.beginCreate?.(service, { ...context, isDryRun })
    if (isDryRun) undo?.()
    else this.#stored.set(name, service)
    return service.spec
  }

  update(name: string, spec: ServiceSpec, isDryRun = false): ServiceSpec {
    const old = this.get(name)
    const service: Service = { ...deepCopy(old), spec: deepCopy(spec) }
    this.#strategy.prepareForUpdate?.(service, old, context)
    refuse(this.#strategy.validateUpdate?.(service, old, context))
    const undo = this.#hooks.beginUpdate?.(service, old, { ...context, isDryRun })
    if (isDryRun) undo?.()
    else this.#stored.set(name, service)
    return service.spec
  }

  delete(name: string): void {
    const old = this.get(name)
    this.#stored.delete(name)
    void this.#hooks.afterDelete?.(old, context)
  }

  /** Whether another service could not have it. */
  isHeld(what: string | number): boolean {
    const taken = typeof what === 'number' ? [{ port: 1, nodePort: what }] : [{ port: 1 }]
    const ip = typeof what === 'number' ? 'None' : what
    const spec: ServiceSpec = {
      type: typeof what === 'number' ? 'NodePort' : 'ClusterIP',
      clusterIP: ip,
      clusterIPs: [ip],
      ipFamilies: [ip.includes(':') ? 'IPv6' : 'IPv4'],
      ports: taken,
    }
    try {
      const probe: Service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'probe' }, spec }
      this.#hooks.beginCreate?.(probe, context)?.()
      return false
    } catch {
      return true
    }
  }

  get(name: string): FrozenService & Service {
    const service = this.#stored.get(name)
    if (service === undefined) throw new Error(`no service ${name}`)
    return service
  }
}

function refuse(errors: readonly FieldError[] | undefined): void {
  if (errors !== undefined && errors.length > 0) throw newInvalid({ group: '', kind: 'Service' }, 's', [...errors])
}
