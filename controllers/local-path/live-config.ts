/**
 * The provisioner's configuration as it stands in the cluster, followed while it changes: what cannot be used is said in
 * the log and in an event, and the last good one stays in force.
 */
import { CONFIG_MAPS } from '#machinery/api/core/v1/resources.gen.ts'
import type { ConfigMap } from '#machinery/api/core/v1/types.gen.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ReconcilerContext } from '#sdk'
import { type LocalPathConfig, parseConfig } from './config.ts'

const NAMESPACE = 'kube-system'
const NAME = 'local-path-config'
const FILE = 'config.json'

export class LiveConfig {
  readonly #context: ReconcilerContext
  #current: LocalPathConfig | undefined
  #problem = `ConfigMap ${NAMESPACE}/${NAME} is not there`

  constructor(context: ReconcilerContext, changed: () => void) {
    this.#context = context
    const selection = { namespace: NAMESPACE, fieldSelector: `metadata.name=${NAME}` }
    const read = (configMap: DeepReadonly<ConfigMap>): void => {
      if (this.#read(configMap)) changed()
    }
    context.informer(CONFIG_MAPS, selection).addHandler({ onAdd: read, onUpdate: (_old, configMap) => read(configMap) })
  }

  /** The last good one, also after it is gone: volumes must still be removable. */
  get last(): LocalPathConfig | undefined {
    return this.#current
  }

  /** Throws an Error for the user while there never was a good one. */
  get(): LocalPathConfig {
    if (this.#current === undefined) throw new Error(`no usable configuration: ${this.#problem}`)
    return this.#current
  }

  #read(configMap: DeepReadonly<ConfigMap>): boolean {
    const { events, logger } = this.#context
    try {
      const text = configMap.data?.[FILE]
      if (text === undefined) throw new Error(`it has no ${FILE}`)
      this.#current = parseConfig(text)
      return true
    } catch (err: unknown) {
      this.#problem = `ConfigMap ${NAMESPACE}/${NAME}: ${errorMessage(err)}`
      const rest = this.#current === undefined ? '' : '; the last good configuration stays in force'
      logger.warn(
        { configMap: { namespace: NAMESPACE, name: NAME }, reason: errorMessage(err) },
        'configuration refused',
      )
      events.record(configMap, 'Warning', 'InvalidConfiguration', `${errorMessage(err)}${rest}`)
      return false
    }
  }
}
