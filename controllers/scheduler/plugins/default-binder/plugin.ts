/** Tells the API where the Pod goes: pods/binding. Upstream: scheduler plugins/defaultbinder. */
import { PODS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Binding } from '#machinery/api/core/v1/types.gen.ts'
import type { BindPlugin, PluginDefinition } from '../../framework/interfaces.ts'

const NAME = 'DefaultBinder'

export const defaultBinderPlugin: PluginDefinition = {
  name: NAME,
  create(_args, { client }): BindPlugin {
    return {
      name: NAME,
      async bind({ pod }, nodeName, signal) {
        const { namespace = '', name = '', uid } = pod.metadata
        const binding: Binding = {
          apiVersion: 'v1',
          kind: 'Binding',
          metadata: { namespace, name, ...(uid === undefined ? {} : { uid }) },
          target: { kind: 'Node', name: nodeName },
        }
        await client.createSubresource(PODS, { namespace, name }, 'binding', binding, { signal })
        return undefined
      },
    }
  },
}
