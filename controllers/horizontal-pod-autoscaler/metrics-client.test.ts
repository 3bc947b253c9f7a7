/** What one entry of the resource metrics says of its Pod. */
import { expect, it } from 'vitest'
import { usageOf } from './metrics-client.ts'

const item = (
  containers?: readonly { readonly name: string; readonly usage?: Readonly<Record<string, string>> }[],
) => ({
  apiVersion: 'metrics.k8s.io/v1beta1',
  kind: 'PodMetrics',
  metadata: { name: 'p' },
  ...(containers === undefined ? {} : { containers }),
})
const both = item([
  { name: 'c', usage: { cpu: '250m' } },
  { name: 'd', usage: { cpu: '50m', memory: '1Ki' } },
])

it.each<[string, ReturnType<typeof item>, string, string | undefined, number | undefined]>([
  ['of all containers', both, 'cpu', undefined, 300],
  ['one has no value', both, 'memory', undefined, undefined],
  ['of one container', both, 'memory', 'd', 1_024_000],
  ['the container has no value', both, 'memory', 'c', undefined],
  ['the container is not there', both, 'cpu', 'e', undefined],
  ['of no containers', item([]), 'cpu', undefined, undefined],
  ['nothing is said', item(), 'cpu', 'c', undefined],
])('%s', (_name, of, resource, container, expected) => {
  expect(usageOf(of, resource, container)).toBe(expected)
})
