/** auth can-i, whoami, reconcile, impersonation, certificates. */
import { expect } from 'vitest'
import { eventually } from '#test/support/eventually.ts'
import type { Scenario } from './scenario.ts'
import { pod } from './scenario.ts'

export const AUTHORIZING: readonly Scenario[] = [
  {
    name: 'auth can-i for the administrator and for others',
    async run(kubectl, namespace) {
      expect(await kubectl.ok('auth can-i * *')).toBe('yes\n')
      const jane = ['--as=jane', '--as-group=devs']
      const before = await kubectl.run(['auth', 'can-i', 'list', 'pods', ...jane])
      expect(before).toMatchObject({ code: 1, stdout: expect.stringMatching(/^no/) as unknown })
      await kubectl.ok('create -f -', pod('p'))
      await kubectl.ok('create role reader --verb=get,list --resource=pods')
      await kubectl.ok('create rolebinding readers --role=reader --group=devs')
      await eventually(async () =>
        expect(await kubectl.run(['auth', 'can-i', 'list', 'pods', ...jane])).toMatchObject({ code: 0 }),
      )
      const [list, others, forbidden] = await Promise.all([
        kubectl.ok(['auth', 'can-i', '--list', ...jane]),
        kubectl.run(['auth', 'can-i', 'delete', 'pods', ...jane]),
        kubectl.fails(['delete', 'pods', '--all', ...jane]),
      ])
      expect(list).toMatch(/pods\s+\[\]\s+\[\]\s+\[get list\]/)
      expect(others.code).toBe(1)
      expect(await kubectl.ok(['get', 'pods', '-o', 'name', ...jane])).toBe('pod/p\n')
      expect(forbidden).toContain(`User "jane" cannot`)
      expect(forbidden).toContain(`in the namespace "${namespace}"`)
      expect(await kubectl.ok('auth can-i get /healthz')).toBe('yes\n')
    },
  },
  {
    name: 'auth whoami',
    versions: ['1.36'],
    async run(kubectl) {
      expect(await kubectl.ok('auth whoami')).toMatch(/Groups\s+\[.*system:masters/)
      expect(await kubectl.json('auth whoami --as=jane')).toMatchObject({ status: { userInfo: { username: 'jane' } } })
    },
  },
  {
    name: 'auth reconcile creates and extends roles',
    async run(kubectl, namespace) {
      const role = (verbs: string[]): string =>
        JSON.stringify({
          apiVersion: 'rbac.authorization.k8s.io/v1',
          kind: 'Role',
          metadata: { name: 'grown', namespace },
          rules: [{ apiGroups: [''], resources: ['pods'], verbs }],
        })
      await kubectl.ok('auth reconcile -f -', role(['get']))
      await kubectl.ok('auth reconcile -f -', role(['list']))
      const { rules } = await kubectl.json<{ rules: { verbs: string[] }[] }>('get role grown')
      expect(rules.flatMap(({ verbs }) => verbs).sort()).toEqual(['get', 'list'])
    },
  },
]
