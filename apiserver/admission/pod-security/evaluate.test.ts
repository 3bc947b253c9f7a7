import { describe, expect, it } from 'vitest'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import { detailText, violations } from './evaluate.ts'
import type { Level } from './policy.ts'
import { policyOf } from './policy.ts'

type Spec = Pod['spec']
type Container = Spec['containers'][number]

const good: Container = {
  name: 'a',
  image: 'i',
  securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
}
const goodSpec: Spec = {
  containers: [good],
  securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
}
const container = (fields: Partial<Container>): Spec => ({ ...goodSpec, containers: [{ ...good, ...fields }] })
const context = (fields: Container['securityContext']): Spec =>
  container({ securityContext: { ...good.securityContext, ...fields } })
const podContext = (fields: Spec['securityContext']): Spec => ({
  ...goodSpec,
  securityContext: { ...goodSpec.securityContext, ...fields },
})

const check = (level: Level, spec: Spec, minor = Number.POSITIVE_INFINITY, annotations = {}): string =>
  detailText(violations({ annotations, spec }, { level, minor }))

describe('a pod that meets the restricted level', () => {
  it.each([0, 8, 19, 22, 25, 31, 35, 36, 99])('meets it in v1.%i', (minor) => {
    expect(check('restricted', goodSpec, minor)).toBe('')
    expect(check('baseline', goodSpec, minor)).toBe('')
  })
})

describe('the privileged level', () => {
  it('asks for nothing', () => {
    expect(check('privileged', context({ privileged: true }))).toBe('')
  })
})

describe('the baseline level', () => {
  it.each<[string, Spec, string]>([
    [
      'privileged',
      context({ privileged: true }),
      'privileged (container "a" must not set securityContext.privileged=true)',
    ],
    [
      'host namespaces',
      { ...goodSpec, hostNetwork: true, hostPID: true, hostIPC: true },
      'host namespaces (hostNetwork=true, hostPID=true, hostIPC=true)',
    ],
    [
      'capabilities',
      {
        ...goodSpec,
        initContainers: [{ ...good, name: 'i', securityContext: { capabilities: { add: ['SYS_TIME', 'CHOWN'] } } }],
        containers: [{ ...good, securityContext: { capabilities: { add: ['NET_RAW'] } } }],
      },
      'non-default capabilities (containers "i", "a" must not include "NET_RAW", "SYS_TIME" in securityContext.capabilities.add)',
    ],
    [
      'host paths',
      {
        ...goodSpec,
        volumes: [
          { name: 'x', hostPath: { path: '/' } },
          { name: 'y', hostPath: { path: '/' } },
        ],
      },
      'hostPath volumes (volumes "x", "y")',
    ],
    [
      'host ports',
      container({
        ports: [{ containerPort: 1, hostPort: 80 }, { containerPort: 2, hostPort: 443 }, { containerPort: 3 }],
      }),
      'hostPort (container "a" uses hostPorts 443, 80)',
    ],
    [
      'hosts of probes and hooks',
      container({
        livenessProbe: { httpGet: { port: 80, host: '10.0.0.1' } },
        lifecycle: { preStop: { tcpSocket: { port: 80, host: '10.0.0.2' } } },
      }),
      'probe or lifecycle host (container "a" uses probe or lifecycle hosts "10.0.0.1", "10.0.0.2")',
    ],
    [
      'proc mounts',
      context({ procMount: 'Unmasked' }),
      'procMount (container "a" must not set securityContext.procMount to "Unmasked")',
    ],
    [
      'SELinux options',
      {
        ...podContext({ seLinuxOptions: { type: 'spc_t', user: 'u' } }),
        containers: [{ ...good, securityContext: { ...good.securityContext, seLinuxOptions: { role: 'r' } } }],
      },
      'seLinuxOptions (pod and container "a" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set; role may not be set)',
    ],
    [
      'seccomp',
      podContext({ seccompProfile: { type: 'Unconfined' } }),
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      'AppArmor',
      context({ appArmorProfile: { type: 'Unconfined' } }),
      'forbidden AppArmor profile (container "a" must not set AppArmor profile type to "Unconfined")',
    ],
    [
      'sysctls',
      podContext({
        sysctls: [
          { name: 'kernel.msgmax', value: '1' },
          { name: 'net.ipv4.tcp_rmem', value: '1' },
        ],
      }),
      'forbidden sysctls (kernel.msgmax)',
    ],
    [
      'host processes',
      { ...podContext({ windowsOptions: { hostProcess: true } }), containers: [good] },
      'hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)',
    ],
  ])('forbids %s', (_name, spec, text) => {
    expect(check('baseline', spec)).toBe(text)
  })

  it('looks at ephemeral containers too', () => {
    const ephemeralContainers = [{ name: 'debug', image: 'i', securityContext: { privileged: true } }]
    expect(check('baseline', { ...goodSpec, ephemeralContainers })).toContain('container "debug" must not set')
  })

  it('reads the annotations of old', () => {
    const key = 'container.apparmor.security.beta.kubernetes.io/a'
    expect(check('baseline', goodSpec, 36, { [key]: 'unconfined' })).toBe(
      `forbidden AppArmor profile (annotation must not set AppArmor profile type to "${key}="unconfined"")`,
    )
    const seccomp = { 'seccomp.security.alpha.kubernetes.io/pod': 'unconfined' }
    expect(check('baseline', goodSpec, 18, seccomp)).toContain('forbidden annotation seccomp.security')
    expect(check('baseline', goodSpec, 19, seccomp)).toBe('')
  })
})

