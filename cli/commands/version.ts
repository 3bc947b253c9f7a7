/** `knarr version`. */
import { KNARR_VERSION, VERSION_INFO } from '../version.ts'

export function printVersion(format: string): void {
  if (format === 'json') process.stdout.write(`${JSON.stringify(VERSION_INFO, null, 2)}\n`)
  else process.stdout.write(`knarr ${KNARR_VERSION}, Kubernetes ${VERSION_INFO.gitVersion}, node ${process.version}\n`)
}
