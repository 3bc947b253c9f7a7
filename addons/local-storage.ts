/**
 * local-storage.yaml: the default StorageClass and the configuration of the local-path provisioner.
 * Upstream: k3s manifests/local-storage.yaml (names, annotations and config.json are the same). Differs: the provisioner is
 * controllers/local-path, so there is no Deployment, ServiceAccount, RBAC or helper pod.
 */
import type { PackagedAddon } from './interfaces.ts'

export interface LocalStorageOptions {
  /** On every node that config.json does not list. Absolute. */
  readonly localPath: string
}

export function localStorageAddon({ localPath }: LocalStorageOptions): PackagedAddon {
  const config = { nodePathMap: [{ node: 'DEFAULT_PATH_FOR_NON_LISTED_NODES', paths: [localPath] }] }
  const json = JSON.stringify(config, undefined, 2).replaceAll('\n', '\n    ')
  const yaml = `apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: local-path
  annotations:
    defaultVolumeType: "local"
    storageclass.kubernetes.io/is-default-class: "true"
provisioner: rancher.io/local-path
volumeBindingMode: WaitForFirstConsumer
reclaimPolicy: Delete
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: local-path-config
  namespace: kube-system
data:
  config.json: |-
    ${json}
`
  return { fileName: 'local-storage.yaml', yaml }
}
