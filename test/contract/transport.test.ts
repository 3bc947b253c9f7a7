import { createClient } from '#machinery/client/rest-client.ts'
import { createHttpTransport } from '#machinery/client/http-transport.ts'
import { makeCertificates } from './resource-server.ts'
import { transportContract } from './transport.contract.ts'

transportContract('in-process', async (plane) => ({ client: plane.client, close: async () => {} }))

transportContract('HTTP/1.1 over TLS', async (plane) => {
  const certificates = makeCertificates()
  const { port } = await plane.server.listen({
    host: '127.0.0.1',
    port: 0,
    tls: { certificate: certificates.server.certificate, key: certificates.server.key, clientCa: certificates.ca },
  })
  const transport = createHttpTransport({
    server: `https://127.0.0.1:${port}`,
    ca: certificates.ca,
    token: plane.adminToken,
  })
  return { client: createClient(transport), close: async () => transport.close() }
})
