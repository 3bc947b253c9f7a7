/**
 * MutatingAdmissionWebhook: one after the other, in the order of their configurations' names, each on what the one before
 * has left; those with reinvocationPolicy IfNeeded once more when something changed after them.
 * Upstream: apiserver pkg/admission/plugin/webhook/mutating.
 */
import type { KubeObject } from '#machinery/api/meta/v1.ts'
import { newInternalError, StatusError } from '#machinery/meta/errors.ts'
import { applyJsonPatch } from '#machinery/patch/json-patch.ts'
import { builtInSchema } from '#machinery/schema/builtin.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import { deepCopy, deepEqual, setMember } from '#machinery/util/json.ts'
import type { DeepReadonly, JsonValue } from '#machinery/util/types.ts'
import type { AdmissionDeps } from '../deps.ts'
import type { AdmissionAttributes, AdmissionPlugin } from '../interfaces.ts'
import type { WebhookCallDeps } from './call.ts'
import { callWebhook, WebhookFailure } from './call.ts'
import { type ConditionDeps, conditionsHold } from './conditions.ts'
import type { CompiledWebhook } from './configuration.ts'
import { createWebhookSource } from './configuration.ts'
import type { Invocation } from './matching.ts'
import { isExempt, isForeignKind, matchWebhook } from './matching.ts'
import { settle } from './outcome.ts'

const AUDIT_SUFFIX = '.webhook.admission.k8s.io/'

/** Between the two rounds of one request. Upstream: reinvocationcontext.go. */
interface Round {
  /** Called, IfNeeded, and nothing has changed since. */
  readonly settled: Set<string>
  /** To be called in the second round. */
  readonly again: Set<string>
  output: KubeObject | undefined
}

export function createMutatingWebhook(deps: AdmissionDeps): AdmissionPlugin {
  const { webhooks } = deps
  const hooks = webhooks === undefined ? () => [] : createWebhookSource(() => webhooks.mutating())
  const rounds = new WeakMap<AdmissionAttributes, Round>()
  return {
    name: 'MutatingAdmissionWebhook',
    handles: () => true,
    admit(attributes) {
      if (isExempt(attributes)) return undefined
      const current = hooks()
      if (current.length === 0 || webhooks === undefined) return undefined
      // Labels may be changed by a webhook before: matching is part of each turn. A first look spares the promise.
      const isConcerned = current.some((hook) => hook.rules.length > 0 && mayConcern(hook, attributes))
      return isConcerned ? dispatch({ ...deps, webhooks }, current, attributes, rounds) : undefined
    },
  }
}

function mayConcern(hook: CompiledWebhook, { group, operation, view }: AdmissionAttributes): boolean {
  const isOf = (wanted: string, groups: readonly string[]): boolean => groups.includes(wanted) || groups.includes('*')
  return hook.rules.some(
    ({ groups, operations }) =>
      (isOf(group, groups) || (view?.equivalents?.some((other) => isOf(other.group, groups)) ?? false)) &&
      (operations.includes(operation) || operations.includes('*')),
  )
}

async function dispatch(
  deps: WebhookCallDeps & ConditionDeps & Pick<AdmissionDeps, 'namespace'>,
  hooks: readonly CompiledWebhook[],
  attributes: AdmissionAttributes,
  rounds: WeakMap<AdmissionAttributes, Round>,
): Promise<void> {
  const isSecond = attributes.reinvocation === 'running'
  const round = rounds.get(attributes) ?? { settled: new Set(), again: new Set(), output: undefined }
  rounds.set(attributes, round)
  // The built-in plugins of the second round may have changed what the webhooks left.
  if (isSecond && !deepEqual(round.output, attributes.object)) requireAgain(round)
  for (const [index, hook] of hooks.entries()) {
    const invocation = matchWebhook(hook, attributes, deps)
    if (invocation === undefined || !(await conditionsHold(deps, invocation, attributes, 'admit'))) continue
    if (isSecond && !round.again.has(hook.uid)) continue
    const annotate = annotator(attributes, hook, isSecond ? 1 : 0, index)
    let isChanged = false
    const isSettled = await settle(deps, invocation, attributes, 'admit', async () => {
      try {
        isChanged = await mutate(deps, invocation, attributes, annotate)
      } finally {
        annotate('mutation', { mutated: isChanged })
      }
    })
    if (!isSettled)
      attributes.request?.annotate?.(`failed-open.mutation${AUDIT_SUFFIX}${annotate.at}`, hook.webhook.name)
    if (isChanged) {
      requireAgain(round)
      if (!isSecond) attributes.reinvocation = 'needed'
    }
    if (hook.webhook.reinvocationPolicy === 'IfNeeded') round.settled.add(hook.uid)
  }
  round.output = attributes.object === undefined ? undefined : deepCopy<KubeObject>(attributes.object)
}

