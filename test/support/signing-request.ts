/** Certificate requests (PKCS #10) as kubelets make them, without openssl. */
import { generateKeyPairSync, sign } from 'node:crypto'
import {
  bitString,
  contextConstructed,
  contextPrimitive,
  objectIdentifier,
  octetString,
  sequence,
  setOf,
  unsignedInteger,
} from '#apiserver/authentication/pki/der.ts'
import { encodeName, OID } from '#apiserver/authentication/pki/names.ts'

export interface SigningRequestFields {
  readonly commonName: string
  readonly organizations?: readonly string[]
  readonly dns?: readonly string[]
}

/** PEM, signed by that EC key, or a new one. */
export function makeSigningRequest(
  { commonName, organizations = [], dns = [] }: SigningRequestFields,
  { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' }),
): string {
  const names = sequence(...dns.map((name) => contextPrimitive(2, Buffer.from(name, 'latin1'))))
  const extension = sequence(objectIdentifier(OID.subjectAltName), octetString(names))
  const attribute = sequence(objectIdentifier(OID.extensionRequest), setOf(sequence(extension)))
  const info = sequence(
    unsignedInteger(Uint8Array.of(0)),
    encodeName({ commonName, organizations }),
    publicKey.export({ type: 'spki', format: 'der' }),
    contextConstructed(0, ...(dns.length === 0 ? [] : [attribute])),
  )
  const algorithm = sequence(objectIdentifier(OID.ecdsaWithSha256))
  const der = sequence(info, algorithm, bitString(sign('sha256', info, privateKey)))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE REQUEST-----\n${lines.join('\n')}\n-----END CERTIFICATE REQUEST-----\n`
}
