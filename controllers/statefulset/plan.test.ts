import { describe, expect, it } from 'vitest'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { RevisionView } from '../manager/revision-history.ts'
import type { Plan, SetFacts } from './plan.ts'
import { planPass } from './plan.ts'
import type { SetView } from './pod-identity.ts'
import { setStatus } from './set-status.ts'

const NOW = Date.parse('2026-01-01T00:10:00Z')

interface World {
  readonly policy?: 'OrderedReady' | 'Parallel'
  readonly replicas?: number
  readonly start?: number
  readonly partition?: number
  /** Undefined: the gate is off. */
  readonly max?: number
  readonly minReadySeconds?: number
  readonly strategy?: string
  /**
   * By ordinal from 0 on: o(f the current revision), n(ew); a capital: ready for a minute; `-` after it: being deleted; `x`
   * before it: failed, `p`: pending. A dot: no Pod.
   */
  readonly pods: string
}

const revision = (name: string): RevisionView => ({
  apiVersion: 'apps/v1',
  kind: 'ControllerRevision',
  metadata: { name },
  revision: 1,
})

function factsOf(world: World): SetFacts {
  const pods = podsOf(world.pods)
  const {
    policy = 'OrderedReady',
    replicas = pods.length,
    start = 0,
    partition = 0,
    strategy = 'RollingUpdate',
  } = world
  const set: SetView = {
    apiVersion: 'apps/v1',
    kind: 'StatefulSet',
    metadata: { name: 'web', generation: 2 },
    spec: {
      replicas,
      ordinals: { start },
      podManagementPolicy: policy,
      selector: {},
      template: { spec: { containers: [] } },
      minReadySeconds: world.minReadySeconds ?? 0,
      updateStrategy: { type: strategy, ...(strategy === 'OnDelete' ? {} : { rollingUpdate: { partition } }) },
    },
    status: { replicas: 0 },
  }
  const no = (): boolean => false
  const [current, update] = [revision('o'), revision('n')]
  const hooks = { hasStaleClaim: no, needsRepair: no, needsClaimRepair: no }
  return {
    set,
    pods: pods.filter((pod) => pod !== undefined),
    current,
    update,
    maxUnavailable: world.max,
    nowMs: NOW,
    ...hooks,
  }
}

function podsOf(text: string): (Pod | undefined)[] {
  const lastTransitionTime = new Date(NOW - 60_000).toISOString()
  return [...text.matchAll(/\.|([xp]?)([on])(-?)/gi)].map(([all, mark, letter = '', going], i) => {
    if (all === '.') return undefined
    const isReady = letter === letter.toUpperCase()
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: `web-${i}`,
        labels: { 'controller-revision-hash': letter.toLowerCase() },
        ...(going === '-' ? { deletionTimestamp: '2026-01-01T00:09:00Z' } : {}),
      },
      spec: { containers: [] },
      status: {
        phase: mark === 'x' ? 'Failed' : mark === 'p' ? 'Pending' : 'Running',
        conditions: [{ type: 'Ready', status: isReady ? 'True' : 'False', lastTransitionTime }],
      },
    }
  })
}

type Outcome = Partial<Record<'create' | 'finished' | 'surplus' | 'outdated', string[]>>

function outcomeOf(plan: Plan): Outcome {
  const { create, removeFinished: finished, removeSurplus: surplus, removeOutdated: outdated } = plan
  const all = Object.entries({ create, finished, surplus, outdated })
  const kinds = all.filter(([, pods]) => pods.length > 0)
  return Object.fromEntries(
    kinds.map(([kind, pods]) => [kind, pods.map(({ metadata }) => metadata.name?.slice(4) ?? '')]),
  )
}

describe('a pass in order', () => {
  it.each<[string, World, Outcome]>([
    ['makes the first that is missing', { pods: 'N..' }, { create: ['1'] }],
    ['waits for the one before', { pods: 'n..' }, {}],
    ['waits for its minReadySeconds', { minReadySeconds: 90, pods: 'N.' }, {}],
    ['fills a gap before all else', { pods: '.NN' }, { create: ['0'] }],
    ['removes one that failed, and nothing else', { pods: 'NxoN' }, { finished: ['1'] }],
    ['waits while a failed one is going', { pods: 'Nxo-.' }, {}],
    ['waits for one that is going', { pods: 'NN-N' }, {}],
    ['scales down from the highest', { replicas: 1, pods: 'NNN' }, { surplus: ['2'] }],
    ['not while one within the range does not work', { replicas: 2, pods: 'NnN' }, {}],
    ['not while a surplus one below it does not work', { replicas: 1, pods: 'NnN' }, { surplus: ['2'] }],
    [
      'takes a surplus one that does not work when none below it does not',
      { replicas: 1, pods: 'NNn' },
      { surplus: ['2'] },
    ],
    ['not one that is not the lowest that does not work', { replicas: 1, pods: 'Nnn' }, {}],
    ['waits for a surplus one that is going', { replicas: 1, pods: 'NNN-' }, {}],
    ['updates the highest', { pods: 'OOO' }, { outdated: ['2'] }],
    ['goes on below new ones that work', { pods: 'OON' }, { outdated: ['1'] }],
    ['updates none below the partition', { partition: 2, pods: 'OON' }, {}],
    ['updates none by itself with OnDelete', { strategy: 'OnDelete', pods: 'OOO' }, {}],
    ['scales down before it updates', { replicas: 2, pods: 'OOO' }, { surplus: ['2'] }],
    ['moves to higher ordinals', { replicas: 2, start: 1, pods: 'NN.' }, { create: ['2'] }],
    ['then leaves those below', { replicas: 2, start: 1, pods: 'NNN' }, { surplus: ['0'] }],
    [
      'takes as many as may be missing, one at a time while they are',
      { max: 2, pods: 'OOOO' },
      { outdated: ['3', '2'] },
    ],
  ])('%s', (_what, world, expected) => {
    expect(outcomeOf(planPass(factsOf(world)))).toEqual(expected)
  })
})

