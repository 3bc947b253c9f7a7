/** What knarr says it is. The Kubernetes version decides how clients behave, so it stands first. */

/** Put in by scripts/build.mjs where there is a repository; absent when the sources run directly. */
declare const KNARR_SOURCE: { readonly commit: string; readonly treeState: string; readonly date: string } | undefined

const SOURCE =
  typeof KNARR_SOURCE === 'undefined' ? { commit: '', treeState: '', date: '1970-01-01T00:00:00Z' } : KNARR_SOURCE

/** Equal to package.json (checked by test/tidy). */
export const KNARR_VERSION = '0.1.0'
const KUBERNETES_MAJOR = '1'
const KUBERNETES_MINOR = '36'
const KUBERNETES_PATCH = '4'

/** The body of GET /version. Upstream: apimachinery pkg/version. */
export const VERSION_INFO = {
  major: KUBERNETES_MAJOR,
  minor: KUBERNETES_MINOR,
  emulationMajor: KUBERNETES_MAJOR,
  emulationMinor: KUBERNETES_MINOR,
  gitVersion: `v${KUBERNETES_MAJOR}.${KUBERNETES_MINOR}.${KUBERNETES_PATCH}+knarr${KNARR_VERSION}`,
  gitCommit: SOURCE.commit,
  gitTreeState: SOURCE.treeState,
  buildDate: SOURCE.date,
  goVersion: `node${process.version.slice(1)}`,
  compiler: 'v8',
  platform: `${process.platform}/${process.arch === 'x64' ? 'amd64' : process.arch}`,
} as const
