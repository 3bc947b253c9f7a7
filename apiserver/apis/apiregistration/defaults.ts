/** Upstream: kube-aggregator pkg/apis/apiregistration/v1/defaults.go. */
import type { APIService } from '#machinery/api/apiregistration/v1/types.gen.ts'

const HTTPS_PORT = 443

export function setApiServiceDefaults(service: APIService): void {
  if (service.spec?.service !== undefined) service.spec.service.port ??= HTTPS_PORT
}
