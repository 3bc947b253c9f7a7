/** PreBind plugins: who works beside whom, and what one failure does to the others. */
import { describe, expect, it } from 'vitest'
import { makePodInfo } from '#test/support/scheduling.ts'
import type { PreBindPlugin } from '../framework/interfaces.ts'
import { failed, unschedulable } from '../framework/verdicts.ts'
import type { Decision } from './binding-cycle.ts'
import { runPreBinds } from './pre-bind-run.ts'
import type { Profile } from './profile.ts'

const decisionOf = (...preBinds: PreBindPlugin[]): Decision => ({
  profile: { preBinds } as unknown as Profile,
  pod: makePodInfo(),
  node: 'n',
  states: new Map(),
  timer: undefined,
  isTold: false,
})

const NEVER = new AbortController().signal

describe('PreBind', () => {
  /** `+` begins, `-` ends; a plugin ends two turns after it began. */
  async function order(...options: [name: string, allowsParallel: boolean, isNeeded?: boolean][]): Promise<string> {
    const log: string[] = []
    const plugins = options.map(
      ([name, allowsParallel, isNeeded = true]): PreBindPlugin => ({
        name,
        allowsParallel,
        isNeeded: () => isNeeded,
        async preBind() {
          log.push(`+${name}`)
          await Promise.resolve()
          await Promise.resolve()
          log.push(`-${name}`)
          return undefined
        },
      }),
    )
    await runPreBinds(decisionOf(...plugins), NEVER)
    return log.join(' ')
  }

  it.each<[string, [string, boolean, boolean?][], string]>([
    [
      'alone by default',
      [
        ['a', false],
        ['b', false],
      ],
      '+a -a +b -b',
    ],
    [
      'neighbours that allow it together',
      [
        ['a', true],
        ['b', true],
      ],
      '+a +b -a -b',
    ],
    [
      'one that wants to be alone separates',
      [
        ['a', true],
        ['b', false],
        ['c', true],
      ],
      '+a -a +b -b +c -c',
    ],
    [
      'also when it has nothing to do',
      [
        ['a', true],
        ['b', false, false],
        ['c', true],
      ],
      '+a -a +c -c',
    ],
    [
      'one with nothing to do does not',
      [
        ['a', true],
        ['b', true, false],
        ['c', true],
      ],
      '+a +c -a -c',
    ],
    [
      'two groups',
      [
        ['a', true],
        ['b', true],
        ['c', false],
        ['d', true],
        ['e', true],
      ],
      '+a +b -a -b +c -c +d +e -d -e',
    ],
    ['nobody', [['a', true, false]], ''],
  ])('%s', async (_name, plugins, expected) => {
    expect(await order(...plugins)).toBe(expected)
  })

  /** Ends when it is told to. */
  const patient = (log: string[]): PreBindPlugin => ({
    name: 'Patient',
    allowsParallel: true,
    preBind: (_state, _pod, _node, signal) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          log.push(String(signal.reason.message))
          resolve(failed(signal.reason, 'stopped'))
        })
      }),
  })

  it('stops the others when one fails, and tells of that one', async () => {
    const log: string[] = []
    const bad: PreBindPlugin = {
      name: 'Bad',
      allowsParallel: true,
      preBind: () => Promise.resolve(failed(new Error('e'), 'broken')),
    }
    const never: PreBindPlugin = { name: 'Later', preBind: () => Promise.reject(new Error('must not be asked')) }
    await expect(runPreBinds(decisionOf(patient(log), bad, never), NEVER)).rejects.toThrow(
      'running PreBind plugin "Bad": broken',
    )
    expect(log).toEqual(['some other PreBind operation failed'])
  })

  it('passes a "no" on as one', async () => {
    const no: PreBindPlugin = { name: 'No', allowsParallel: true, preBind: () => Promise.resolve(unschedulable('no')) }
    await expect(runPreBinds(decisionOf(no, patient([])), NEVER)).rejects.toMatchObject({
      verdict: { code: 'Unschedulable', plugin: 'No' },
    })
  })
})