describe('the restricted level', () => {
  it('names everything a plain pod lacks, as upstream does', () => {
    expect(check('restricted', { containers: [{ name: 'a', image: 'i' }] })).toBe(
      'allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false), ' +
        'unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]), ' +
        'runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true), ' +
        'seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
    )
  })

  it.each<[string, Spec, string]>([
    [
      'volumes of other kinds',
      {
        ...goodSpec,
        volumes: [
          { name: 'n', nfs: { server: 's', path: '/' } },
          { name: 'e', emptyDir: {} },
        ],
      },
      'restricted volume types (volume "n" uses restricted volume type "nfs")',
    ],
    ['root by user ID', podContext({ runAsUser: 0 }), 'runAsUser=0 (pod must not set runAsUser=0)'],
    [
      'root by denial',
      context({ runAsNonRoot: false }),
      'runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false)',
    ],
    [
      'capabilities but one',
      context({ capabilities: { drop: ['ALL'], add: ['NET_BIND_SERVICE', 'CHOWN'] } }),
      'unrestricted capabilities (container "a" must not include "CHOWN" in securityContext.capabilities.add)',
    ],
  ])('forbids %s', (_name, spec, text) => {
    expect(check('restricted', spec)).toBe(text)
  })

  it('judges by the version that is asked for', () => {
    const plain: Spec = { containers: [{ name: 'a', image: 'i' }] }
    expect(check('restricted', plain, 7)).not.toContain('allowPrivilegeEscalation')
    expect(check('restricted', plain, 21)).not.toContain('capabilities')
    const windows: Spec = { ...plain, os: { name: 'windows' }, securityContext: { runAsNonRoot: true } }
    expect(check('restricted', windows, 24)).toContain('seccompProfile')
    expect(check('restricted', windows, 25)).toBe('')
    const userNamespace: Spec = {
      ...goodSpec,
      hostUsers: false,
      securityContext: { seccompProfile: { type: 'Localhost' } },
    }
    expect(check('restricted', userNamespace, 34)).toContain('runAsNonRoot')
    expect(check('restricted', userNamespace, 35)).toBe('')
  })
})

describe('the labels of a namespace', () => {
  const labels = (pairs: Record<string, string>) =>
    Object.fromEntries(Object.entries(pairs).map(([key, value]) => [`pod-security.kubernetes.io/${key}`, value]))

  it('set level and version of each mode; warn follows a stricter enforce', () => {
    const { policy, errors } = policyOf(
      labels({ enforce: 'baseline', 'enforce-version': 'v1.20', audit: 'restricted' }),
    )
    expect(errors).toEqual([])
    expect(policy).toEqual({
      enforce: { level: 'baseline', minor: 20 },
      audit: { level: 'restricted', minor: Number.POSITIVE_INFINITY },
      warn: { level: 'baseline', minor: 20 },
    })
    expect(policyOf(labels({ enforce: 'restricted', warn: 'privileged' })).policy.warn.level).toBe('privileged')
  })

  it('that cannot be read enforce the strictest', () => {
    const { policy, errors } = policyOf(labels({ enforce: 'strict', warn: 'x', 'audit-version': 'v1.01' }))
    expect([policy.enforce.level, policy.warn.level]).toEqual(['restricted', 'privileged'])
    expect(errors.map(({ field, detail }) => `${field}: ${detail}`)).toEqual([
      'metadata.labels[pod-security.kubernetes.io/enforce]: must be one of privileged, baseline, restricted',
      'metadata.labels[pod-security.kubernetes.io/audit-version]: must be "latest" or "v1.x"',
      'metadata.labels[pod-security.kubernetes.io/warn]: must be one of privileged, baseline, restricted',
    ])
  })
})
