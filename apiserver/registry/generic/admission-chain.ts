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

type Stopwatch = Pick<Clock, 'monotonicMs'>

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
  const clock = measurement?.clock ?? STOPPED
  return {
    admit: (attributes) => runStep(admitting[attributes.operation], attributes, clock),
    validate: (attributes) => runStep(validating[attributes.operation], attributes, clock),
  }
}

/** Of a chain that is not measured. */
const STOPPED: Stopwatch = { monotonicMs: () => 0 }

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

function runStep(step: Step, attributes: AdmissionAttributes, clock: Stopwatch): void | Promise<void> {
  const { links, durations } = step
  const startMs = clock.monotonicMs()
  let outcome: void | Promise<void>
  try {
    outcome = runFrom(0, links, attributes, clock)
  } catch (err: unknown) {
    observe(durations?.rejected, clock.monotonicMs() - startMs)
    throw err
  }
  if (!(outcome instanceof Promise)) {
    observe(durations?.accepted, clock.monotonicMs() - startMs)
    return undefined
  }
  // Who asks for a second round has left the process: without a promise there is none.
  const reinvoked = outcome.then(() => {
    if (attributes.reinvocation !== 'needed') return undefined
    attributes.reinvocation = 'running'
    return runFrom(0, links, attributes, clock)
  })
  return measured(reinvoked, durations, startMs, clock)
}

/** One look at the clock for each link: where one ends, the next begins. */
function runFrom(
  first: number,
  links: readonly Link[],
  attributes: AdmissionAttributes,
  clock: Stopwatch,
): void | Promise<void> {
  let startMs = clock.monotonicMs()
  for (let i = first; i < links.length; i++) {
    const link = links[i]
    if (link === undefined) break
    let outcome: void | Promise<void>
    try {
      outcome = link.run(attributes)
    } catch (err: unknown) {
      observe(link.durations?.rejected, clock.monotonicMs() - startMs)
      throw err
    }
    if (outcome instanceof Promise)
      return measured(outcome, link.durations, startMs, clock).then(() => runFrom(i + 1, links, attributes, clock))
    const endMs = clock.monotonicMs()
    observe(link.durations?.accepted, endMs - startMs)
    startMs = endMs
  }
  return undefined
}

async function measured(
  outcome: Promise<void>,
  durations: AdmissionDurations | undefined,
  startMs: number,
  clock: Stopwatch,
): Promise<void> {
  try {
    await outcome
  } catch (err: unknown) {
    observe(durations?.rejected, clock.monotonicMs() - startMs)
    throw err
  }
  observe(durations?.accepted, clock.monotonicMs() - startMs)
}

function observe(durations: AdmissionDurations['accepted'] | undefined, ms: number): void {
  durations?.observe(ms / 1000)
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
