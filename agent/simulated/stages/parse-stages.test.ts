import { describe, expect, it } from 'vitest'
import type { Random } from '#machinery/util/random.ts'
import { parseStages } from './parse-stages.ts'
import { chooseStage } from './stage.ts'

const stage = (name: string, spec: object): unknown => ({
  apiVersion: 'kwok.x-k8s.io/v1alpha1',
  kind: 'Stage',
  metadata: { name },
  spec: { resourceRef: { apiGroup: 'v1', kind: 'Pod' }, ...spec },
})

const NOW = Date.parse('2026-01-01T00:00:00Z')
/** Always the same fraction of the range. */
const dice = (fraction: number): Random => ({
  uuid: () => '',
  bytes: (size) => Buffer.alloc(size),
  int: (maxExclusive) => Math.floor(maxExclusive * fraction),
})

const PENDING = {
  metadata: { labels: { app: 'x' }, annotations: { delay: '5s', at: '2026-01-01T00:00:30Z' } },
  status: { phase: 'Pending' },
}

function matches(selector: object): boolean {
  return parseStages([stage('s', { selector })])[0]?.matches(PENDING) ?? false
}

describe('stages', () => {
  it.each<[string, object, boolean]>([
    ['anything', {}, true],
    ['labels', { matchLabels: { app: 'x' } }, true],
    ['other labels', { matchLabels: { app: 'y' } }, false],
    ['annotations', { matchAnnotations: { delay: '5s' } }, true],
    ['In', { matchExpressions: [{ key: '.status.phase', operator: 'In', values: ['Pending', 'Running'] }] }, true],
    [
      'NotIn of what is not there',
      { matchExpressions: [{ key: '.status.x', operator: 'NotIn', values: ['a'] }] },
      true,
    ],
    ['Exists', { matchExpressions: [{ key: '.metadata.deletionTimestamp', operator: 'Exists' }] }, false],
    ['DoesNotExist', { matchExpressions: [{ jq: { key: '.status.podIP', operator: 'DoesNotExist' } }] }, true],
  ])('select by %s', (_what, selector, expected) => {
    expect(matches(selector)).toBe(expected)
  })

  it.each<[string, object, number]>([
    ['none', {}, 0],
    ['fixed', { durationMilliseconds: 1_000 }, 1_000],
    ['between the two', { durationMilliseconds: 1_000, jitterDurationMilliseconds: 3_000 }, 2_000],
    ['the jitter when it is shorter', { durationMilliseconds: 1_000, jitterDurationMilliseconds: 400 }, 400],
    [
      'from a duration in a field',
      { durationMilliseconds: 1, durationFrom: { expressionFrom: '.metadata.annotations.delay' } },
      5_000,
    ],
    ['until a time in a field', { durationFrom: { jq: { expression: '.metadata.annotations.at' } } }, 30_000],
    [
      'the default when the field is not there',
      { durationMilliseconds: 7, durationFrom: { expressionFrom: '.metadata.x' } },
      7,
    ],
  ])('wait: %s', (_what, delay, expected) => {
    const [parsed] = parseStages([stage('s', { selector: {}, delay })])
    expect(parsed?.delayMs(PENDING, NOW, dice(0.5))).toBe(expected)
  })

  it('are chosen by weight, and never with none when others have some', () => {
    const weighted = (name: string, weight: number) => stage(name, { selector: {}, weight })
    const stages = parseStages([weighted('none', 0), weighted('one', 1), weighted('three', 3)])
    const names = [0, 0.2, 0.3, 0.99].map((fraction) => chooseStage(stages, PENDING, dice(fraction))?.name)
    expect(names).toEqual(['one', 'one', 'three', 'three'])
    expect(chooseStage(stages.slice(0, 1), PENDING, dice(0))?.name).toBe('none')
    expect(chooseStage([], PENDING, dice(0))).toBeUndefined()
  })

  it('without a selector are off', () => {
    expect(parseStages([stage('s', {})])).toEqual([])
  })

  it('say events before they delete, and do not patch what they delete', () => {
    const next = { event: { reason: 'Bye' }, delete: true, statusTemplate: 'phase: Failed' }
    const [parsed] = parseStages([stage('s', { selector: {}, next })])
    expect(parsed?.steps.map(({ type }) => type)).toEqual(['event', 'delete'])
  })

  it.each<[object, string]>([
    [
      { selector: { matchExpressions: [{ cel: { expression: 'true' } }] } },
      'stage s: spec.selector.matchExpressions[0].cel: not supported',
    ],
    [{ selector: {}, next: { statusPatchAs: { username: 'x' } } }, 'stage s: spec.next.statusPatchAs: not supported'],
    [{ selector: {}, steps: [{ apply: {} }] }, 'stage s: spec.steps[0].apply: not supported'],
    [
      { selector: {}, next: { patches: [{ type: 'apply' }] } },
      'stage s: spec.next.patches[0].type: "apply" is not json, merge or strategic',
    ],
    [{ selector: {}, weightFrom: { cel: {} } }, 'stage s: spec.weightFrom.cel: not supported'],
    [
      { selector: {}, resourceRef: { apiGroup: 'apps/v1', kind: 'Deployment' } },
      'only Pod and Node of v1 are supported',
    ],
    [
      { selector: { matchExpressions: [{ key: '.a', operator: 'Gt' }] } },
      '"Gt" is not In, NotIn, Exists or DoesNotExist',
    ],
    [{ selector: {}, delay: { durationMilliseconds: '1s' } }, 'durationMilliseconds: must be a number'],
    [
      { selector: { matchExpressions: [{ key: '.a | length', operator: 'Exists' }] } },
      'matchExpressions[0].key: ".a | length"',
    ],
  ])('name what is not supported in %j', (spec, message) => {
    expect(() => parseStages([stage('s', spec)])).toThrow(message)
  })

  it('are the only kind a file may hold', () => {
    expect(() => parseStages([{ apiVersion: 'v1', kind: 'Pod' }])).toThrow('not a Stage')
  })
})