describe('a pass all at once', () => {
  it.each<[string, World, Outcome]>([
    ['makes all that are missing', { pods: 'n..' }, { create: ['1', '2'] }],
    ['removes all that failed, makes the others', { pods: 'xn.xnN' }, { finished: ['0', '2'], create: ['1'] }],
    ['scales down all', { replicas: 1, pods: 'NnN' }, { surplus: ['2', '1'] }],
    ['updates one at a time, whether or not it works', { pods: 'ooo' }, { outdated: ['2'] }],
    ['waits for the updated one', { pods: 'OOn' }, {}],
  ])('%s', (_what, world, expected) => {
    expect(outcomeOf(planPass(factsOf({ policy: 'Parallel', ...world })))).toEqual(expected)
  })
})

/** Upstream's TestStatefulSetControlRollingUpdateWithMaxUnavailableAndUnavailableStalePod. */
describe('an update all at once with maxUnavailable', () => {
  it.each<[string, World, string[]]>([
    ['takes one that does not work', { max: 1, pods: 'o' }, ['0']],
    ['takes it rather than one that works', { max: 1, pods: 'OOo' }, ['2']],
    ['takes all that do not work', { max: 2, pods: 'OOOoo' }, ['4', '3']],
    ['takes none while one is going', { max: 1, pods: 'OOO-' }, []],
    ['takes what is left of the number', { max: 3, pods: 'OOOoO-' }, ['3', '2']],
    ['wherever the one is that is going', { max: 3, pods: 'OOOO-o' }, ['4', '2']],
    ['takes one that is not available yet', { max: 1, minReadySeconds: 90, pods: 'NNO' }, ['2']],
    ['takes it from the partition on', { max: 1, partition: 2, pods: 'OOOOo' }, ['4']],
    ['at the partition, too', { max: 1, partition: 2, pods: 'OOoOO' }, ['2']],
    ['counts one below the partition', { max: 1, partition: 2, pods: 'OoOOO' }, []],
    ['takes both above the partition', { max: 2, partition: 3, pods: 'OOOoo' }, ['4', '3']],
    ['does not take more for one below it', { max: 2, partition: 3, pods: 'OoOOo' }, ['4']],
    ['takes lower ones that do not work rather than higher ones that do', { max: 2, pods: 'ooOO' }, ['1', '0']],
    ['then those that work, from the top', { max: 3, pods: 'ooOOO' }, ['1', '0', '4']],
  ])('%s', (_what, world, outdated) => {
    const expected = outdated.length === 0 ? {} : { outdated }
    expect(outcomeOf(planPass(factsOf({ policy: 'Parallel', ...world })))).toEqual(expected)
  })
})

describe('the status', () => {
  const statusOf = (world: World) => {
    const facts = factsOf(world)
    return setStatus(facts, planPass(facts), 0)
  }

  it('counts Pods that are going, but not as of a revision', () => {
    expect(statusOf({ pods: 'ON-' })).toMatchObject({ replicas: 2, readyReplicas: 2, currentReplicas: 1 })
    expect(statusOf({ pods: 'ON-' }).updatedReplicas).toBeUndefined()
  })

  it('takes the Pod that goes for the update from the current ones at once', () => {
    expect(statusOf({ pods: 'OOO' })).toMatchObject({ replicas: 3, currentReplicas: 2 })
  })

  it('takes the new revision for the current one when all are new and ready, available or not', () => {
    expect(statusOf({ minReadySeconds: 90, pods: 'NN' })).toMatchObject({
      currentReplicas: 2,
      currentRevision: 'n',
      updateRevision: 'n',
      availableReplicas: 0,
    })
    expect(statusOf({ pods: 'Nn' })).toMatchObject({ currentRevision: 'o', updatedReplicas: 2 })
  })
})
