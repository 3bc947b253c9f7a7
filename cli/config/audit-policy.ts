/**
 * The file of --audit-policy-file: an audit.k8s.io/v1 Policy, checked as a whole; every mistake is reported with its field.
 * Upstream: apiserver pkg/audit/policy/reader.go, pkg/apis/audit/validation. Differs: an unknown field is an error
 * (upstream warns and goes on without it): a rule that says less than its author thinks records what it should not.
 */
import { z } from 'zod'
import { AUDIT_LEVELS, AUDIT_STAGES } from '#apiserver/audit/interfaces.ts'
import type { AuditPolicy } from '#apiserver/audit/policy.ts'
import { isDns1123Subdomain } from '#machinery/meta/validation.ts'
import { isObject } from '#machinery/util/json.ts'
import { parseYamlDocuments } from '#machinery/yaml/yaml.ts'

const API_VERSION = 'audit.k8s.io/v1'

const texts = z
  .array(z.string())
  .nullish()
  .transform((value) => value ?? [])
const oneOf = (names: readonly string[]): string => names.map((name) => JSON.stringify(name)).join(', ')
const stages = z
  .array(z.enum(AUDIT_STAGES, { error: `Invalid value: allowed stages are ${AUDIT_STAGES.join(',')}` }))
  .nullish()
  .transform((value) => value ?? [])
const level = z.enum(AUDIT_LEVELS, {
  error: ({ input }) =>
    input === undefined || input === ''
      ? 'Required value'
      : `Unsupported value: supported values: ${oneOf(AUDIT_LEVELS)}`,
})

const groupResources = z
  .strictObject({
    group: z
      .string()
      .refine((name) => name === '' || name === '*' || isDns1123Subdomain(name).length === 0, {
        error: 'Invalid value: must be the name of an API group without its version',
      })
      .default(''),
    resources: texts,
    resourceNames: texts,
  })
  .refine(({ resources, resourceNames }) => resourceNames.length === 0 || resources.length > 0, {
    path: ['resourceNames'],
    error: 'Invalid value: using resourceNames requires at least one resource',
  })

const nonResourceURL = z
  .string()
  .refine((url) => url === '*' || url.startsWith('/'), {
    error: "Invalid value: non-resource URL rules must begin with a '/' character",
  })
  .refine((url) => !url.slice(0, -1).includes('*'), {
    error: "Invalid value: non-resource URL wildcards '*' must be the final character of the rule",
  })

const rule = z
  .strictObject({
    level,
    users: texts,
    userGroups: texts,
    verbs: texts,
    resources: z
      .array(groupResources)
      .nullish()
      .transform((value) => value ?? []),
    namespaces: texts,
    nonResourceURLs: z
      .array(nonResourceURL)
      .nullish()
      .transform((value) => value ?? []),
    omitStages: stages,
    omitManagedFields: z
      .boolean()
      .nullish()
      .transform((value) => value ?? undefined),
  })
  .refine(
    ({ nonResourceURLs, resources, namespaces }) =>
      nonResourceURLs.length === 0 || (resources.length === 0 && namespaces.length === 0),
    {
      path: ['nonResourceURLs'],
      error: 'Invalid value: rules cannot apply to both regular resources and non-resource URLs',
    },
  )

const policy = z.strictObject({
  kind: z.literal('Policy'),
  apiVersion: z.literal(API_VERSION),
  metadata: z.unknown().optional(),
  rules: z.array(rule).min(1, { error: 'Required value: a policy without rules records nothing' }),
  omitStages: stages,
  omitManagedFields: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
})

/** Throws an Error that lists what is wrong, `rules[0].level: …`, one line each. */
export function parseAuditPolicy(text: string): AuditPolicy {
  const documents = parseYamlDocuments(text)
  const value = documents[0]?.value
  if (documents.length !== 1 || !isObject(value)) throw new Error('must be one Policy document')
  if (value['kind'] !== 'Policy' || value['apiVersion'] !== API_VERSION) {
    throw new Error(`must be a Policy of ${API_VERSION}, not ${String(value['apiVersion'])} ${String(value['kind'])}`)
  }
  const result = policy.safeParse(value)
  if (result.success) return result.data
  throw new Error(result.error.issues.flatMap(issueLines).join('\n'))
}

function issueLines(issue: z.core.$ZodIssue): string[] {
  const field = fieldOf(issue.path)
  if (issue.code !== 'unrecognized_keys') return [`${field === '' ? '' : `${field}: `}${issue.message}`]
  return issue.keys.map((key) => `${fieldOf([...issue.path, key])}: unknown field`)
}

/** `rules[0].resources[1].group` */
function fieldOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`
    return text === '' ? String(part) : `${text}.${String(part)}`
  }, '')
}
