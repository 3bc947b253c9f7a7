import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import type { Logger } from '#machinery/util/logger.ts'
import { FEATURE_GATES } from './feature-gate-table.ts'
import { FeatureGates } from './feature-gates.ts'

const given = (...pairs: [string, boolean][]): FeatureGates => new FeatureGates(new Map(pairs))

async function enabled(gates: FeatureGates, name: string): Promise<string | undefined> {
  const registry = new Registry()
  gates.measure(registry)
  const text = await registry.getSingleMetricAsString('kubernetes_feature_enabled')
  return new RegExp(`name="${name}",(stage="[A-Z]*"} \\d)`).exec(text)?.[1]
}

function warnings(gates: FeatureGates): { fields: Readonly<Record<string, unknown>>; message: string }[] {
  const seen: { fields: Readonly<Record<string, unknown>>; message: string }[] = []
  const warn = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    seen.push({ fields, message })
  }
  gates.logSettings({ warn } as unknown as Logger)
  return seen
}

describe('feature gates', () => {
  it('are named once', () => {
    expect(FEATURE_GATES.size).toBeGreaterThan(200)
  })

  it('refuse an unknown name and name the nearest', () => {
    expect(() => given(['WatchLists', true])).toThrow(
      '--feature-gates: unrecognized feature gate: WatchLists. Did you mean "WatchList"?',
    )
  })

  it('refuse to leave a locked default, and accept the default itself', () => {
    expect(() => given(['NodeSwap', false])).toThrow(
      'cannot set feature gate NodeSwap to false, feature is locked to true',
    )
    expect(() => given(['GitRepoVolumeDriver', true])).toThrow('feature is locked to false')
    expect(() => given(['NodeSwap', true])).not.toThrow()
  })

  it('turn a whole stage on or off, except for the gates that are named', async () => {
    const gates = given(['AllAlpha', true], ['AllBeta', false], ['MemoryQoS', false], ['WatchList', true])
    expect(await enabled(gates, 'AllAlpha')).toBe('stage="ALPHA"} 1')
    expect(await enabled(gates, 'HPAScaleToZero')).toBe('stage="ALPHA"} 1')
    expect(await enabled(gates, 'MemoryQoS')).toBe('stage="ALPHA"} 0')
    expect(await enabled(gates, 'OpenAPIEnums')).toBe('stage="BETA"} 0')
    expect(await enabled(gates, 'WatchList')).toBe('stage="BETA"} 1')
    expect(await enabled(gates, 'NodeSwap')).toBe('stage=""} 1')
  })

  it('say when they change nothing here', () => {
    const gates = given(
      ['PodDeletionCost', false],
      ['WatchList', true],
      ['GenericWorkload', true],
      ['HPAScaleToZero', true],
    )
    expect(warnings(gates)).toEqual([
      {
        fields: { gates: ['GenericWorkload=true'] },
        message: 'these feature gates change the API alone in this version of knarr: nothing acts on it',
      },
      {
        fields: { gates: ['PodDeletionCost=false'] },
        message: 'these feature gates change nothing in this version of knarr',
      },
    ])
    const legacy = warnings(given(['LegacyServiceAccountTokenNoAutoGeneration', false]))
    expect(legacy.map(({ message }) => message)).toEqual([
      'Setting deprecated feature gate LegacyServiceAccountTokenNoAutoGeneration=false. It will be removed in a future release.',
    ])
  })
})
