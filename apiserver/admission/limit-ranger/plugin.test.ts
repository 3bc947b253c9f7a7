/** LimitRanges applied. Upstream: plugin/pkg/admission/limitranger/admission_test.go. */
import { describe, expect, it } from 'vitest'
import type { LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { StatusError } from '#machinery/meta/errors.ts'
import type { AdmissionAttributes } from '../interfaces.ts'
import { podUsage } from './bounds.ts'
import { createLimitRanger } from './plugin.ts'

type Spec = Pod['spec']
type Resources = NonNullable<Spec['containers'][number]['resources']>

const pod = (spec: Partial<Spec>): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'p', namespace: 'ns' },
  spec: { containers: [], ...spec },
})
const container = (name: string, resources: Resources = {}) => ({ name, image: 'a:1', resources })
const cpu = (requests: string, limits?: string): Resources => ({
  requests: { cpu: requests },
  ...(limits === undefined ? {} : { limits: { cpu: limits } }),
})
const range = (...limits: LimitRangeItem[]): LimitRange => ({
  apiVersion: 'v1',
  kind: 'LimitRange',
  metadata: { name: 'l', namespace: 'ns' },
  spec: { limits },
})
const claim = (requests: Record<string, string>): PersistentVolumeClaim => ({
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: { name: 'c', namespace: 'ns' },
  spec: { accessModes: ['ReadWriteOnce'], resources: { requests } },
})

const attributesOf = (object: Pod | PersistentVolumeClaim, more: Partial<AdmissionAttributes> = {}) =>
  ({
    operation: 'CREATE',
    kind: { group: '', version: 'v1', kind: object.kind ?? '' },
    group: '',
    version: 'v1',
    resource: object.kind === 'Pod' ? 'pods' : 'persistentvolumeclaims',
    subresource: '',
    namespace: 'ns',
    name: object.metadata.name ?? '',
    user: { name: 'u', uid: '', groups: [], extra: new Map() },
    isDryRun: false,
    object,
    oldObject: undefined,
    options: {},
    warn: () => undefined,
    ...more,
  }) satisfies AdmissionAttributes

/** '' when it is let through. */
function refusal(attributes: AdmissionAttributes, ...ranges: LimitRange[]): string {
  const plugin = createLimitRanger({ limitRanges: () => ranges })
  try {
    void plugin.admit?.(attributes)
    void plugin.validate?.(attributes)
    return ''
  } catch (err) {
    if (err instanceof StatusError) return (err.status.message ?? '').replace(/^.* is forbidden: /, '')
    throw err
  }
}

describe('what a Pod uses', () => {
  it.each<[string, Partial<Spec>, Resources]>([
    [
      'containers add up',
      { containers: [container('a', cpu('1', '2')), container('b', cpu('2', '3'))] },
      cpu('3', '5'),
    ],
    [
      'an init container that takes more',
      { containers: [container('a', cpu('1'))], initContainers: [container('i', cpu('3'))] },
      { ...cpu('3'), limits: {} },
    ],
    [
      'sidecars add up, and to the init containers after them',
      {
        containers: [container('a', cpu('1', '1'))],
        initContainers: [{ ...container('s', cpu('2', '2')), restartPolicy: 'Always' }, container('i', cpu('2', '4'))],
      },
      cpu('4', '6'),
    ],
    [
      'what the Pod says for itself counts',
      { containers: [container('a', cpu('1', '1'))], resources: cpu('5', '6') },
      cpu('5', '6'),
    ],
  ])('%s', (_name, spec, expected) => {
    expect(podUsage(pod(spec))).toEqual(expected)
  })
})

