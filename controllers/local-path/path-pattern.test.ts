/** Folders from patterns, and the patterns that are refused. */
import { describe, expect, it } from 'vitest'
import type { FrozenClaim } from '#machinery/volume/binding.ts'
import { renderPathPattern } from './path-pattern.ts'

const claim: FrozenClaim = {
  apiVersion: 'v1',
  kind: 'PersistentVolumeClaim',
  metadata: {
    namespace: 'ns',
    name: 'data',
    labels: { app: 'web', 'example.com/tier': 'fast' },
    annotations: { folder: 'a/b', up: '../../etc' },
  },
  spec: {},
}
const render = (pattern: string, allowUnsafe = false) => renderPathPattern(pattern, 'pvc-1', claim, { allowUnsafe })

describe('renderPathPattern', () => {
  it.each([
    ['{{ .PVC.Namespace }}/{{ .PVC.Name }}', 'ns/data'],
    ['{{.PVC.namespace}}/{{- .PVC.name -}}/{{ .PVName }}', 'ns/data/pvc-1'],
    ['{{ .PVC.Namespace }}/{{ .PVC.Name }}/{{ .PVC.Labels.app }}', 'ns/data/web'],
    ['{{ .PVC.Namespace }}/{{ .PVC.Name }}/{{ index .PVC.Labels "example.com/tier" }}', 'ns/data/fast'],
    ['{{ .PVC.Namespace }}/{{ .PVC.Name }}/{{ .PVC.Annotations.folder }}', 'ns/data/a/b'],
  ])('%s gives %s', (pattern, expected) => {
    expect(render(pattern)).toBe(expected)
  })

  it.each([
    ['{{ .PVName }}', 'must begin with'],
    ['fixed', 'must begin with'],
    ['{{ .PVC.Namespace }}/{{ .PVC.Name }}x', 'must begin with'],
    ['{{ .PVC.Namespace }}/{{ .PVC.Name }}/../../other', 'not a path below a folder'],
    ['{{ .PVC.Namespace }}/{{ .PVC.Name }}/{{ .PVC.Annotations.up }}', 'not a path below a folder'],
    ['{{ .PVC.Namespace }}/{{ .PVC.Name }}/', 'not a path below a folder'],
    ['{{ .PVC.Namespace }}/{{ .PVC.Name }}/{{ .PVC.Labels.none }}', 'no value'],
    ['{{ .PVC.Namespace }}/{{ .PVC.Name }}/{{ printf "x" }}', 'not supported'],
    ['{{ .PVC.Namespace }}/{{ .PVC.Name }}/{{ .PVName', 'cannot be parsed'],
  ])('refuses %s', (pattern, message) => {
    expect(() => render(pattern)).toThrow(message)
  })

  it('takes other beginnings where the class allows it, but never a way up', () => {
    expect(render('all/{{ .PVName }}', true)).toBe('all/pvc-1')
    expect(() => render('../{{ .PVName }}', true)).toThrow('not a path below a folder')
    expect(() => render('/{{ .PVName }}', true)).toThrow('not a path below a folder')
  })
})
