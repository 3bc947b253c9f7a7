/** Whether FlowSchemas know that their priority level is there. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { flowSchemaStatusController } from '#controllers/flow-schema-status/reconciler.ts'
import { FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS } from '#machinery/api/flowcontrol/v1/resources.gen.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'

const apiVersion = 'flowcontrol.apiserver.k8s.io/v1'
const FOUND = {
  type: 'Dangling',
  status: 'False',
  reason: 'Found',
  message: 'This FlowSchema references the PriorityLevelConfiguration object named "later" and it exists',
}
const NOT_FOUND = {
  type: 'Dangling',
  status: 'True',
  reason: 'NotFound',
  message: 'This FlowSchema references the PriorityLevelConfiguration object named "later" but there is no such object',
}
let plane: TestControlPlane
beforeEach(async () => {
  plane = await startTestControlPlane({ controllers: [flowSchemaStatusController] })
})
afterEach(() => plane.stop())

const schemaOf = (name: string) => plane.client.get(FLOW_SCHEMAS, { name })
const dangling = async (name: string) => (await schemaOf(name)).status?.conditions

async function createSchema(name: string): Promise<void> {
  await plane.client.create(FLOW_SCHEMAS, {
    apiVersion,
    kind: 'FlowSchema',
    metadata: { name },
    spec: { priorityLevelConfiguration: { name: 'later' }, matchingPrecedence: 9000 },
  })
}

function createLevel(): Promise<unknown> {
  return plane.client.create(PRIORITY_LEVEL_CONFIGURATIONS, {
    apiVersion,
    kind: 'PriorityLevelConfiguration',
    metadata: { name: 'later' },
    spec: { type: 'Limited', limited: { nominalConcurrencyShares: 5, limitResponse: { type: 'Reject' } } },
  })
}

describe('a FlowSchema', () => {
  it('of the bootstrap objects finds its level, as kubectl shows', async () => {
    await eventually(async () => {
      const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' }
      const { body } = await plane.client.raw({ method: 'GET', path: `/apis/${apiVersion}/flowschemas`, headers })
      const { columnDefinitions, rows } = body as {
        columnDefinitions: { name: string }[]
        rows: { cells: unknown[] }[]
      }
      const column = columnDefinitions.findIndex(({ name }) => name === 'MissingPL')
      expect(rows.map(({ cells }) => cells[column])).toEqual(rows.map(() => 'False'))
    })
  })

  it('dangles until its level is made, and again when that goes', async () => {
    await createSchema('s')
    await eventually(async () => expect(await dangling('s')).toMatchObject([NOT_FOUND]))
    await createLevel()
    await eventually(async () => expect(await dangling('s')).toMatchObject([FOUND]))
    await plane.client.delete(PRIORITY_LEVEL_CONFIGURATIONS, { name: 'later' })
    await eventually(async () => expect(await dangling('s')).toMatchObject([NOT_FOUND]))
    const { managedFields } = (await schemaOf('s')).metadata
    expect(managedFields).toContainEqual(
      expect.objectContaining({
        manager: 'api-priority-and-fairness-config-consumer-v1',
        operation: 'Apply',
        subresource: 'status',
      }),
    )
  })

  it('keeps the conditions of others', async () => {
    await createSchema('s')
    await eventually(async () => expect(await dangling('s')).toMatchObject([NOT_FOUND]))
    const conditions = [{ type: 'Mine', status: 'True' }, NOT_FOUND]
    const patch = { type: 'merge', body: { status: { conditions } } } as const
    await plane.client.patch(FLOW_SCHEMAS, { name: 's' }, patch, { subresource: 'status' })
    await createLevel()
    await eventually(async () => {
      const current = await dangling('s')
      expect(current).toHaveLength(2)
      expect(current).toContainEqual(expect.objectContaining(FOUND))
      expect(current).toContainEqual(expect.objectContaining({ type: 'Mine' }))
    })
  })
})
