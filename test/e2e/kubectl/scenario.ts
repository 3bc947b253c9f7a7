/** One thing people do with kubectl, run for every version of it in a namespace of its own. */
import type { Kubectl } from '#test/support/kubectl.ts'

export interface Scenario {
  readonly name: string
  /** Only for these versions; default all. */
  readonly versions?: readonly string[]
  /** `kubectl` is bound to `namespace`, which is new and empty. */
  run(kubectl: Kubectl, namespace: string): Promise<void>
}

/** Old kubectl takes several documents only when the text does not begin as JSON does. */
export const documents = (...manifests: readonly string[]): string =>
  manifests.map((manifest) => `---\n${manifest}\n`).join('')

export const configMap = (
  name: string,
  data: Record<string, string> = {},
  labels: Record<string, string> = {},
): string => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels }, data })

export const deployment = (name: string, image = 'nginx:1', replicas = 2): string => `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: ${name}
  labels: { app: ${name} }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec:
      containers:
      - name: web
        image: ${image}
        ports: [{ containerPort: 80 }]
`

export const pod = (name: string, labels: Record<string, string> = {}): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels },
    spec: { containers: [{ name: 'main', image: 'busybox' }] },
  })
