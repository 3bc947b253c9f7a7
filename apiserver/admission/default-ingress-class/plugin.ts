/** Ingresses without a class get the default one. Upstream: plugin/pkg/admission/network/defaultingressclass. */
import type { Ingress } from '#machinery/api/networking/v1/types.gen.ts'
import type { AdmissionDeps } from '../deps.ts'
import { isResource } from '../forbidden.ts'
import type { AdmissionPlugin } from '../interfaces.ts'
import { newestDefault } from '../newest-default.ts'

const ANNOTATIONS = ['ingressclass.kubernetes.io/is-default-class'] as const

export function createDefaultIngressClass(deps: Pick<AdmissionDeps, 'ingressClasses'>): AdmissionPlugin {
  return {
    name: 'DefaultIngressClass',
    handles: (operation) => operation === 'CREATE',
    admit(attributes) {
      if (!isResource(attributes, 'networking.k8s.io', 'ingresses') || attributes.object === undefined) return
      const ingress = attributes.object as Ingress
      if (ingress.spec?.ingressClassName !== undefined) return
      if (ingress.metadata.annotations?.['kubernetes.io/ingress.class'] !== undefined) return
      const name = newestDefault(deps.ingressClasses(), ANNOTATIONS)
      if (name !== undefined) ingress.spec = { ...ingress.spec, ingressClassName: name }
    },
  }
}
