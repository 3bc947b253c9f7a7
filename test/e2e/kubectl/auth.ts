/** auth can-i, whoami, reconcile, impersonation, certificates. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { eventually } from '#test/support/eventually.ts'
import { makeSigningRequest } from '#test/support/signing-request.ts'
import type { Scenario } from './scenario.ts'
import { documents, pod } from './scenario.ts'

interface Claims {
  readonly aud: readonly string[]
  readonly exp: number
  readonly iat: number
  readonly 'kubernetes.io': { readonly pod?: { readonly name: string } }
}

const base64 = (text: string): string => Buffer.from(text).toString('base64')

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
  {
    name: 'create token for an audience, bound to a pod, for half an hour',
    versions: ['1.36'],
    async run(kubectl) {
      await kubectl.ok('create -f -', pod('p'))
      const bound = '--bound-object-kind=Pod --bound-object-name=p'
      const token = (await kubectl.ok(`create token default --audience=vault --duration=30m ${bound}`)).trim()
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Claims
      expect(claims.aud).toEqual(['vault'])
      expect(claims.exp - claims.iat).toBe(1800)
      expect(claims['kubernetes.io'].pod?.name).toBe('p')
      const review = async (audience: string): Promise<object> => {
        const spec = { token, audiences: [audience] }
        const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec }
        return JSON.parse(await kubectl.ok('create -o json -f -', JSON.stringify(body))) as object
      }
      expect(await review('vault')).toMatchObject({ status: { authenticated: true, audiences: ['vault'] } })
      expect(await review('other')).not.toMatchObject({ status: { authenticated: true } })
      await kubectl.ok('delete pod p --grace-period=0 --force')
      await eventually(async () => expect(await review('vault')).not.toMatchObject({ status: { authenticated: true } }))
      const gone = await kubectl.fails(`create token default ${bound}`)
      expect(gone).toContain('pods "p" not found')
    },
  },
  {
    name: 'certificate approve: the client certificate that comes of it is let in',
    async run(kubectl, namespace) {
      const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      const name = `jane-${namespace}`
      const request = makeSigningRequest({ commonName: name, organizations: ['devs'] }, keys)
      const csr = (csrName: string): string =>
        JSON.stringify({
          apiVersion: 'certificates.k8s.io/v1',
          kind: 'CertificateSigningRequest',
          metadata: { name: csrName },
          spec: {
            request: base64(request),
            signerName: 'kubernetes.io/kube-apiserver-client',
            usages: ['client auth'],
          },
        })
      await kubectl.ok('create -f -', documents(csr(name), csr(`${name}-bad`)))
      expect(await kubectl.ok(`get csr ${name}`)).toMatch(/kubernetes\.io\/kube-apiserver-client.*Pending/)
      expect(await kubectl.ok(`certificate approve ${name}`)).toContain('approved')
      expect(await kubectl.ok(`certificate deny ${name}-bad`)).toContain('denied')
      const certificate = await eventually(async () => {
        const { status } = await kubectl.json<{ status: { certificate?: string } }>(`get csr ${name}`)
        expect(status.certificate).toBeDefined()
        return Buffer.from(status.certificate ?? '', 'base64').toString()
      })
      expect(await kubectl.ok(`get csr ${name}`)).toContain('Approved,Issued')
      expect(await kubectl.ok(`get csr ${name}-bad`)).toContain('Denied')
      const folder = mkdtempSync(join(tmpdir(), 'knarr-csr-'))
      try {
        const config = await kubectl.json<{ users: { user: object }[] }>('config view --raw')
        for (const user of config.users) {
          const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
          user.user = { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) }
        }
        const path = join(folder, 'config')
        writeFileSync(path, JSON.stringify(config))
        const asJane = ['--kubeconfig', path]
        expect(await kubectl.fails(['get', 'pods', ...asJane])).toContain(`User "${name}" cannot list resource "pods"`)
        await kubectl.ok('create role reader --verb=list --resource=pods')
        await kubectl.ok('create rolebinding readers --role=reader --group=devs')
        await eventually(() => kubectl.ok(['get', 'pods', ...asJane]))
      } finally {
        rmSync(folder, { recursive: true })
      }
      await kubectl.ok(`delete csr ${name} ${name}-bad`)
    },
  },
]