function requireAgain({ settled, again }: Round): void {
  for (const uid of settled) again.add(uid)
  settled.clear()
}

interface Annotator {
  /** The patch, which may hold secrets, is recorded where request bodies are. */
  (what: 'mutation' | 'patch', more: object): void
  readonly at: string
}

function annotator(attributes: AdmissionAttributes, hook: CompiledWebhook, round: number, index: number): Annotator {
  const at = `round_${round}_index_${index}`
  const annotate = (what: 'mutation' | 'patch', more: object): void => {
    const record = attributes.request?.annotate
    if (record === undefined) return
    const value = { configuration: hook.configurationName, webhook: hook.webhook.name, ...more }
    const level = what === 'patch' ? 'Request' : 'Metadata'
    record(`${what}${AUDIT_SUFFIX}${at}`, JSON.stringify(value), level)
  }
  return Object.assign(annotate, { at })
}

/** True: the object is another one now. */
async function mutate(
  deps: WebhookCallDeps,
  invocation: Invocation,
  attributes: AdmissionAttributes,
  annotate: Annotator,
): Promise<boolean> {
  const { name } = invocation.hook.webhook
  const { shown, patch } = await callWebhook(deps, invocation, attributes, 'admit')
  if (patch === '') return false
  const operations = parsePatch(name, patch)
  if (Array.isArray(operations) && operations.length === 0) return false
  const { object: draft } = attributes
  if (draft === undefined || shown === undefined) {
    const what = 'attempted to modify the object, which is not supported for this operation'
    throw newInternalError(`admission webhook ${JSON.stringify(name)} ${what}`)
  }
  const patched = applied(shown, operations)
  annotate('patch', { patch: operations, patchType: 'JSONPatch' })
  const isChanged = !deepEqual(shown, patched)
  try {
    if (isForeignKind(attributes)) replaceForeign(draft, patched, attributes)
    else await invocation.view?.replace(draft, patched, invocation.resource.version)
  } catch (err: unknown) {
    throw newInternalError(errorMessage(err))
  }
  return isChanged
}

function parsePatch(name: string, patch: string): unknown {
  try {
    return JSON.parse(patch)
  } catch (err: unknown) {
    throw new WebhookFailure(name, `received undecodable patch in webhook response: ${errorMessage(err)}`, 503)
  }
}

function applied(shown: DeepReadonly<KubeObject>, operations: unknown): KubeObject {
  try {
    return applyJsonPatch(shown as unknown as JsonValue, operations) as unknown as KubeObject
  } catch (err: unknown) {
    // The status text hides why a patch does not apply; the author of the webhook needs it.
    const cause = err instanceof StatusError && err.cause instanceof Error ? err.cause : err
    throw newInternalError(errorMessage(cause))
  }
}

/** A kind of its own: bindings, evictions, exec options. */
function replaceForeign(draft: KubeObject, patched: KubeObject, { kind }: AdmissionAttributes): void {
  const schema = builtInSchema(kind.group, kind.version, kind.kind)
  schema?.decode(patched)
  schema?.applyDefaults(patched)
  const members = draft as unknown as Record<string, unknown>
  for (const member of Object.keys(members)) delete members[member]
  for (const [member, value] of Object.entries(patched)) setMember(members, member, value)
}
