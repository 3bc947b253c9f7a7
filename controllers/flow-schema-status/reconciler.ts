/**
 * Says of each FlowSchema whether the PriorityLevelConfiguration it names is there: the condition `Dangling`.
 *
 * Reads: flowschemas and prioritylevelconfigurations from the cache.  Writes: flowschemas/status, applied.
 * Upstream: apiserver pkg/util/flowcontrol/apf_controller.go (presyncFlowSchemaStatus), which runs inside kube-apiserver.
 */
import { FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS } from '#machinery/api/flowcontrol/v1/resources.gen.ts'
import type {
  FlowSchema,
  FlowSchemaCondition,
  PriorityLevelConfiguration,
} from '#machinery/api/flowcontrol/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import { type Clock, formatTime } from '#machinery/util/clock.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey, Reconciler, Result } from '#sdk'
import { DONE, defineController } from '#sdk'
import { FLOW_SCHEMA_STATUS_CONTROLLER } from '../manager/names.ts'

const FIELD_MANAGER = 'api-priority-and-fairness-config-consumer-v1'
const TYPE = { apiVersion: 'flowcontrol.apiserver.k8s.io/v1', kind: 'FlowSchema' } as const
const BY_PRIORITY_LEVEL = 'priority-level'

export const flowSchemaStatusController = defineController({
  name: FLOW_SCHEMA_STATUS_CONTROLLER,
  reconciles: FLOW_SCHEMAS,
  permissions: [
    { resource: FLOW_SCHEMAS, verbs: ['list', 'watch'] },
    { resource: FLOW_SCHEMAS, subresource: 'status', verbs: ['patch'] },
    { resource: PRIORITY_LEVEL_CONFIGURATIONS, verbs: ['list', 'watch'] },
  ],
  create: ({ client, clock, informer, lister, enqueue }) => {
    const schemas = informer(FLOW_SCHEMAS)
    schemas.addIndex(BY_PRIORITY_LEVEL, ({ spec }) => [spec.priorityLevelConfiguration.name])
    const enqueueReferring = ({ metadata: { name = '' } }: DeepReadonly<PriorityLevelConfiguration>): void => {
      for (const { metadata } of schemas.lister.byIndex(BY_PRIORITY_LEVEL, name)) enqueue({ name: metadata.name ?? '' })
    }
    informer(PRIORITY_LEVEL_CONFIGURATIONS).addHandler({ onAdd: enqueueReferring, onDelete: enqueueReferring })
    return new FlowSchemaStatusReconciler(client, schemas.lister, lister(PRIORITY_LEVEL_CONFIGURATIONS), clock)
  },
})

class FlowSchemaStatusReconciler implements Reconciler {
  readonly #client: Client
  readonly #schemas: Lister<FlowSchema>
  readonly #levels: Lister<PriorityLevelConfiguration>
  readonly #clock: Clock

  constructor(client: Client, schemas: Lister<FlowSchema>, levels: Lister<PriorityLevelConfiguration>, clock: Clock) {
    this.#client = client
    this.#schemas = schemas
    this.#levels = levels
    this.#clock = clock
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const schema = this.#schemas.get(key)
    if (schema === undefined) return DONE
    const { name } = schema.spec.priorityLevelConfiguration
    const wanted = danglingCondition(name, this.#levels.get({ name }) !== undefined)
    const current = schema.status?.conditions?.find(({ type }) => type === 'Dangling')
    const { status, reason, message } = wanted
    if (current?.status === status && current?.reason === reason && current?.message === message) return DONE
    const condition = { ...wanted, lastTransitionTime: formatTime(this.#clock.now()) }
    // The UID keeps it from making a new object of one that was deleted meanwhile.
    const metadata = { name: key.name, uid: schema.metadata.uid }
    const body = { ...TYPE, metadata, status: { conditions: [condition] } }
    const options = { subresource: 'status', fieldManager: FIELD_MANAGER, signal }
    await this.#client.patch(FLOW_SCHEMAS, key, { type: 'apply', body, force: true }, options)
    return DONE
  }
}

function danglingCondition(priorityLevel: string, isThere: boolean): FlowSchemaCondition {
  const which = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(priorityLevel)}`
  return isThere
    ? { type: 'Dangling', status: 'False', reason: 'Found', message: `${which} and it exists` }
    : { type: 'Dangling', status: 'True', reason: 'NotFound', message: `${which} but there is no such object` }
}
