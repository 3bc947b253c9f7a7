/**
 * Checks the types of a ValidatingAdmissionPolicy's expressions against the kinds it is about, and says in its status what
 * will not work.
 *
 * Reads: validatingadmissionpolicies and customresourcedefinitions from caches; discovery.
 * Writes: validatingadmissionpolicies/status, by server-side apply.
 * Upstream: pkg/controller/validatingadmissionpolicystatus.
 */
import { VALIDATING_ADMISSION_POLICIES } from '#machinery/api/admissionregistration/v1/resources.gen.ts'
import type { ValidatingAdmissionPolicy } from '#machinery/api/admissionregistration/v1/types.gen.ts'
import { CUSTOM_RESOURCE_DEFINITIONS } from '#machinery/api/apiextensions/v1/resources.gen.ts'
import type { CustomResourceDefinition } from '#machinery/api/apiextensions/v1/types.gen.ts'
import { DYN } from '#machinery/cel/types.ts'
import type { Client } from '#machinery/client/client.ts'
import type { DiscoveredResource } from '#machinery/client/discovery.ts'
import { discoverResources } from '#machinery/client/discovery.ts'
import type { Lister } from '#machinery/informers/lister.ts'
import type { GroupVersionKind } from '#machinery/meta/resource.ts'
import { apiVersionOf } from '#machinery/meta/resource.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import type { ObjectKey, Reconciler, ReconcilerContext, Result } from '#sdk'
import { DONE, defineController } from '#sdk'
import { VALIDATING_ADMISSION_POLICY_STATUS_CONTROLLER } from '../manager/names.ts'
import { matchedResources } from './matched-resources.ts'
import { typeOfKind } from './object-types.ts'
import { paramKindOf, typeCheckPolicy } from './type-check.ts'

type Policy = DeepReadonly<ValidatingAdmissionPolicy>

const NAMESPACE: GroupVersionKind = { group: '', version: 'v1', kind: 'Namespace' }

export const validatingAdmissionPolicyStatusController = defineController({
  name: VALIDATING_ADMISSION_POLICY_STATUS_CONTROLLER,
  reconciles: VALIDATING_ADMISSION_POLICIES,
  permissions: [
    { resource: VALIDATING_ADMISSION_POLICIES, verbs: ['get', 'list', 'watch'] },
    { resource: VALIDATING_ADMISSION_POLICIES, subresource: 'status', verbs: ['get', 'patch', 'update'] },
    { resource: CUSTOM_RESOURCE_DEFINITIONS, verbs: ['list', 'watch'] },
  ],
  concurrency: 5,
  create: (context) => new PolicyStatusReconciler(context),
})

class PolicyStatusReconciler implements Reconciler {
  readonly #client: Client
  readonly #policies: Lister<ValidatingAdmissionPolicy>
  readonly #definitions: Lister<CustomResourceDefinition>

  constructor({ client, lister }: ReconcilerContext) {
    this.#client = client
    this.#policies = lister(VALIDATING_ADMISSION_POLICIES)
    this.#definitions = lister(CUSTOM_RESOURCE_DEFINITIONS)
  }

  async reconcile(key: ObjectKey, signal: AbortSignal): Promise<Result> {
    const policy = this.#policies.get(key)
    const { generation = 0 } = policy?.metadata ?? {}
    if (policy === undefined || generation <= (policy.status?.observedGeneration ?? 0)) return DONE
    const { resources } = await discoverResources(this.#client, signal)
    const expressionWarnings = this.#check(policy, resources)
    const body = {
      apiVersion: apiVersionOf(VALIDATING_ADMISSION_POLICIES),
      kind: VALIDATING_ADMISSION_POLICIES.kind,
      metadata: { name: key.name },
      status: {
        observedGeneration: generation,
        typeChecking: expressionWarnings.length === 0 ? {} : { expressionWarnings },
      },
    }
    await this.#client.patch(
      VALIDATING_ADMISSION_POLICIES,
      key,
      { type: 'apply', body, force: true },
      { subresource: 'status', fieldManager: VALIDATING_ADMISSION_POLICY_STATUS_CONTROLLER, signal },
    )
    return DONE
  }

  #check(policy: Policy, resources: readonly DiscoveredResource[]) {
    const definitions = this.#definitions.list()
    const typeOf = (kind: GroupVersionKind) => typeOfKind(kind, definitions)
    const kinds = matchedResources(policy, resources).flatMap(({ group, version, kind }) => {
      const type = typeOf({ group, version, kind })
      return type === undefined ? [] : [{ group, version, kind, type }]
    })
    const param = paramKindOf(policy)
    const params = param === undefined ? undefined : typeOf(param)
    return typeCheckPolicy(policy, kinds, { namespace: typeOf(NAMESPACE) ?? DYN, params })
  }
}
