import { afterEach, beforeEach, expect, it } from 'vitest'
import { CONFIG_MAPS } from '#machinery/api/core/v1/resources.gen.ts'
import type { ConfigMap } from '#machinery/api/core/v1/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { DONE, defineController, runOperator } from '#sdk'
import { type TestControlPlane, startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'

let plane: TestControlPlane
beforeEach(async () => {
  plane = await startTestControlPlane()
})
afterEach(() => plane.stop())

it('runs a controller outside the manager until its signal aborts', async () => {
  const stamping = defineController({
    name: 'stamping',
    reconciles: CONFIG_MAPS,
    permissions: [{ resource: CONFIG_MAPS, verbs: ['get', 'list', 'watch', 'update'] }],
    create: ({ client, lister }) => {
      const configMaps = lister(CONFIG_MAPS)
      return {
        async reconcile(key, signal) {
          const cached = configMaps.get(key)
          if (cached === undefined || cached.metadata.labels?.['stamped'] === 'yes') return DONE
          const draft = deepCopy<ConfigMap>(cached)
          draft.metadata.labels = { ...draft.metadata.labels, stamped: 'yes' }
          await client.update(CONFIG_MAPS, draft, { signal })
          return DONE
        },
      }
    },
  })
  const stop = new AbortController()
  const running = runOperator({ controllers: [stamping], client: plane.client }, stop.signal)
  const metadata = { name: 'a', namespace: 'default' }
  await plane.client.create(CONFIG_MAPS, { apiVersion: 'v1', kind: 'ConfigMap', metadata })
  await eventually(async () => {
    expect((await plane.client.get(CONFIG_MAPS, metadata)).metadata.labels).toEqual({ stamped: 'yes' })
  })
  stop.abort()
  await running
})
