/** Services that change their minds about which Pods are theirs. */
import { SERVICES } from '#machinery/api/core/v1/resources.gen.ts'
import type { Activity, Tools } from './activity.ts'

const APPS = ['deployment-a', 'deployment-b', 'stateful-a', 'controller-a', 'daemon-a', 'nobody']

export function selectors({ hands, manifests }: Tools): Activity {
  const change = async (body: () => object): Promise<void> => {
    const services = (await hands.all(SERVICES)).filter(({ metadata }) => metadata.name !== 'kubernetes')
    const service = hands.pick(services)
    if (service !== undefined) await hands.patch(SERVICES, service, body())
  }
  return {
    name: 'selectors',
    actions: [
      { name: 'create Service', weight: 4, run: () => hands.create(SERVICES, manifests.service()) },
      {
        name: 'change selector',
        weight: 8,
        run: () => change(() => ({ spec: { selector: { app: hands.pick(APPS) } } })),
      },
      {
        name: 'publish unready addresses or not',
        weight: 2,
        run: () => change(() => ({ spec: { publishNotReadyAddresses: hands.chance(0.5) } })),
      },
    ],
  }
}
