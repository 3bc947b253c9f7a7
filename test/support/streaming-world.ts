/** A control plane on a socket, one node whose kubelet is a fake, and a pod on it: for everything that connects to nodes. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FrontProxyIdentity } from '#apiserver/aggregator/target.ts'
import type { UserInfo } from '#apiserver/authentication/interfaces.ts'
import type { NodeTunnels } from '#apiserver/proxy/interfaces.ts'
import type { ControlPlaneOptions } from '#cli/server/control-plane.ts'
import { NODES, PODS, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { makeCertificates } from '#test/contract/resource-server.ts'
import type { TestControlPlane } from './control-plane.ts'
import { startTestControlPlane } from './control-plane.ts'
import type { FakeKubelet, FakeKubeletOptions } from './fake-kubelet.ts'
import { startFakeKubelet } from './fake-kubelet.ts'

export interface StreamingWorld {
  readonly plane: TestControlPlane
  readonly client: Client
  readonly kubelet: FakeKubelet
  readonly port: number
  readonly ca: string
  /** For kubectl: system:masters. */
  readonly kubeconfig: string
  as(user: UserInfo): Client
  stop(): Promise<void>
}

export const POD_IP = '10.42.0.5'

export interface StreamingWorldOptions extends Omit<FakeKubeletOptions, 'tls'> {
  /** Addresses of pods lead here: host:port as dialled → a port of this host. */
  readonly podPorts?: ReadonlyMap<string, number>
  /** Whom the API server believes to be a kubelet; default: the kubelet's own CA. */
  readonly trustedCa?: string
  /** Who the API server is to aggregated ones. */
  readonly frontProxy?: FrontProxyIdentity
  readonly audit?: ControlPlaneOptions['audit']
}

export async function startStreamingWorld(options: StreamingWorldOptions = {}): Promise<StreamingWorld> {
  const certificates = makeCertificates()
  const tls = { ...certificates.server, clientCa: certificates.ca }
  const kubelet = await startFakeKubelet({ ...options, tls })
  const { podPorts } = options
  const tunnels: NodeTunnels = {
    find: (nodeName) =>
      nodeName !== 'worker' || podPorts === undefined
        ? undefined
        : {
            open: async (host, port) =>
              connect({ host: '127.0.0.1', port: podPorts.get(`${host}:${port}`) ?? port }).on(
                'error',
                () => undefined,
              ),
          },
  }
  const plane = await startTestControlPlane({
    ...(options.audit === undefined ? {} : { audit: options.audit }),
    frontProxy: () => options.frontProxy,
    kubelets: { kubeletTls: () => ({ ca: options.trustedCa ?? certificates.ca, ...certificates.client }), tunnels },
  })
  const { client } = plane
  await createNode(client, kubelet.port)
  await client.create(SERVICE_ACCOUNTS, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name: 'default', namespace: 'default' },
  })
  await createPod(client, 'web', ['app'])
  const { port } = await plane.server.listen({ host: '127.0.0.1', port: 0, tls })
  const directory = mkdtempSync(join(tmpdir(), 'knarr-streaming-'))
  const kubeconfig = join(directory, 'kubeconfig')
  writeFileSync(kubeconfig, kubeconfigFor(port, certificates.ca, plane.adminToken))
  return {
    plane,
    client,
    kubelet,
    port,
    ca: certificates.ca,
    kubeconfig,
    as: (user) => plane.server.clientFor(user),
    async stop() {
      await kubelet.close()
      await plane.server.close(200)
      await plane.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function createNode(client: Client, kubeletPort: number): Promise<void> {
  await client.create(NODES, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'worker' },
    spec: {},
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
    },
  })
}

export async function createPod(
  client: Client,
  name: string,
  containers: readonly string[],
  nodeName: string | null = 'worker',
): Promise<void> {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: {
      ...(nodeName === null ? {} : { nodeName }),
      automountServiceAccountToken: false,
      containers: containers.map((container) => ({ name: container, image: 'app', ports: [{ containerPort: 8080 }] })),
    },
  }
  await client.create(PODS, pod)
  const status = { phase: 'Running', podIP: POD_IP, podIPs: [{ ip: POD_IP }] }
  await client.patch(
    PODS,
    { namespace: 'default', name },
    { type: 'merge', body: { status } },
    { subresource: 'status' },
  )
}

function kubeconfigFor(port: number, ca: string, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'test',
        cluster: {
          server: `https://127.0.0.1:${port}`,
          'certificate-authority-data': Buffer.from(ca).toString('base64'),
        },
      },
    ],
    users: [{ name: 'admin', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
    'current-context': 'test',
  })
}
