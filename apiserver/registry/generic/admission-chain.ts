/** Runs admission plugins in their order, without a promise as long as none of them returns one. Upstream: apiserver pkg/admission/chain.go. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { Clock } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionAttributes, AdmissionOperation, AdmissionPlugin } from '../../admission/interfaces.ts'
import type { AdmissionDurations, AdmissionMetrics, AdmissionStep } from '../../admission/metrics.ts'
import { admissionViewOf } from './admission-view.ts'
import type { ResourceDefinition, WriteRequest } from './interfaces.ts'

export interface AdmissionChain {
  admit(attributes: AdmissionAttributes): void | Promise<void>
  validate(attributes: AdmissionAttributes): void | Promise<void>
}

/** How the chain is measured; absent: it is not. */
export interface AdmissionMeasurement {
  readonly metrics: AdmissionMetrics
  readonly clock: Clock
}

interface Link {
  readonly run: (attributes: AdmissionAttributes) => void | Promise<void>
  readonly durations: AdmissionDurations | undefined
}

interface Step {
  readonly links: readonly Link[]
  readonly durations: AdmissionDurations | undefined
}

export function createAdmissionChain(
  plugins: readonly AdmissionPlugin[],
  measurement?: AdmissionMeasurement,
): AdmissionChain {
  const admitting = stepsOf('admit', plugins, measurement)
  const validating = stepsOf('validate', plugins, measurement)
  const clock = measurement?.clock
  const run = ({ links, durations }: Step, attributes: AdmissionAttributes): void | Promise<void> => {
    const reinvoke = (): void | Promise<void> => {
      if (attributes.reinvocation !== 'needed') return undefined
      attributes.reinvocation = 'running'
      return runFrom(0, links, attributes, clock)
    }
    return measured(durations, clock, () => {
      const admitted = runFrom(0, links, attributes, clock)
      // Who asks for a second round has left the process: without a promise there is none.
      return admitted instanceof Promise ? admitted.then(reinvoke) : admitted
    })
  }
  return {
    admit: (attributes) => run(admitting[attributes.operation], attributes),
    validate: (attributes) => run(validating[attributes.operation], attributes),
  }
}

function stepsOf(
  phase: AdmissionStep,
  plugins: readonly AdmissionPlugin[],
  measurement: AdmissionMeasurement | undefined,
): Record<AdmissionOperation, Step> {
  const metrics = measurement?.metrics
  const stepOf = (operation: AdmissionOperation): Step => ({
    durations: metrics?.ofStep(phase, operation),
    links: plugins.flatMap((plugin) => {
      if (plugin[phase] === undefined || !plugin.handles(operation)) return []
      const durations = metrics?.ofPlugin(plugin.name, phase, operation)
      return [{ run: (attributes: AdmissionAttributes) => plugin[phase]?.(attributes), durations }]
    }),
  })
  return { CREATE: stepOf('CREATE'), UPDATE: stepOf('UPDATE'), DELETE: stepOf('DELETE'), CONNECT: stepOf('CONNECT') }
}

function runFrom(
  start: number,
  links: readonly Link[],
  attributes: AdmissionAttributes,
  clock: Clock | undefined,
): void | Promise<void> {
  for (let i = start; i < links.length; i++) {
    const link = links[i]
    const outcome = link && measured(link.durations, clock, () => link.run(attributes))
    if (outcome instanceof Promise) return outcome.then(() => runFrom(i + 1, links, attributes, clock))
  }
  return undefined
}

function measured(
  durations: AdmissionDurations | undefined,
  clock: Clock | undefined,
  run: () => void | Promise<void>,
): void | Promise<void> {
  if (durations === undefined || clock === undefined) return run()
  const startMs = clock.monotonicMs()
  const seconds = (): number => (clock.monotonicMs() - startMs) / 1000
  const rejected = (err: unknown): never => {
    durations.rejected.observe(seconds())
    throw err
  }
  let outcome: void | Promise<void>
  try {
    outcome = run()
  } catch (err: unknown) {
    return rejected(err)
  }
  if (outcome instanceof Promise) return outcome.then(() => durations.accepted.observe(seconds()), rejected)
  durations.accepted.observe(seconds())
  return undefined
}

export interface AdmissionSubject {
  readonly operation: AdmissionOperation
  readonly name: string
  readonly object: KubeObject | undefined
  readonly oldObject: DeepReadonly<KubeObject> | undefined
}

export function admissionAttributes(
  definition: ResourceDefinition,
  request: WriteRequest,
  subject: AdmissionSubject,
): AdmissionAttributes {
  const { context, version, subresource, options } = request
  return {
    operation: subject.operation,
    kind: request.view?.kindIn(version) ?? { group: definition.group, version, kind: definition.kind },
    group: definition.group,
    version,
    resource: definition.resource,
    subresource,
    // A Namespace is its own namespace, also while it is being created.
    namespace: definition.resource === 'namespaces' && definition.group === '' ? subject.name : context.namespace,
    name: subject.name,
    user: context.user,
    isDryRun: context.isDryRun,
    object: subject.object,
    oldObject: subject.oldObject,
    options,
    warn: (message) => context.warn(message),
    request: context,
    view: request.view ?? admissionViewOf(definition),
    reinvocation: undefined,
  }
}
