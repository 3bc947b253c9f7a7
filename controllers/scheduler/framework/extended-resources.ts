/**
 * Which DeviceClass stands for an extended resource: by `spec.extendedResourceName`, or by
 * `deviceclass.resource.kubernetes.io/<class>`. Upstream: dynamic-resource-allocation/deviceclass/extendedresourcecache.
 */
import { DEVICE_CLASSES } from '#machinery/api/resource/v1/resources.gen.ts'
import type { DeviceClass } from '#machinery/api/resource/v1/types.gen.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { PluginHandle, ResourceAmounts } from './interfaces.ts'

const INDEX = 'extended-resource'
const PREFIX = 'deviceclass.resource.kubernetes.io/'

/** One for all plugins. */
export function extendedResourcesOf(handle: PluginHandle): ExtendedResources {
  return handle.shared('extended-resources', () => new ExtendedResources(handle))
}

export class ExtendedResources {
  readonly #classes: Lister<DeviceClass>

  constructor(handle: PluginHandle) {
    const classes = handle.informer(DEVICE_CLASSES)
    classes.addIndex(INDEX, resourceNamesOf)
    this.#classes = classes.lister
  }

  /** The newest class of the resource, then the first by name. */
  classOf(resource: string): string | undefined {
    if (!resource.includes('/')) return undefined
    const [first, ...others] = this.#classes.byIndex(INDEX, resource)
    return others.reduce((best, one) => (isBefore(one, best) ? one : best), first as DeepReadonly<DeviceClass>)
      ?.metadata.name
  }

  /** What is asked for and a class stands for. */
  of({ scalar }: Readonly<ResourceAmounts>): readonly string[] {
    return [...scalar].flatMap(([name, amount]) => (amount > 0 && this.classOf(name) !== undefined ? [name] : []))
  }
}

export function resourceNamesOf({ metadata, spec }: DeepReadonly<DeviceClass>): readonly string[] {
  const implicit = `${PREFIX}${metadata.name ?? ''}`
  return spec?.extendedResourceName === undefined ? [implicit] : [implicit, spec.extendedResourceName]
}

function isBefore(a: DeepReadonly<DeviceClass>, b: DeepReadonly<DeviceClass>): boolean {
  const [aTime, bTime] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? '']
  return aTime === bTime ? (a.metadata.name ?? '') < (b.metadata.name ?? '') : aTime > bTime
}
