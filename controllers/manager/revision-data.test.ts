import { describe, expect, it } from 'vitest'
import type { ControllerRevision } from '#machinery/api/apps/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { isSameData, revisionData, revisionDataWithTimestamp, revisionHash, templateOf } from './revision-data.ts'

const template = {
  metadata: { labels: { app: 'foo' }, annotations: { test: 'value' } },
  spec: {
    containers: [
      {
        name: 'test',
        image: 'test',
        resources: {},
        terminationMessagePath: '/dev/termination-log',
        terminationMessagePolicy: 'File',
        imagePullPolicy: 'Always',
      },
    ],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  },
} as const

describe('the hash of a revision', () => {
  it("is kube-controller-manager 1.34's", () => {
    // The name it gave this template in pkg/controller/statefulset/testdata.
    expect(revisionHash(revisionData(template), 0)).toBe('776999688b')
  })

  it('does not depend on the order of members, and does on the count of collisions', () => {
    const { metadata, spec } = template
    expect(revisionHash(revisionData({ spec, metadata }), 0)).toBe('776999688b')
    expect(revisionHash(revisionData(template), 1)).not.toBe('776999688b')
  })
})

describe('the data of a revision', () => {
  const revision = (data: unknown) => ({ data, revision: 1 }) as DeepReadonly<ControllerRevision>

  it('goes back to the template', () => {
    expect(templateOf(revision(revisionData(template)))).toEqual(template)
    expect(templateOf(revision({ spec: {} }))).toBeUndefined()
    expect(templateOf(revision(undefined))).toBeUndefined()
  })

  it('is what Go writes, byte for byte', () => {
    const text = JSON.stringify(
      revisionDataWithTimestamp({ spec: { containers: [] }, metadata: { labels: { b: '1', a: '2' } } }),
    )
    const metadata = '"metadata":{"creationTimestamp":null,"labels":{"a":"2","b":"1"}}'
    expect(text).toBe(`{"spec":{"template":{"$patch":"replace",${metadata},"spec":{"containers":[]}}}}`)
  })

  it.each([
    ['equal', revisionData(template), true],
    [
      'a null as 1.33 wrote it',
      revisionData({ ...template, metadata: { ...template.metadata, creationTimestamp: null } } as never),
      true,
    ],
    ['another image', revisionData({ ...template, spec: { containers: [{ name: 'test', image: 'other' }] } }), false],
  ])('is compared by meaning: %s', (_name, other, isSame) => {
    expect(isSameData(revisionData(template), other)).toBe(isSame)
  })
})
