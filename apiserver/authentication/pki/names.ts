/** X.509 distinguished names and the object identifiers this package uses. Reference: RFC 5280. */
import {
  type DerValue,
  decode,
  expectTag,
  members,
  objectIdentifier,
  readObjectIdentifier,
  readText,
  sequence,
  setOf,
  TAG,
  utf8String,
} from './der.ts'

export const OID = {
  commonName: '2.5.4.3',
  organization: '2.5.4.10',
  /** Kubernetes' own attribute: the UID of the user a client certificate stands for. */
  kubernetesUid: '1.3.6.1.4.1.57683.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  anyExtendedKeyUsage: '2.5.29.37.0',
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  ecdsaWithSha384: '1.2.840.10045.4.3.3',
  ecdsaWithSha512: '1.2.840.10045.4.3.4',
  sha256WithRsa: '1.2.840.113549.1.1.11',
  ed25519: '1.3.101.112',
  extensionRequest: '1.2.840.113549.1.9.14',
} as const

export interface SubjectName {
  readonly commonName: string
  /** Groups, for client certificates. */
  readonly organizations?: readonly string[]
}

export function encodeName(name: SubjectName): Buffer {
  const attribute = (oid: string, text: string): Buffer => setOf(sequence(objectIdentifier(oid), utf8String(text)))
  const organizations = (name.organizations ?? []).map((organization) => attribute(OID.organization, organization))
  return sequence(...organizations, attribute(OID.commonName, name.commonName))
}

export interface DecodedName {
  /** The last one, as Go's pkix.Name takes it. */
  readonly commonName: string
  readonly organizations: readonly string[]
  readonly uids: readonly string[]
}

export function decodeName(encoded: Buffer): DecodedName {
  let commonName = ''
  const organizations: string[] = []
  const uids: string[] = []
  for (const attribute of nameAttributes(decode(encoded))) {
    if (attribute.oid === OID.commonName) commonName = attribute.text
    else if (attribute.oid === OID.organization) organizations.push(attribute.text)
    else if (attribute.oid === OID.kubernetesUid) uids.push(attribute.text)
  }
  return { commonName, organizations, uids }
}

function* nameAttributes(name: DerValue): Generator<{ readonly oid: string; readonly text: string }> {
  for (const relative of members(expectTag(name, TAG.sequence, 'a distinguished name'))) {
    for (const attribute of members(expectTag(relative, TAG.set, 'a relative distinguished name'))) {
      const [type, value] = members(expectTag(attribute, TAG.sequence, 'a name attribute'))
      const text = value === undefined ? undefined : readText(value)
      if (type !== undefined && text !== undefined) yield { oid: readObjectIdentifier(type), text }
    }
  }
}
