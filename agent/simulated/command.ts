/**
 * What a command does when its words say so: `true`, `false`, `echo`, `exit 3`, `sleep 5`, alone or through a shell. Nothing
 * is run.
 */
import type { Container } from '#machinery/api/core/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

export interface CommandOutcome {
  /** Infinity: it ends when it is stopped. */
  readonly afterMs: number
  readonly exitCode: number
}

const SHELLS = /^(?:\/(?:usr\/)?bin\/)?(?:ba|da|a)?sh$/
const UNIT_SECONDS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['s', 1],
  ['m', 60],
  ['h', 3_600],
  ['d', 86_400],
])

/** Of any registry: there is nothing in it but a program that waits. */
const PAUSE_IMAGE = /(?:^|\/)pause(?:[:@]|$)/

/** Undefined: nobody can tell. */
export function commandOutcome({
  image = '',
  command = [],
  args = [],
}: DeepReadonly<Pick<Container, 'command' | 'args' | 'image'>>): CommandOutcome | undefined {
  const words = [...command, ...args]
  if (words.length === 0 && PAUSE_IMAGE.test(image)) return { afterMs: Number.POSITIVE_INFINITY, exitCode: 0 }
  const [shell = '', flag, script, ...rest] = words
  if (!SHELLS.test(shell)) return outcomeOfWords(words)
  if (flag === undefined || !/^-[a-z]*c$/.test(flag) || script === undefined || rest.length > 0) return undefined
  return outcomeOfScript(script)
}

/** Simple commands in a row; the last one's exit status counts. */
function outcomeOfScript(script: string): CommandOutcome | undefined {
  let afterMs = 0
  let exitCode = 0
  for (const statement of script.split(/;|\n/).map((text) => text.trim())) {
    if (statement === '') continue
    const words = statement.split(/\s+/)
    const outcome = outcomeOfWords(words)
    if (outcome === undefined) return undefined
    afterMs += outcome.afterMs
    exitCode = outcome.exitCode
    if (words[0] === 'exit') break
  }
  return { afterMs, exitCode }
}

function outcomeOfWords([path = '', argument, ...rest]: readonly string[]): CommandOutcome | undefined {
  const name = path.replace(/^\/(?:usr\/)?bin\//, '')
  if (name === 'echo') return isPlain([argument ?? '', ...rest]) ? { afterMs: 0, exitCode: 0 } : undefined
  if (rest.length > 0) return undefined
  switch (name) {
    case 'true':
      return { afterMs: 0, exitCode: 0 }
    case 'false':
      return { afterMs: 0, exitCode: 1 }
    case 'exit':
      return argument === undefined || /^\d{1,3}$/.test(argument)
        ? { afterMs: 0, exitCode: Number(argument ?? 0) & 255 }
        : undefined
    case 'sleep':
      return sleepOutcome(argument)
    default:
      return undefined
  }
}

/** Nothing in them makes a shell run, or wait for, another command, or write to where it may not. */
const isPlain = (words: readonly string[]): boolean => words.every((word) => !/[&|<>()`$]/.test(word))

function sleepOutcome(argument: string | undefined): CommandOutcome | undefined {
  if (argument === 'infinity' || argument === 'inf') return { afterMs: Number.POSITIVE_INFINITY, exitCode: 0 }
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(argument ?? '') ?? []
  if (amount === undefined) return undefined
  return { afterMs: Number(amount) * (UNIT_SECONDS.get(unit) ?? 1) * 1_000, exitCode: 0 }
}