describe('bounds', () => {
  const ofContainer = (item: Partial<LimitRangeItem>) => range({ type: 'Container', ...item })
  it.each<[string, Resources, Partial<LimitRangeItem>, string]>([
    ['within', cpu('1', '2'), { min: { cpu: '1' }, max: { cpu: '2' } }, ''],
    ['no request', {}, { min: { cpu: '1' } }, 'minimum cpu usage per Container is 1.  No request is specified'],
    [
      'request too low',
      cpu('500m'),
      { min: { cpu: '1' } },
      'minimum cpu usage per Container is 1, but request is 500m',
    ],
    [
      'limit too low',
      cpu('2', '500m'),
      { min: { cpu: '1' } },
      'minimum cpu usage per Container is 1, but limit is 500m',
    ],
    ['no limit', cpu('1'), { max: { cpu: '1' } }, 'maximum cpu usage per Container is 1.  No limit is specified'],
    ['limit too high', cpu('1', '2'), { max: { cpu: '1' } }, 'maximum cpu usage per Container is 1, but limit is 2'],
    [
      'request too high',
      cpu('2', '1'),
      { max: { cpu: '1' } },
      'maximum cpu usage per Container is 1, but request is 2',
    ],
    [
      'ratio without a request',
      { limits: { cpu: '1' } },
      { maxLimitRequestRatio: { cpu: '2' } },
      'cpu max limit to request ratio per Container is 2, but no request is specified or request is 0',
    ],
    [
      'ratio without a limit',
      cpu('1'),
      { maxLimitRequestRatio: { cpu: '2' } },
      'cpu max limit to request ratio per Container is 2, but no limit is specified or limit is 0',
    ],
    [
      'ratio too high',
      cpu('1', '3'),
      { maxLimitRequestRatio: { cpu: '1500m' } },
      'cpu max limit to request ratio per Container is 1500m, but provided ratio is 3.000000',
    ],
    ['ratio met', cpu('1', '1500m'), { maxLimitRequestRatio: { cpu: '1500m' } }, ''],
  ])('%s', (_name, resources, item, expected) => {
    expect(refusal(attributesOf(pod({ containers: [container('a', resources)] })), ofContainer(item))).toBe(expected)
  })

  it.each<[string, Record<string, string>, Partial<LimitRangeItem>, string]>([
    ['within', { storage: '2Gi' }, { min: { storage: '1Gi' }, max: { storage: '2Gi' } }, ''],
    [
      'too small',
      { storage: '1Mi' },
      { min: { storage: '1Gi' } },
      'minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi',
    ],
    [
      'too large',
      { storage: '3Gi' },
      { max: { storage: '2Gi' } },
      'maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi',
    ],
    [
      'nothing said',
      {},
      { max: { storage: '2Gi' } },
      'maximum storage usage per PersistentVolumeClaim is 2Gi.  No request is specified',
    ],
    ['no ratio for claims', { storage: '1Gi' }, { maxLimitRequestRatio: { storage: '0' } }, ''],
  ])('a claim: %s', (_name, requests, item, expected) => {
    expect(refusal(attributesOf(claim(requests)), range({ type: 'PersistentVolumeClaim', ...item }))).toBe(expected)
  })

  it('are told of the first LimitRange that is broken, each once', () => {
    const subject = pod({ containers: [container('a', cpu('2', '2')), container('b', cpu('2', '2'))] })
    const first = range({ type: 'Container', max: { cpu: '1' } })
    const second = range({ type: 'Pod', max: { cpu: '1' } })
    const expected = 'maximum cpu usage per Container is 1, but limit is 2'
    expect(refusal(attributesOf(subject), first, second)).toBe(expected)
  })
})

it('the first of several LimitRanges gives the defaults', () => {
  const subject = pod({ containers: [container('a')] })
  const ranges = ['1', '2'].map((amount) => range({ type: 'Container', default: { cpu: amount } }))
  expect(refusal(attributesOf(subject), ...ranges)).toBe('')
  expect(subject.spec.containers[0]?.resources?.limits).toEqual({ cpu: '1' })
})

it.each<[string, Partial<AdmissionAttributes>, boolean]>([
  ['a change', { operation: 'UPDATE' }, false],
  ['a resize', { operation: 'UPDATE', subresource: 'resize' }, true],
  ['a new status', { operation: 'UPDATE', subresource: 'status' }, false],
  [
    'a resize of a Pod on its way out',
    {
      operation: 'UPDATE',
      subresource: 'resize',
      oldObject: { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', deletionTimestamp: '2026-01-01T00:00:00Z' } },
    },
    false,
  ],
])('%s of a Pod is checked: %s', (_name, more, isChecked) => {
  const subject = pod({ containers: [container('a', cpu('2', '2'))] })
  const message = refusal(attributesOf(subject, more), range({ type: 'Container', max: { cpu: '1' } }))
  expect(message !== '').toBe(isChecked)
})
