/** The create generators, expose, run, set, and commands whose controller does not exist yet. */

import { expect } from 'vitest'
import { eventually } from '#test/support/eventually.ts'
import type { Scenario } from './scenario.ts'
import { deployment } from './scenario.ts'

interface Generated {
  readonly command: string
  readonly kind: string
  /** A part of the created object. */
  readonly expected: object
  readonly versions?: readonly string[]
}

const GENERATORS: readonly Generated[] = [
  {
    command: 'deployment web --image=nginx --replicas=3 --port=80',
    kind: 'deployment',
    expected: { spec: { replicas: 3, strategy: { type: 'RollingUpdate' }, revisionHistoryLimit: 10 } },
  },
  {
    command: 'job once --image=busybox -- true',
    kind: 'job',
    expected: { spec: { backoffLimit: 6, template: { spec: { restartPolicy: 'Never' } } } },
  },
  {
    command: 'configmap settings --from-literal=a=1 --from-literal=b=2',
    kind: 'configmap',
    expected: { data: { a: '1', b: '2' } },
  },
  {
    command: 'secret generic keys --from-literal=password=pw',
    kind: 'secret',
    expected: { type: 'Opaque', data: { password: 'cHc=' } },
  },
  {
    command: 'secret docker-registry pull --docker-username=u --docker-password=p --docker-server=r.example',
    kind: 'secret',
    expected: { type: 'kubernetes.io/dockerconfigjson' },
  },
  { command: 'serviceaccount robot', kind: 'serviceaccount', expected: { metadata: { name: 'robot' } } },
  {
    command: 'role reader --verb=get,list --resource=pods,deployments.apps',
    kind: 'role',
    expected: {
      rules: [
        { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list'] },
        { apiGroups: ['apps'], resources: ['deployments'], verbs: ['get', 'list'] },
      ],
    },
  },
  {
    command: 'rolebinding readers --role=reader --user=jane --serviceaccount=default:default',
    kind: 'rolebinding',
    expected: { roleRef: { kind: 'Role', name: 'reader' } },
  },
  { command: 'quota limit --hard=pods=5,cpu=2', kind: 'quota', expected: { spec: { hard: { cpu: '2', pods: '5' } } } },
  {
    command: 'ingress front --rule=example.com/a*=web:80',
    kind: 'ingress',
    expected: { spec: { rules: [{ host: 'example.com' }] } },
  },
  { command: 'service clusterip inner --tcp=80:8080', kind: 'service', expected: { spec: { type: 'ClusterIP' } } },
  { command: 'service nodeport outer --tcp=80:8080', kind: 'service', expected: { spec: { type: 'NodePort' } } },
  { command: 'service loadbalancer edge --tcp=80', kind: 'service', expected: { spec: { type: 'LoadBalancer' } } },
  {
    command: 'service externalname alias --external-name=example.com',
    kind: 'service',
    expected: { spec: { type: 'ExternalName', externalName: 'example.com' } },
  },
  {
    command: 'poddisruptionbudget guard --selector=app=web --min-available=1',
    kind: 'pdb',
    expected: { spec: { minAvailable: 1 } },
    versions: ['1.36'],
  },
  {
    command: 'cronjob nightly --image=busybox --schedule=0_0_*_*_* -- true',
    kind: 'cronjob',
    expected: { spec: { schedule: '0 0 * * *', concurrencyPolicy: 'Allow' } },
    versions: ['1.36'],
  },
]

const nameIn = (command: string): string =>
  command
    .split(' ')
    .filter((word) => !word.startsWith('-'))
    .at(nameIndex(command)) ?? ''
const nameIndex = (command: string): number => (/^(secret|service) /.test(command) ? 2 : 1)

export const CREATING: readonly Scenario[] = [
  ...GENERATORS.map(
    ({ command, kind, expected, versions }): Scenario => ({
      name: `create ${command}`,
      ...(versions !== undefined && { versions }),
      async run(kubectl) {
        const args = command
          .split(' ')
          .map((word) => (word.startsWith('--schedule') ? word.replaceAll('_', ' ') : word))
        expect(await kubectl.ok(['create', ...args])).toMatch(/ created\n$/)
        expect(await kubectl.json(`get ${kind} ${nameIn(command)}`)).toMatchObject(expected)
        expect(await kubectl.fails(['create', ...args])).toContain('already exists')
      },
    }),
  ),
  {
    name: 'create clusterrole, clusterrolebinding, priorityclass',
    async run(kubectl, namespace) {
      await kubectl.ok(`create clusterrole ${namespace}-r --verb=get --resource=nodes --resource-name=n1`)
      await kubectl.ok(`create clusterrole ${namespace}-u --verb=get --non-resource-url=/metrics`)
      await kubectl.ok(`create clusterrolebinding ${namespace}-b --clusterrole=${namespace}-r --group=ops`)
      await kubectl.ok(`create priorityclass ${namespace}-p --value=1000 --description=text`)
      expect(await kubectl.ok(`describe clusterrolebinding ${namespace}-b`)).toMatch(/Group\s+ops/)
      expect(await kubectl.ok(`describe clusterrole ${namespace}-r`)).toMatch(/nodes\s+\[\]\s+\[n1\]\s+\[get\]/)
      await kubectl.ok(
        `delete clusterrole/${namespace}-r clusterrole/${namespace}-u clusterrolebinding/${namespace}-b priorityclass/${namespace}-p`,
      )
    },
  },
  {
    name: 'create token gives a token the server accepts',
    versions: ['1.36'],
    async run(kubectl, namespace) {
      await kubectl.ok('create serviceaccount robot')
      const token = (await kubectl.ok('create token robot --duration=1h')).trim()
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string }
      expect(claims.sub).toBe(`system:serviceaccount:${namespace}:robot`)
      const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } }
      const answer = JSON.parse(await kubectl.ok('create -o json -f -', JSON.stringify(review))) as object
      expect(answer).toMatchObject({ status: { authenticated: true, user: { username: claims.sub } } })
    },
  },
  {
    name: 'create --dry-run=client and --dry-run=server change nothing',
    async run(kubectl) {
      expect(await kubectl.ok('create deployment x --image=nginx --dry-run=client -o yaml')).toContain('image: nginx')
      const dry = await kubectl.json<{ metadata: { uid?: string } }>(
        'create deployment x --image=nginx --dry-run=server',
      )
      expect(dry.metadata.uid).toBeDefined()
      expect(await kubectl.ok('get deployments -o name')).toBe('')
    },
  },
  {
    name: 'create refuses what is invalid and says which field',
    async run(kubectl) {
      const bad = await kubectl.fails('create -f -', deployment('web').replace('replicas: 2', 'replicas: -1'))
      expect(bad).toContain('is invalid: spec.replicas: Invalid value: -1')
      const unknown = await kubectl.fails('create -f -', deployment('web').replace('replicas: 2', 'replicaz: 2'))
      expect(unknown).toMatch(/unknown field "?(spec\.)?replicaz/)
      expect(await kubectl.fails('create configmap Bad_Name')).toContain('metadata.name: Invalid value')
    },
  },
  {
    name: 'expose makes a service for a deployment and for a pod',
    async run(kubectl) {
      await kubectl.ok('create -f -', deployment('web'))
      await kubectl.ok('run solo --image=nginx --port=80')
      expect(await kubectl.ok('expose deployment web --port=80 --target-port=8080 --name=front')).toBe(
        'service/front exposed\n',
      )
      await kubectl.ok('expose pod solo --type=NodePort')
      const front = await kubectl.json<{ spec: { clusterIP: string; selector: object } }>('get svc front')
      expect(front.spec).toMatchObject({ selector: { app: 'web' }, ports: [{ port: 80, targetPort: 8080 }] })
      expect(front.spec.clusterIP).toMatch(/^10\.43\./)
      expect(await kubectl.ok('get svc')).toMatch(/solo\s+NodePort\s+10\.43\.\d+\.\d+\s+<none>\s+80:\d+\/TCP/)
    },
  },
  {
    name: 'set image, env, resources, serviceaccount, selector',
    async run(kubectl) {
      await kubectl.ok('create -f -', deployment('web'))
      await kubectl.ok('create service clusterip web --tcp=80')
      expect(await kubectl.ok('set image deployment/web web=nginx:2')).toMatch(/image updated/)
      await kubectl.ok('set env deployment/web A=1 B=2')
      await kubectl.ok('set env deployment/web A-')
      await kubectl.ok('set resources deployment web --limits=cpu=200m,memory=512Mi --requests=cpu=100m')
      await kubectl.ok('set serviceaccount deployment web robot')
      await kubectl.ok('set selector service web app=other')
      const { spec } = await kubectl.json<{ spec: { template: { spec: object } } }>('get deployment web')
      expect(spec.template.spec).toMatchObject({
        serviceAccountName: 'robot',
        containers: [
          {
            image: 'nginx:2',
            env: [{ name: 'B', value: '2' }],
            resources: { limits: { cpu: '200m', memory: '512Mi' }, requests: { cpu: '100m' } },
          },
        ],
      })
      expect(await kubectl.ok('get svc web -o jsonpath={.spec.selector}')).toContain('other')
    },
  },
  {
    name: 'rollout status, restart, pause, resume, history and undo',
    async run(kubectl) {
      const restarted = ['get', 'deployment', 'web', '-o', 'jsonpath={.spec.template.metadata.annotations}']
      await kubectl.ok('create -f -', deployment('web'))
      await eventually(async () =>
        expect(await kubectl.ok('rollout history deployment/web')).toMatch(/REVISION\s+CHANGE-CAUSE\n1\s/),
      )
      await kubectl.ok('rollout restart deployment/web')
      expect(await kubectl.ok(restarted)).toContain('restartedAt')
      await eventually(async () => expect(await kubectl.ok('rollout history deployment/web')).toMatch(/\n2\s/))
      expect(await kubectl.ok('rollout status deployment/web --watch=false')).toMatch(/Waiting for/)
      await kubectl.ok('rollout pause deployment/web')
      expect(await kubectl.ok('get deployment web -o jsonpath={.spec.paused}')).toBe('true')
      await kubectl.ok('rollout resume deployment/web')
      expect(await kubectl.ok('rollout undo deployment/web')).toContain('rolled back')
      expect(await kubectl.ok(restarted)).not.toContain('restartedAt')
      await eventually(async () => expect(await kubectl.ok('rollout history deployment/web')).toMatch(/\n3\s/))
    },
  },
]
