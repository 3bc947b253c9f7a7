import { describe, expect, it } from 'vitest'
import { commandOutcome } from './command.ts'

describe('what a command says of itself', () => {
  it.each<[string[], number, number]>([
    [['true'], 0, 0],
    [['/bin/false'], 0, 1],
    [['sleep', '5'], 5_000, 0],
    [['sleep', '1.5m'], 90_000, 0],
    [['sleep', 'infinity'], Number.POSITIVE_INFINITY, 0],
    [['sh', '-c', 'exit 7'], 0, 7],
    [['/bin/sh', '-ec', 'sleep 2; exit 3'], 2_000, 3],
    [['sh', '-c', 'exit 0\nsleep 10'], 0, 0],
    [['sh', '-c', 'false; true'], 0, 0],
    [['echo', 'hello', 'world'], 0, 0],
    [['sh', '-c', '/bin/echo -n DONE; sleep 3; false'], 3_000, 1],
  ])('%j', (command, afterMs, exitCode) => {
    expect(commandOutcome({ command })).toEqual({ afterMs, exitCode })
  })

  it.each([
    ['registry.k8s.io/pause:3.10', true],
    ['pause', true],
    ['pause@sha256:0', true],
    ['example.com/pausebutton', false],
    ['example.com/pause/other:1', false],
  ])('of the image %s alone', (image, waits) => {
    const forever = { afterMs: Number.POSITIVE_INFINITY, exitCode: 0 }
    expect(commandOutcome({ image })).toEqual(waits ? forever : undefined)
    expect(commandOutcome({ image, command: ['false'] })).toEqual({ afterMs: 0, exitCode: 1 })
  })

  it('counts arguments as part of it', () => {
    expect(commandOutcome({ command: ['sh', '-c'], args: ['exit 2'] })).toEqual({ afterMs: 0, exitCode: 2 })
  })

  it.each([
    [[]],
    [['nginx']],
    [['sh', '-c', 'echo a && exit 1']],
    [['sh', '-c', 'echo a > /b']],
    [['sh', '-c', 'test -f /x && exit 1']],
    [['sleep', '$TIME']],
    [['sh', 'script.sh']],
  ])('says nothing of %j', (command) => {
    expect(commandOutcome({ command })).toBeUndefined()
  })
})
