/** Stage files as `knarr simulate --stages` plays them, rendered by the chart engine, on a real control plane. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { loadStages } from '#cli/server/stages.ts'
import { NODES, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { isNotFound } from '#machinery/meta/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { startTestControlPlane, type TestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'
import { FakeClock } from '#test/support/fake-clock.ts'
import { startSimulatedNodes, type TestNodes } from '#test/support/simulated-nodes.ts'

const STAGES = `
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: run}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: DoesNotExist}
    - {key: '.status.conditions.[] | select(.type == "Ready") | .status', operator: NotIn, values: ["True"]}
  delay:
    durationMilliseconds: 2000
    durationFrom: {expressionFrom: '.metadata.annotations["example.dev/delay"]'}
  next:
    event: {type: Normal, reason: Played, message: run}
    statusTemplate: |
      {{ $now := Now }}
      phase: Running
      startTime: {{ $now | Quote }}
      conditions:
      {{ range list "Initialized" "Ready" }}
      - {type: {{ . | Quote }}, status: "True", lastTransitionTime: {{ $now | Quote }}}
      {{ end }}
      containerStatuses:
      {{ range .spec.containers }}
      - name: {{ .name | Quote }}
        image: {{ .image | Quote }}
        ready: true
        restartCount: 0
        {{ if eq .terminationMessagePath "File" }}
        imageID: never
        {{ end }}
        state: {running: {startedAt: {{ $now | Quote }}}}
      {{ end }}
      hostIP: {{ NodeIPWith .spec.nodeName | Quote }}
      podIP: {{ PodIPWith .spec.nodeName (or .spec.hostNetwork false) (or .metadata.uid "") | Quote }}
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: remove}
spec:
  resourceRef: {apiGroup: v1, kind: Pod}
  selector:
    matchExpressions:
    - {key: .metadata.deletionTimestamp, operator: Exists}
  next:
    finalizers: {remove: [{value: example.dev/hold}]}
    delete: true
---
apiVersion: kwok.x-k8s.io/v1alpha1
kind: Stage
metadata: {name: mark}
spec:
  resourceRef: {apiGroup: v1, kind: Node}
  selector:
    matchExpressions:
    - {key: '.metadata.annotations["example.dev/marked"]', operator: DoesNotExist}
  next:
    patches:
    - {type: merge, root: metadata, template: 'annotations: {example.dev/marked: {{ NodeName | Quote }}}'}
`

const namespace = 'default'
let clock: FakeClock
let plane: TestControlPlane
let nodes: TestNodes

beforeEach(async () => {
  clock = new FakeClock()
  plane = await startTestControlPlane({ clock })
  const metadata = { name: 'default', namespace }
  await plane.client.create(SERVICE_ACCOUNTS, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
  const file = join(mkdtempSync(join(tmpdir(), 'knarr-stages-')), 'stages.yaml')
  writeFileSync(file, STAGES)
  const stages = loadStages('--stages', [file])
  nodes = await startSimulatedNodes(plane.client, { clock, ...(stages === undefined ? {} : { stages }) })
})
afterEach(async () => {
  await nodes.stop()
  await plane.stop()
})

const getPod = (name: string): Promise<DeepReadonly<Pod>> => plane.client.get(PODS, { namespace, name })

function createPod(name: string, metadata: Pod['metadata'] = {}): Promise<unknown> {
  const spec = { nodeName: 'node-0', containers: [{ name: 'c', image: 'i' }] }
  return plane.client.create(PODS, { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, ...metadata }, spec })
}

describe('stages of a file', () => {
  it('run pods after their delay, which a pod may change', async () => {
    await createPod('slow')
    await createPod('fast', { annotations: { 'example.dev/delay': '10ms' } })
    const fast = await eventually(async () => {
      clock.advance(10)
      const pod = await getPod('fast')
      expect(pod.status?.phase).toBe('Running')
      return pod
    })
    expect(fast.status).toMatchObject({ hostIP: '198.18.0.2', podIP: '100.64.0.2' })
    expect(fast.status?.containerStatuses?.[0]).toMatchObject({ name: 'c', image: 'i', ready: true })
    expect(fast.status?.containerStatuses?.[0]?.imageID).not.toBe('never')
    await eventually(async () => {
      clock.advance(100)
      expect((await getPod('slow')).status?.phase).toBe('Running')
    })
  })

  it('remove finalizers and pods', async () => {
    await createPod('held', { finalizers: ['example.dev/hold'], annotations: { 'example.dev/delay': '0s' } })
    await eventually(async () => expect((await getPod('held')).status?.phase).toBe('Running'))
    await plane.client.delete(PODS, { namespace, name: 'held' })
    await eventually(async () => expect(await getPod('held').catch(isNotFound)).toBe(true))
  })

  it('patch nodes', async () => {
    await eventually(async () => {
      const { metadata } = await plane.client.get(NODES, { name: 'node-0' })
      expect(metadata.annotations?.['example.dev/marked']).toBe('node-0')
    })
  })
})
