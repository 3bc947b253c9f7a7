/**
 * Device selectors: CEL expressions over one device of a ResourceSlice. Pure. Upstream:
 * k8s.io/dynamic-resource-allocation/cel. Differs: attributes are of unknown type to the checker, without a size.
 */
import type { Device, DeviceAttribute } from '#machinery/api/resource/v1/types.gen.ts'
import type { CelEnvironment } from '#machinery/cel/environment.ts'
import { createKubernetesEnvironment } from '#machinery/cel/kubernetes/libraries.ts'
import { CelQuantity } from '#machinery/cel/kubernetes/quantity.ts'
import { parseSemver } from '#machinery/cel/kubernetes/semver.ts'
import { BINDINGS_LIBRARY } from '#machinery/cel/library/bindings.ts'
import { formatType, objectType } from '#machinery/cel/types.ts'
import { CelMap, type CelValue, EntryMap, toCelValue } from '#machinery/cel/values.ts'
import { parseQuantity } from '#machinery/quantity/quantity.ts'
import { errorMessage } from '#machinery/util/errors.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

type FrozenDevice = DeepReadonly<Device>

/** Upstream: resource.k8s.io CELSelectorExpressionMaxCost. */
const COST_MAX = 1_000_000

export interface DeviceSelector {
  /** Throws an Error with the expression's failure. `cost`: in CEL's units. */
  evaluate(driver: string, device: FrozenDevice): { readonly isMatch: boolean; readonly cost: number }
}

/** The selector, or what is wrong with the expression, in upstream's words. */
export function compileDeviceSelector(expression: string): DeviceSelector | string {
  const { program, problem } = environment().compile(expression)
  if (program === undefined) return `compilation failed: ${problem}`
  const type = formatType(program.resultType)
  if (type !== 'bool' && type !== 'dyn') return `must evaluate to bool or the unknown type, not ${type}`
  return {
    evaluate(driver, device) {
      const { value, error, cost } = program.evaluate({ device: deviceValue(driver, device) }, { costLimit: COST_MAX })
      if (error !== undefined) throw new Error(error)
      if (typeof value === 'boolean') return { isMatch: value, cost }
      throw new Error('CEL result could not be converted to bool')
    },
  }
}

let made: CelEnvironment | undefined

function environment(): CelEnvironment {
  made ??= createKubernetesEnvironment({
    libraries: [BINDINGS_LIBRARY],
    variables: {
      device: objectType('kubernetes.DRADevice', {
        driver: 'string',
        attributes: 'map(string, map(string, dyn))',
        capacity: 'map(string, map(string, kubernetes.Quantity))',
        allowMultipleAllocations: 'bool',
      }),
    },
  })
  return made
}

function deviceValue(driver: string, { attributes, capacity, allowMultipleAllocations = false }: FrozenDevice): object {
  return {
    driver,
    attributes: new Domains(attributes, driver, attributeValue),
    capacity: new Domains(capacity, driver, ({ value }) => new CelQuantity(parseQuantity(value))),
    allowMultipleAllocations,
  }
}

function attributeValue(attribute: DeepReadonly<DeviceAttribute>, name: string): CelValue {
  const { int, bool, string, version } = attribute
  const plain = int ?? bool ?? string
  if (plain !== undefined) return toCelValue(plain)
  if (version === undefined) throw new Error(`attribute ${name}: unsupported attribute value`)
  try {
    return parseSemver(version)
  } catch (err: unknown) {
    throw new Error(`attribute ${name}: parse semantic version: ${errorMessage(err)}`, { cause: err })
  }
}

const NOTHING = EntryMap.of([])

/** Domain → name → value; without a domain in its name a value is the driver's. A domain nobody uses is empty. */
class Domains<T> extends CelMap {
  readonly #domains = new Map<CelValue, CelMap>()

  constructor(
    values: Readonly<Record<string, T>> | undefined,
    driver: string,
    toValue: (value: T, name: string) => CelValue,
  ) {
    super()
    const grouped = new Map<string, (readonly [CelValue, CelValue])[]>()
    for (const [name, value] of Object.entries(values ?? {})) {
      const slash = name.indexOf('/')
      const domain = slash === -1 ? driver : name.slice(0, slash)
      const entry = [name.slice(slash + 1), toValue(value, name)] as const
      grouped.set(domain, [...(grouped.get(domain) ?? []).filter(([known]) => known !== entry[0]), entry])
    }
    for (const [domain, entries] of grouped) this.#domains.set(domain, EntryMap.of(entries))
  }

  get size(): number {
    return this.#domains.size
  }

  get(key: CelValue): CelValue {
    return this.#domains.get(key) ?? NOTHING
  }

  keys(): Iterable<CelValue> {
    return this.#domains.keys()
  }
}
