/** Where plugins are called, by KubeSchedulerConfiguration's names, and what a plugin needs to be called there. */
import type { AnyPlugin } from '../framework/interfaces.ts'

export const EXTENSION_POINTS = [
  'preEnqueue',
  'queueSort',
  'preFilter',
  'filter',
  'postFilter',
  'preScore',
  'score',
  'reserve',
  'permit',
  'preBind',
  'bind',
  'postBind',
] as const

export type ExtensionPoint = (typeof EXTENSION_POINTS)[number]

const IMPLEMENTS: Record<ExtensionPoint, (plugin: AnyPlugin) => boolean> = {
  preEnqueue: ({ preEnqueue }) => preEnqueue !== undefined,
  // The queue's order is built in: priority, then time.
  queueSort: ({ name }) => name === PRIORITY_SORT,
  preFilter: ({ preFilter }) => preFilter !== undefined,
  filter: ({ filter }) => filter !== undefined,
  postFilter: ({ postFilter }) => postFilter !== undefined,
  preScore: ({ preScore }) => preScore !== undefined,
  score: ({ score }) => score !== undefined,
  reserve: ({ reserve }) => reserve !== undefined,
  permit: ({ permit }) => permit !== undefined,
  preBind: ({ preBind }) => preBind !== undefined,
  bind: ({ bind }) => bind !== undefined,
  postBind: ({ postBind }) => postBind !== undefined,
}

export const PRIORITY_SORT = 'PrioritySort'

export const isCalledAt = (plugin: AnyPlugin, point: ExtensionPoint): boolean => IMPLEMENTS[point](plugin)
