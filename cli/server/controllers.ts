/** The controllers of `knarr server`: the manager's own plus those that take options from the command line. */

import type { CertificateTools } from '#controllers/certificates/request-rules.ts'
import type { DeployControllerOptions } from '#controllers/deploy/reconciler.ts'
import { deployController } from '#controllers/deploy/reconciler.ts'
import type { HelmChartControllerOptions } from '#controllers/helmchart/reconciler.ts'
import { helmChartController } from '#controllers/helmchart/reconciler.ts'
import { localPathController } from '#controllers/local-path/reconciler.ts'
import { builtinControllers } from '#controllers/manager/descriptors.ts'
import { SERVICE_LB_CONTROLLER } from '#controllers/manager/names.ts'
import type { NodeIpamOptions } from '#controllers/node-ipam/reconciler.ts'
import type { SchedulerOptions } from '#controllers/scheduler/scheduler.ts'
import { schedulerComponent } from '#controllers/scheduler/scheduler.ts'
import type { AnyControllerDefinition } from '#sdk'
import type { ControllerTools } from './control-plane.ts'
import { simulatedNodeDirectories } from './node-directories.ts'
import { simulatedNodesComponent, type SimulatedNodesComponentOptions } from './simulated-nodes.ts'

export interface BuiltInControllersOptions extends ControllerTools {
  /** PEM, published to every namespace. */
  readonly rootCa: string
  readonly generatesTokenForEveryAccount: boolean
  readonly certificates: CertificateTools
  /** Feature gate MaxUnavailableStatefulSet. */
  readonly honoursMaxUnavailable: boolean
  readonly nodeNetworks: NodeIpamOptions
  readonly terminatedPodThreshold: number
  /** False with --disable=servicelb: another load balancer is in charge. */
  readonly balancesServices: boolean
  readonly manifests: DeployControllerOptions | undefined
  readonly helm: HelmChartControllerOptions | undefined
  /** The nodes simulated in this process; undefined: none. */
  readonly simulatedNodes: SimulatedNodesComponentOptions | undefined
  readonly scheduler: SchedulerOptions | undefined
}

export function builtInControllers(options: BuiltInControllersOptions): AnyControllerDefinition[] {
  const { rootCa, tokenIssuer, certificates, nodeNetworks, terminatedPodThreshold } = options
  const definitions: AnyControllerDefinition[] = [
    ...builtinControllers({
      rootCa,
      certificates,
      statefulSets: { honoursMaxUnavailable: options.honoursMaxUnavailable },
      nodeNetworks,
      terminatedPodThreshold,
      serviceAccountTokens: {
        generatesForEveryAccount: options.generatesTokenForEveryAccount,
        issueLegacyToken: ({ metadata }, secret) =>
          tokenIssuer.issueLegacy({
            namespace: metadata.namespace ?? '',
            serviceAccount: { name: metadata.name ?? '', uid: metadata.uid ?? '' },
            secretName: secret.metadata.name ?? '',
          }),
      },
    }),
  ]
  definitions.push(localPathController({ directories: simulatedNodeDirectories }))
  if (options.manifests !== undefined) definitions.push(deployController(options.manifests))
  if (options.helm !== undefined) definitions.push(helmChartController(options.helm))
  if (options.simulatedNodes !== undefined) definitions.push(simulatedNodesComponent(options.simulatedNodes))
  if (options.scheduler !== undefined) definitions.push(schedulerComponent(options.scheduler))
  return definitions.filter(({ name }) => options.balancesServices || name !== SERVICE_LB_CONTROLLER)
}
