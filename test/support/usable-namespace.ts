/** A namespace that takes pods: created, and with its default ServiceAccount there. */
import { NAMESPACES, SERVICE_ACCOUNTS } from '#machinery/api/core/v1/resources.gen.ts'
import type { Client } from '#machinery/client/client.ts'
import { eventually } from './eventually.ts'

export async function createUsableNamespace(client: Client, name: string): Promise<void> {
  await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: {} })
  await eventually(() => client.get(SERVICE_ACCOUNTS, { namespace: name, name: 'default' }))
}
