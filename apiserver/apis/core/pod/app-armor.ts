/**
 * AppArmor profiles in annotations, as Kubernetes had them up to 1.29: what they say in the field of today.
 * Upstream: pkg/api/pod/util.go ApparmorFieldForAnnotation, pkg/registry/core/pod/strategy.go applyAppArmorVersionSkew.
 */
import type { AppArmorProfile, Container, Pod } from '#machinery/api/core/v1/types.gen.ts'
import { keyField } from '#machinery/meta/field-error.ts'
import { deepEqual } from '#machinery/util/json.ts'
import { APPARMOR_PREFIX } from './annotations-validation.ts'

const LOCALHOST = 'localhost/'
const LOCALHOST_PROFILE_MAX = 4095
export const USE_APPARMOR_FIELD = 'deprecated since v1.30; use the "appArmorProfile" field instead'

/** Undefined for what is no profile. */
export function appArmorProfileOf(annotation: string): AppArmorProfile | undefined {
  if (annotation === 'unconfined') return { type: 'Unconfined' }
  if (annotation === 'runtime/default') return { type: 'RuntimeDefault' }
  const localhostProfile = annotation.startsWith(LOCALHOST) ? annotation.slice(LOCALHOST.length) : ''
  return localhostProfile === '' ? undefined : { type: 'Localhost', localhostProfile }
}

/** Fills the fields of a new pod from its annotations, and warns of these. */
export function applyAppArmorAnnotations(pod: Pod, warn: (message: string) => void): void {
  const { annotations } = pod.metadata
  if (annotations === undefined || pod.spec.os?.name === 'windows') return
  const ofPod = pod.spec.securityContext?.appArmorProfile
  for (const container of containersOf(pod)) {
    const key = `${APPARMOR_PREFIX}${container.name}`
    const annotation = annotations[key]
    if (annotation === undefined || container.securityContext?.appArmorProfile !== undefined) continue
    const profile = appArmorProfileOf(annotation)
    const isUsable = profile !== undefined && isWellFormed(profile)
    if (isUsable && ofPod !== undefined && deepEqual(profile, ofPod)) continue
    if (isUsable) container.securityContext = { ...container.securityContext, appArmorProfile: profile }
    warn(`${keyField('metadata.annotations', key)}: ${USE_APPARMOR_FIELD}`)
  }
}

function containersOf({ spec }: Pod): Container[] {
  const { initContainers = [], containers, ephemeralContainers = [] } = spec
  return [...initContainers, ...containers, ...(ephemeralContainers as Container[])]
}

const isWellFormed = ({ localhostProfile = '' }: AppArmorProfile): boolean =>
  localhostProfile.trim() === localhostProfile && Buffer.byteLength(localhostProfile) <= LOCALHOST_PROFILE_MAX
