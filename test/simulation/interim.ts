/** Stands in for the scheduler. */
import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import { defineController, DONE, requeueAfter } from '#sdk'
export const interim = defineController({
  name: 'interim-scheduler',
  reconciles: PODS,
  concurrency: 10,
  permissions: [{ resource: PODS, subresource: 'binding', verbs: ['create'] }],
  create: ({ client, lister, random }) => {
    const pods = lister(PODS)
    const nodes = lister(NODES)
    return {
      async reconcile(key, signal) {
        const pod = pods.get(key)
        if (pod === undefined || (pod.spec.nodeName ?? '') !== '' || pod.metadata.deletionTimestamp !== undefined)
          return DONE
        const fit = nodes.list().filter(({ spec }) => spec.unschedulable !== true)
        const node = fit[random.int(fit.length || 1)]
        if (node === undefined) return requeueAfter(1000)
        await client.createSubresource(
          PODS,
          key,
          'binding',
          {
            apiVersion: 'v1',
            kind: 'Binding',
            metadata: { name: key.name, namespace: key.namespace ?? '' },
            target: { kind: 'Node', name: node.metadata.name },
          } as never,
          { signal },
        )
        return DONE
      },
    }
  },
})
