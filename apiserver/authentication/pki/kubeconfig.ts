/**
 * The admin's kubeconfig: one cluster, one user, one context, all named `default` as in k3s, credentials embedded.
 * The file is a secret: 0600.
 */

import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Random } from '#machinery/util/random.ts'
import { writePrivateFile } from './files.ts'
import type { KeyPair } from './pki.ts'

export interface Kubeconfig {
  /** `https://127.0.0.1:6443` */
  readonly server: string
  /** PEM bundle. */
  readonly certificateAuthority: string
  readonly client: KeyPair
}

export async function writeKubeconfig(path: string, config: Kubeconfig, random: Random): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writePrivateFile(path, kubeconfigYaml(config), random)
}

function kubeconfigYaml({ server, certificateAuthority, client }: Kubeconfig): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  return `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${base64(certificateAuthority)}
    server: ${JSON.stringify(server).slice(1, -1)}
  name: default
contexts:
- context:
    cluster: default
    user: default
  name: default
current-context: default
kind: Config
preferences: {}
users:
- name: default
  user:
    client-certificate-data: ${base64(client.certificate)}
    client-key-data: ${base64(client.key)}
`
}
