/**
 * Who makes the directories of local volumes. There is no node agent with a file system yet: simulated nodes get volumes
 * without directories and every claim is told so; any other node is not served, and its claims fail with an event.
 */
import type { NodeDirectories } from '#controllers/local-path/interfaces.ts'

const SIMULATED = 'simulated://'

export const simulatedNodeDirectories: NodeDirectories = {
  serves: ({ spec }) => spec?.providerID?.startsWith(SIMULATED) ?? false,
  make: ({ metadata }, path) => Promise.resolve(`node ${metadata.name ?? ''} is simulated: ${path} was not made`),
  remove: () => Promise.resolve(),
}
