/** Names of finalizers, which Kubernetes' own kinds are strict about. */
import { expect, it } from 'vitest'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldErrorString } from '#machinery/meta/field-error.ts'
import { validateFinalizerNames } from './metadata-validation.ts'

const REFUSED =
  'metadata.finalizers[1]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified'

it.each<[string, string, readonly string[], string[]]>([
  ['of a pod', '', ['example.com/mine', 'mine'], [REFUSED]],
  ['of a deployment', 'apps', ['orphan', 'mine'], [REFUSED]],
  ['of a policy', 'admissionregistration.k8s.io', ['orphan', 'mine'], []],
  ['of a custom resource', 'example.com', ['orphan', 'mine'], []],
  ['that are standard', '', ['kubernetes', 'orphan', 'foregroundDeletion'], []],
])('%s', (_name, group, finalizers, expected) => {
  const errors: FieldError[] = []
  validateFinalizerNames({ name: 'a', finalizers }, group, errors)
  expect(errors.map(fieldErrorString)).toEqual(expected)
})
