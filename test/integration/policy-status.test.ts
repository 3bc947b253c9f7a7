/** ValidatingAdmissionPolicies say what their expressions get wrong. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { validatingAdmissionPolicyStatusController } from '#controllers/validating-admission-policy-status/reconciler.ts'
import { VALIDATING_ADMISSION_POLICIES } from '#machinery/api/admissionregistration/v1/resources.gen.ts'
import type { ValidatingAdmissionPolicy } from '#machinery/api/admissionregistration/v1/types.gen.ts'
import { deepCopy } from '#machinery/util/json.ts'
import type { TestControlPlane } from '#test/support/control-plane.ts'
import { startTestControlPlane } from '#test/support/control-plane.ts'
import { eventually } from '#test/support/eventually.ts'

const KEY = { name: 'p' }
let plane: TestControlPlane

beforeEach(async () => {
  plane = await startTestControlPlane({ controllers: [validatingAdmissionPolicyStatusController] })
})
afterEach(() => plane.stop())

const policyWith = (...expressions: string[]): ValidatingAdmissionPolicy => ({
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: KEY,
  spec: {
    failurePolicy: 'Fail',
    matchConstraints: {
      resourceRules: [{ apiGroups: ['apps'], apiVersions: ['v1'], operations: ['CREATE'], resources: ['deployments'] }],
    },
    validations: expressions.map((expression) => ({ expression })),
  },
})

const policy = () => plane.client.get(VALIDATING_ADMISSION_POLICIES, KEY)

async function checked(generation: number): Promise<string[]> {
  const { status } = await eventually(async () => {
    const found = await policy()
    expect(found.status?.observedGeneration).toBe(generation)
    return found
  })
  return (status?.typeChecking?.expressionWarnings ?? []).map(({ fieldRef }) => fieldRef)
}

describe('the status of a policy', () => {
  it('lists the expressions that are wrong, and no longer once they are right', async () => {
    await plane.client.create(
      VALIDATING_ADMISSION_POLICIES,
      policyWith('object.spec.replicas > 1', 'object.replicas > 1'),
    )
    expect(await checked(1)).toEqual(['spec.validations[1].expression'])
    const next = deepCopy<ValidatingAdmissionPolicy>(await policy())
    next.spec = { ...next.spec, validations: [{ expression: 'object.spec.replicas > 2' }] }
    await plane.client.update(VALIDATING_ADMISSION_POLICIES, next)
    expect(await checked(2)).toEqual([])
  })

  it('says that there is nothing to say', async () => {
    await plane.client.create(VALIDATING_ADMISSION_POLICIES, policyWith('object.spec.replicas > 1'))
    expect(await checked(1)).toEqual([])
    expect((await policy()).status?.typeChecking).toEqual({})
  })
})
