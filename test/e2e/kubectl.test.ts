/** Unmodified kubectl, an old and a current one, against the real server: everything people do with it. */
import { afterAll, beforeAll, describe, it } from 'vitest'
import { clientFromKubeconfig } from '#cli/kubeconfig.ts'
import type { Client } from '#machinery/client/client.ts'
import { findKubectl, KUBECTL_VERSIONS, Kubectl } from '#test/support/kubectl.ts'
import type { ServerProcess } from '#test/support/server-process.ts'
import { startServerProcess } from '#test/support/server-process.ts'
import { createUsableNamespace } from '#test/support/usable-namespace.ts'
import { APPLYING } from './kubectl/apply.ts'
import { AUTHORIZING } from './kubectl/auth.ts'
import { CREATING } from './kubectl/create.ts'
import { DELETING } from './kubectl/delete.ts'
import { EDITING } from './kubectl/edit.ts'
import { EXTENDING } from './kubectl/extend.ts'
import { GUARDING } from './kubectl/guard.ts'
import { READING } from './kubectl/read.ts'
import { ROLLING_OUT } from './kubectl/rollout.ts'
import { APPLYING_SERVER_SIDE } from './kubectl/server-side-apply.ts'

const APPLYING_ALL = [...APPLYING, ...APPLYING_SERVER_SIDE]
const REFUSING = [...AUTHORIZING, ...GUARDING]
const SCENARIOS = [
  ...READING,
  ...CREATING,
  ...APPLYING_ALL,
  ...EDITING,
  ...DELETING,
  ...REFUSING,
  ...EXTENDING,
  ...ROLLING_OUT,
]

let server: ServerProcess
let client: Client

beforeAll(async () => {
  server = await startServerProcess()
  client = clientFromKubeconfig(server.kubeconfig)
})

afterAll(() => server.dispose())

for (const found of KUBECTL_VERSIONS.map(findKubectl)) {
  describe.skipIf(found.path === undefined)(found.title, () => {
    let kubectl: Kubectl

    beforeAll(() => {
      kubectl = new Kubectl({ version: found.version, path: found.path ?? '' }, server.kubeconfig)
    })

    afterAll(() => kubectl.dispose())

    for (const [index, scenario] of SCENARIOS.entries()) {
      if (scenario.versions?.includes(found.version) === false) continue
      it.concurrent(scenario.name, async () => {
        const namespace = `s${found.version.replace('.', '-')}-${index}`
        await createUsableNamespace(client, namespace)
        await scenario.run(kubectl.in(namespace), namespace)
      })
    }
  })
}
