/** Building blocks of `kubectl get` tables. Upstream: pkg/printers/internalversion, apimachinery util/duration. */
import type { KubeObject, LabelSelector } from '#machinery/api/meta/v1.ts'
import { formatLabelSelector } from '#machinery/selectors/label.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { TableColumn, TableConvertor } from './generic/interfaces.ts'

/** A column beside its cell; `wide` ones show with -o wide only. */
export interface Cell {
  readonly name: string
  readonly type?: TableColumn['type']
  readonly wide?: boolean
  readonly format?: string
  // biome-ignore lint/suspicious/noExplicitAny: each table is written for one kind; functions are contravariant.
  readonly value: (object: any, now: Date) => unknown
}

export function defineTable(cells: readonly Cell[]): TableConvertor {
  return {
    columns: cells.map((cell) => ({
      name: cell.name,
      type: cell.type ?? 'string',
      format: cell.format ?? '',
      description: '',
      priority: cell.wide === true ? 1 : 0,
    })),
    cells: (object, now) => cells.map((cell) => cell.value(object, now)),
  }
}

export const NAME: Cell = {
  name: 'Name',
  format: 'name',
  value: (object: DeepReadonly<KubeObject>) => object.metadata.name ?? '',
}
export const AGE: Cell = {
  name: 'Age',
  value: (object: DeepReadonly<KubeObject>, now) => ageOf(object.metadata.creationTimestamp ?? undefined, now),
}

/** Upstream's translateTimestampSince. */
export function ageOf(timestamp: string | undefined, now: Date): string {
  if (timestamp === undefined || timestamp === '') return '<unknown>'
  return humanDuration(now.getTime() - Date.parse(timestamp))
}

/** Upstream's duration.HumanDuration: at most two units, coarser with age. */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000)
  if (seconds < -1) return '<invalid>'
  if (seconds < 0) return '0s'
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.trunc(seconds / 60)
  if (minutes < 10) return twoUnits(minutes, 'm', seconds % 60, 's')
  if (minutes < 180) return `${minutes}m`
  const hours = Math.trunc(minutes / 60)
  if (hours < 8) return twoUnits(hours, 'h', minutes % 60, 'm')
  if (hours < 48) return `${hours}h`
  const days = Math.trunc(hours / 24)
  if (days < 8) return twoUnits(days, 'd', hours % 24, 'h')
  if (days < 730) return `${days}d`
  const years = Math.trunc(days / 365)
  return years < 8 ? twoUnits(years, 'y', days % 365, 'd') : `${years}y`
}

const twoUnits = (large: number, largeUnit: string, small: number, smallUnit: string): string =>
  small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`

/** `a=1,b=2`, or `<none>`. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`)
  return pairs.length === 0 ? '<none>' : pairs.sort().join(',')
}

interface Templated {
  readonly spec?: {
    readonly selector?: DeepReadonly<LabelSelector>
    readonly template?: {
      readonly spec?: { readonly containers?: readonly { readonly name: string; readonly image?: string }[] }
    }
  }
}

/** The wide columns of everything with a pod template. */
export const CONTAINERS: Cell = {
  name: 'Containers',
  wide: true,
  value: (object: Templated) => (object.spec?.template?.spec?.containers ?? []).map(({ name }) => name).join(','),
}
export const IMAGES: Cell = {
  name: 'Images',
  wide: true,
  value: (object: Templated) =>
    (object.spec?.template?.spec?.containers ?? []).map(({ image }) => image ?? '').join(','),
}
export const SELECTOR: Cell = {
  name: 'Selector',
  wide: true,
  value: (object: Templated) => formatLabelSelector(object.spec?.selector),
}

interface Balanced {
  readonly ingress?: readonly { readonly ip?: string; readonly hostname?: string }[]
}

/** Addresses or names of a load balancer, each once. */
export function ingressPoints(status: Balanced | undefined): string[] {
  const points = (status?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '')
  return [...new Set(points.filter((point) => point !== ''))].sort()
}

export const orNone = (text: string | undefined): string => (text === undefined || text === '' ? '<none>' : text)
export const orUnset = (text: string | undefined): string => (text === undefined || text === '' ? '<unset>' : text)
export const sizeOf = (map: object | undefined): number => Object.keys(map ?? {}).length

interface Scaled extends KubeObject {
  readonly spec?: { readonly replicas?: number }
  readonly status?: { readonly replicas?: number }
}

export const scaleTable = defineTable([
  { ...NAME, format: '' },
  { name: 'Desired', type: 'integer', value: ({ spec }: Scaled) => spec?.replicas ?? 0 },
  { name: 'Available', type: 'integer', value: ({ status }: Scaled) => status?.replicas ?? 0 },
  AGE,
])
