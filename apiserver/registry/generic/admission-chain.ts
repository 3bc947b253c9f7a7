/** Runs admission plugins in their order, without a promise as long as none of them returns one. Upstream: apiserver pkg/admission/chain.go. */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { AdmissionAttributes, AdmissionOperation, AdmissionPlugin } from '../../admission/interfaces.ts'
import { admissionViewOf } from './admission-view.ts'
import type { ResourceDefinition, WriteRequest } from './interfaces.ts'

type Phase = 'admit' | 'validate'

export interface AdmissionChain {
  admit(attributes: AdmissionAttributes): void | Promise<void>
  validate(attributes: AdmissionAttributes): void | Promise<void>
}

export function createAdmissionChain(plugins: readonly AdmissionPlugin[]): AdmissionChain {
  const chosen = new Map<string, AdmissionPlugin[]>()
  for (const operation of ['CREATE', 'UPDATE', 'DELETE', 'CONNECT'] as const) {
    const handling = plugins.filter((plugin) => plugin.handles(operation))
    chosen.set(
      `admit ${operation}`,
      handling.filter((plugin) => plugin.admit !== undefined),
    )
    chosen.set(
      `validate ${operation}`,
      handling.filter((plugin) => plugin.validate !== undefined),
    )
  }
  const run = (phase: Phase, attributes: AdmissionAttributes): void | Promise<void> =>
    runFrom(0, chosen.get(`${phase} ${attributes.operation}`) ?? [], phase, attributes)
  const reinvoke = (attributes: AdmissionAttributes): void | Promise<void> => {
    if (attributes.reinvocation !== 'needed') return undefined
    attributes.reinvocation = 'running'
    return run('admit', attributes)
  }
  return {
    admit(attributes) {
      const admitted = run('admit', attributes)
      // Who asks for a second round has left the process: without a promise there is none.
      return admitted instanceof Promise ? admitted.then(() => reinvoke(attributes)) : admitted
    },
    validate: (attributes) => run('validate', attributes),
  }
}

function runFrom(
  start: number,
  plugins: readonly AdmissionPlugin[],
  phase: Phase,
  attributes: AdmissionAttributes,
): void | Promise<void> {
  for (let i = start; i < plugins.length; i++) {
    const outcome = plugins[i]?.[phase]?.(attributes)
    if (outcome instanceof Promise) return outcome.then(() => runFrom(i + 1, plugins, phase, attributes))
  }
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
