import { NODES, PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { objectKeyOf } from '#machinery/informers/key.ts'
import { formatTime } from '#machinery/util/clock.ts'
import { defineController, DONE, requeueAfter } from '#sdk'
export const interim = defineController({
  name: 'interim-kubelet',
  reconciles: PODS,
  concurrency: 10,
  permissions: [{ resource: PODS, verbs: ['get', 'list', 'delete', 'update'] }, { resource: PODS, subresource: 'status', verbs: ['update'] }, { resource: PODS, subresource: 'binding', verbs: ['create'] }, { resource: NODES, verbs: ['get', 'list'] }],
  create: ({ client, lister, clock, random }) => {
    const pods = lister(PODS)
    return {
      async reconcile(key, signal) {
        const pod = pods.get(key)
        if (pod === undefined) return DONE
        if (pod.spec.nodeName === undefined) {
          await client.createSubresource(PODS, key, 'binding', { apiVersion: 'v1', kind: 'Binding', metadata: { name: key.name, namespace: key.namespace ?? '' }, target: { kind: 'Node', name: `node-${random.int(4)}` } } as never, { signal })
          return DONE
        }
        const now = formatTime(clock.now())
        if (pod.metadata.deletionTimestamp !== undefined) {
          await client.delete(PODS, key, { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid ?? '' }, signal })
          return DONE
        }
        const draft = deepCopy<Pod>(pod)
        if (pod.status?.phase === 'Pending') {
          draft.status = { ...draft.status, phase: 'Running', podIP: '10.0.0.1', podIPs: [{ ip: '10.0.0.1' }], startTime: now, conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: now }] }
          await client.update(PODS, draft, { subresource: 'status', signal })
          return pod.spec.restartPolicy === 'Never' ? requeueAfter(2000) : DONE
        }
        if (pod.spec.restartPolicy === 'Never' && pod.status?.phase === 'Running') {
          draft.status = { ...draft.status, phase: random.int(5) === 0 ? 'Failed' : 'Succeeded', conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: now }] }
          await client.update(PODS, draft, { subresource: 'status', signal })
        }
        void objectKeyOf
        return DONE
      },
    }
  },
})
