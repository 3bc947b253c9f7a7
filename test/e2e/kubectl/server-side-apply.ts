/** apply --server-side: conflicts, taking over, migration from client-side apply, diff. */
import { expect } from 'vitest'
import type { ManagedFieldsEntry } from '#machinery/api/meta/v1.ts'
import type { Kubectl } from '#test/support/kubectl.ts'
import { mixed } from './apply.ts'
import type { Scenario } from './scenario.ts'
import { configMap, deployment } from './scenario.ts'

interface Live {
  metadata: { annotations?: Record<string, string>; managedFields: ManagedFieldsEntry[] }
  spec?: { replicas: number }
  data?: Record<string, string>
}

/** Those nobody but kubectl writes: their resourceVersion tells whether something was written. */
const ALL_KINDS = 'configmaps,secrets,services,cronjobs,ingresses,networkpolicies,roles,rolebindings,limitranges'

const live = (kubectl: Kubectl, what: string): Promise<Live> => {
  const shown = kubectl.version === '1.20' ? '' : ' --show-managed-fields'
  return kubectl.json<Live>(`get ${what}${shown}`)
}

/** Owners other than the controllers. */
async function people(kubectl: Kubectl, what: string): Promise<ManagedFieldsEntry[]> {
  const { managedFields } = (await live(kubectl, what)).metadata
  return managedFields.filter(({ manager = '' }) => !manager.endsWith('-controller'))
}

export const APPLYING_SERVER_SIDE: readonly Scenario[] = [
  {
    name: 'apply --server-side creates, then changes nothing, then removes what is no longer applied',
    async run(kubectl) {
      const apply = 'apply --server-side -f -'
      expect(await kubectl.ok(apply, deployment('web'))).toBe('deployment.apps/web serverside-applied\n')
      const first = await people(kubectl, 'deployment web')
      await kubectl.ok(apply, deployment('web'))
      expect(await people(kubectl, 'deployment web')).toEqual(first)
      expect(first).toMatchObject([{ manager: 'kubectl', operation: 'Apply' }])
      await kubectl.ok(apply, configMap('c', { a: '1', b: '2' }))
      await kubectl.ok(apply, configMap('c', { b: '2' }))
      expect((await live(kubectl, 'cm c')).data).toEqual({ b: '2' })
    },
  },
  {
    name: 'apply --server-side of 50 mixed manifests, twice: nothing is written the second time',
    async run(kubectl, namespace) {
      const manifests = mixed(namespace)
      const everything = [
        'get',
        ALL_KINDS,
        '-o',
        'jsonpath={range .items[*]}{.metadata.uid} {.metadata.resourceVersion}{"\\n"}{end}',
      ]
      const first = (await kubectl.ok('apply --server-side -f -', manifests)).trim().split('\n')
      expect(first).toHaveLength(50)
      expect(first.filter((line) => !line.endsWith(' serverside-applied'))).toEqual([])
      const before = await kubectl.ok(everything)
      await kubectl.ok('apply --server-side -f -', manifests)
      expect(await kubectl.ok(everything)).toBe(before)
    },
  },
  {
    name: 'apply --server-side names conflicts, --force-conflicts takes over',
    async run(kubectl) {
      await kubectl.ok('apply --server-side -f -', deployment('web'))
      const rival = ['apply', '--server-side', '--field-manager=rival', '-f', '-']
      const message = await kubectl.fails(rival, deployment('web', 'nginx:2', 7))
      expect(message).toContain('Apply failed with 2 conflicts: conflicts with "kubectl":')
      expect(message).toContain('- .spec.replicas')
      expect(message).toContain('- .spec.template.spec.containers[name="web"].image')
      await kubectl.ok([...rival, '--force-conflicts'], deployment('web', 'nginx:2', 7))
      expect((await live(kubectl, 'deployment web')).spec?.replicas).toBe(7)
      expect(await kubectl.fails('apply --server-side -f -', deployment('web'))).toContain('conflicts with "rival"')
    },
  },
  {
    name: 'scale takes replicas away from who applied them, and is seen to',
    async run(kubectl) {
      await kubectl.ok('apply --server-side -f -', deployment('web'))
      await kubectl.ok('scale deployment web --replicas=5')
      const message = await kubectl.fails('apply --server-side -f -', deployment('web'))
      expect(message).toMatch(/conflict with "kubectl[^"]*" with subresource "scale" using apps\/v1: \.spec\.replicas/)
      const { managedFields } = (await live(kubectl, 'deployment web')).metadata
      expect(managedFields.map(({ subresource }) => subresource)).toContain('scale')
    },
  },
  {
    name: 'apply --server-side takes over from client-side apply without conflicts',
    versions: ['1.36'],
    async run(kubectl) {
      await kubectl.ok('apply -f -', deployment('web'))
      await kubectl.ok('apply --server-side -f -', deployment('web', 'nginx:2'))
      // kubectl keeps its annotation for those who still read it, under a name of its own.
      const managers = (await people(kubectl, 'deployment web')).map(
        ({ manager, operation }) => `${manager} ${operation}`,
      )
      expect(managers).toEqual(['kubectl-last-applied Apply', 'kubectl Apply'])
      const smaller = deployment('web', 'nginx:2').replace('  labels: { app: web }\n', '')
      await kubectl.ok('apply --server-side -f -', smaller)
      expect(await kubectl.json('get deployment web')).not.toHaveProperty('metadata.labels')
    },
  },
  {
    name: 'diff --server-side shows what apply would change, and the conflicts it would have',
    async run(kubectl) {
      await kubectl.ok('apply --server-side -f -', configMap('c', { a: '1' }))
      const changed = await kubectl.run(['diff', '--server-side', '-f', '-'], { stdin: configMap('c', { a: '2' }) })
      expect(changed.code).toBe(1)
      expect(changed.stdout).toMatch(/-\s+a: "1"\n\+\s+a: "2"/)
      const same = await kubectl.run(['diff', '--server-side', '-f', '-'], { stdin: configMap('c', { a: '1' }) })
      expect({ code: same.code, stdout: same.stdout }).toEqual({ code: 0, stdout: '' })
      expect((await live(kubectl, 'cm c')).data).toEqual({ a: '1' })
    },
  },
  {
    name: 'apply --server-side --dry-run=server and of an unknown field',
    async run(kubectl) {
      expect(await kubectl.ok('apply --server-side --dry-run=server -f -', configMap('c'))).toContain('server dry run')
      const wrong = JSON.stringify({ ...JSON.parse(configMap('c')), oops: 1 })
      const unchecked = kubectl.version === '1.20' ? '--validate=false' : '--validate=ignore'
      const message = await kubectl.fails(`apply --server-side ${unchecked} -f -`, wrong)
      expect(message).toContain('.oops: field not declared in schema')
      expect(await kubectl.ok('get cm c -o name --ignore-not-found')).toBe('')
    },
  },
]
