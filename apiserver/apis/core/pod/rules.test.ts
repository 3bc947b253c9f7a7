/** What of a pod depends on feature gates and on what is stored already. */
import { describe, expect, it } from 'vitest'
import type { Pod, PodSpec } from '#machinery/api/core/v1/types.gen.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import { deepCopy } from '#machinery/util/json.ts'
import { ALL_GATES_OFF } from '../../feature-gates.ts'
import { setPodDefaults } from './defaults.ts'
import { disabledFieldDropper } from './disabled-fields.ts'
import { podRulesOf } from './rules.ts'
import { validatePodUpdate } from './update-validation.ts'
import { validatePod } from './validation.ts'

type Toleration = NonNullable<PodSpec['tolerations']>[number]

const allOn = (): boolean => true

function makePod(spec: Partial<PodSpec> = {}): Pod {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', namespace: 'ns' },
    spec: { containers: [{ name: 'c', image: 'a:1' }], ...spec },
  }
  setPodDefaults(pod)
  return pod
}

const comparing = (value: string, operator = 'Gt'): Toleration => ({ key: 'cores', operator, value })
const messages = (pod: Pod, isGateEnabled: (name: string) => boolean): string[] =>
  validatePod(pod, podRulesOf(isGateEnabled)(undefined)).map(fieldErrorString)

describe('tolerations that compare', () => {
  const at = 'spec.tolerations[0]'
  const unsupported = 'Unsupported value: "Gt": supported values: "Equal", "Exists", "Lt", "Gt"'
  it('are off by default', () => {
    expect(messages(makePod({ tolerations: [comparing('1')] }), ALL_GATES_OFF)).toEqual([
      `${at}.operator: ${unsupported}`,
    ])
  })

  const shape = '"must be a valid decimal integer in canonical form"'.replaceAll('"', '')
  it.each<[string, string[]]>([
    ['-12', []],
    ['9223372036854775807', []],
    ['007', [`${at}.value: Invalid value: "007": ${shape}`]],
    [
      '9223372036854775808',
      [
        `${at}.value: Invalid value: "9223372036854775808": strconv.ParseInt: parsing "9223372036854775808": value out of range`,
      ],
    ],
    [
      'x',
      [
        `${at}.value: Invalid value: "x": ${shape}`,
        `${at}.value: Invalid value: "x": strconv.ParseInt: parsing "x": invalid syntax`,
      ],
    ],
  ])('of %s, when on', (value, expected) => {
    expect(messages(makePod({ tolerations: [comparing(value)] }), allOn)).toEqual(expected)
  })

  it('know four operators only', () => {
    expect(messages(makePod({ tolerations: [comparing('1', 'Ge')] }), allOn)).toEqual([
      `${at}.operator: Unsupported value: "Ge": supported values: "Equal", "Exists"`,
    ])
  })

  it('stay where they are stored', () => {
    const old = makePod({ tolerations: [comparing('1')] })
    const pod = deepCopy<Pod>(old)
    pod.spec.tolerations?.push(comparing('2', 'Lt'))
    const rules = podRulesOf(ALL_GATES_OFF)(old.spec)
    expect(validatePodUpdate(pod, old, rules)).toEqual([])
  })
})

describe('rules of gates', () => {
  it.each<[string, Partial<PodSpec>, string]>([
    [
      'volumes relabelled by mount',
      { securityContext: { seLinuxChangePolicy: 'MountOption' } },
      'spec.securityContext.seLinuxChangePolicy: Unsupported value: "MountOption": supported values: "Recursive"',
    ],
    [
      "the host's network in a user namespace",
      { hostUsers: false, hostNetwork: true },
      'spec.hostNetwork: Forbidden: when `hostUsers` is false',
    ],
  ])('%s', (_name, spec, expected) => {
    const pod = makePod(spec)
    expect(messages(pod, ALL_GATES_OFF)).toEqual([expected])
    expect(messages(pod, allOn)).toEqual([])
    expect(validatePod(pod, podRulesOf(ALL_GATES_OFF)(pod.spec))).toEqual([])
  })
})

describe('fields behind gates', () => {
  const full = (): PodSpec => ({
    containers: [{ name: 'c', lifecycle: { stopSignal: 'SIGINT' } }],
    initContainers: [{ name: 'i', lifecycle: { stopSignal: 'SIGINT', preStop: { sleep: { seconds: 1 } } } }],
    schedulingGroup: { podGroupName: 'a' },
    volumes: [
      {
        name: 'v',
        projected: {
          sources: [
            { clusterTrustBundle: { name: 'a', path: 'a' } },
            { podCertificate: { signerName: 'a.b/c', keyType: 'ED25519', credentialBundlePath: 'b' } },
          ],
        },
      },
    ],
  })
  const dropped: PodSpec = {
    containers: [{ name: 'c' }],
    initContainers: [{ name: 'i', lifecycle: { preStop: { sleep: { seconds: 1 } } } }],
    volumes: [{ name: 'v', projected: { sources: [{}, {}] } }],
  }
  it.each<[string, (name: string) => boolean, PodSpec | undefined, PodSpec]>([
    ['go while they are off', ALL_GATES_OFF, undefined, dropped],
    ['go when the stored one has none', ALL_GATES_OFF, { containers: [] }, dropped],
    ['stay where they are stored', ALL_GATES_OFF, full(), full()],
    ['stay when they are on', allOn, undefined, full()],
  ])('%s', (_name, isGateEnabled, old, expected) => {
    const spec = full()
    disabledFieldDropper(isGateEnabled)(spec, old)
    expect(spec).toEqual(expected)
  })
})
