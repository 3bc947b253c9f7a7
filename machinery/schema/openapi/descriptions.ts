/**
 * Texts for `kubectl explain`, read from the type comments of the `@kubernetes/client-node` package where it is installed. The
 * project carries no upstream prose, so without that package there are no descriptions.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Describe } from './definitions.ts'

interface ClassTexts {
  readonly text: string | undefined
  readonly fields: ReadonlyMap<string, string>
}

const METADATA_TEXT = "Standard object's metadata."
const NO_TEXTS: ClassTexts = { text: undefined, fields: new Map() }

/** Undefined when the package is absent. Reads one small file per type, when asked, and remembers it. */
export function clientNodeDescriptions(): Describe | undefined {
  const models = modelsDirectory()
  if (models === undefined) return undefined
  const known = new Map<string, ClassTexts>()
  return (definition, field) => {
    let texts = known.get(definition)
    if (texts === undefined) {
      texts = textsOf(models, definition)
      known.set(definition, texts)
    }
    if (field === undefined) return texts.text
    // Their generator drops the comments of members that refer to another type.
    return texts.fields.get(field) ?? (field === 'metadata' && texts !== NO_TEXTS ? METADATA_TEXT : undefined)
  }
}

function modelsDirectory(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve('@kubernetes/client-node')
    return join(dirname(entry), 'gen', 'models')
  } catch {
    return undefined
  }
}

/** `io.k8s.api.core.v1.Event` is the class CoreV1Event, `io.k8s.api.core.v1.Pod` is V1Pod. */
function textsOf(models: string, definition: string): ClassTexts {
  const [kind = '', version = '', group = ''] = definition.split('.').reverse()
  const capitalized = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
  const short = `${capitalized(version)}${kind}`
  for (const name of [`${capitalized(group)}${short}`, short]) {
    try {
      return parseClass(readFileSync(join(models, `${name}.d.ts`), 'utf8'))
    } catch {
      // Not every type has a class, and most have no group in their name.
    }
  }
  return NO_TEXTS
}

const MEMBER = /\/\*\*\n\s*\* (.*)\n\s*\*\/\n\s+'([^']+)'\??:/g

function parseClass(text: string): ClassTexts {
  const classText = /\/\*\*\n\* (.*)\n\*\/\nexport declare class/.exec(text)?.[1]
  const fields = new Map<string, string>()
  for (const [, comment = '', name = ''] of text.matchAll(MEMBER)) fields.set(name.replace(/^_/, ''), plain(comment))
  return { text: classText === undefined ? undefined : plain(classText), fields }
}

/** The comments carry the escapes of a string literal. */
function plain(comment: string): string {
  return comment.replace(/\\(['"`])/g, '$1')
}
