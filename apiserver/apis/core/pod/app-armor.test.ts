/** Re-derived from upstream's pkg/registry/core/pod/strategy_test.go TestApplyAppArmorVersionSkew. */
import { expect, it } from 'vitest'
import type { AppArmorProfile, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { applyAppArmorAnnotations } from './app-armor.ts'

const KEY = 'container.apparmor.security.beta.kubernetes.io/'
const UNCONFINED: AppArmorProfile = { type: 'Unconfined' }
const DEFAULT: AppArmorProfile = { type: 'RuntimeDefault' }
const LOCAL: AppArmorProfile = { type: 'Localhost', localhostProfile: 'test' }

it.each<
  [
    name: string,
    annotations: Record<string, string>,
    fields: { pod?: AppArmorProfile; ctr?: AppArmorProfile; os?: string },
    ctr: AppArmorProfile | undefined,
    warns: boolean,
  ]
>([
  ['no annotation', {}, { pod: LOCAL }, undefined, false],
  ['no annotation, a field', {}, { pod: DEFAULT, ctr: UNCONFINED }, UNCONFINED, false],
  ['unconfined', { ctr: 'unconfined' }, {}, UNCONFINED, true],
  ['runtime/default, the Pod otherwise', { ctr: 'runtime/default' }, { pod: UNCONFINED }, DEFAULT, true],
  ['a profile of the node', { ctr: 'localhost/test' }, {}, LOCAL, true],
  ['for another container', { other: 'unconfined' }, {}, undefined, false],
  ['against the field', { ctr: 'unconfined' }, { ctr: DEFAULT }, DEFAULT, false],
  ["like the Pod's", { ctr: 'runtime/default' }, { pod: DEFAULT }, undefined, false],
  ["over the Pod's", { ctr: 'unconfined' }, { pod: DEFAULT }, UNCONFINED, true],
  ['of no kind', { ctr: 'invalid' }, {}, undefined, true],
  ['without a name', { ctr: 'localhost/' }, {}, undefined, true],
  ['padded', { ctr: 'localhost/ test' }, {}, undefined, true],
  ['on Windows', { ctr: 'unconfined' }, { os: 'windows' }, undefined, false],
])('%s', (_name, values, { pod: podProfile, ctr, os }, expected, warns) => {
  const annotations = Object.fromEntries(Object.entries(values).map(([name, value]) => [KEY + name, value]))
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', annotations },
    spec: {
      ...(os === undefined ? {} : { os: { name: os } }),
      ...(podProfile === undefined ? {} : { securityContext: { appArmorProfile: podProfile } }),
      initContainers: [{ name: 'init' }],
      containers: [{ name: 'ctr', ...(ctr === undefined ? {} : { securityContext: { appArmorProfile: ctr } }) }],
    },
  }
  const warnings: string[] = []
  applyAppArmorAnnotations(pod, (warning) => warnings.push(warning))
  expect(pod.spec.containers[0]?.securityContext?.appArmorProfile).toEqual(expected)
  expect(pod.spec.initContainers?.[0]).toEqual({ name: 'init' })
  expect(pod.metadata.annotations).toEqual(annotations)
  const text = `metadata.annotations[${KEY}ctr]: deprecated since v1.30; use the "appArmorProfile" field instead`
  expect(warnings).toEqual(warns ? [text] : [])
})
