/** What runs in a simulated cluster: every built-in controller, the scheduler and the nodes. */
import type { AnyControllerDefinition } from '#sdk'
import type { NodeDirectories } from '#controllers/local-path/interfaces.ts'
import { localPathController } from '#controllers/local-path/reconciler.ts'
import { builtinControllers } from '#controllers/manager/descriptors.ts'
import { schedulerComponent } from '#controllers/scheduler/scheduler.ts'
import { simulatedNodes } from './node-component.ts'

export const simulatedControllers = (directories: NodeDirectories): readonly AnyControllerDefinition[] => [
  ...builtinControllers({
    rootCa: 'simulated',
    serviceAccountTokens: { generatesForEveryAccount: false, issueLegacyToken: () => 'simulated' },
  }),
  localPathController({ directories }),
  schedulerComponent(),
  simulatedNodes(),
]
