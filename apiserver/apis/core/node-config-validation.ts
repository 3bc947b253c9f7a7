/** Where a kubelet once got its configuration from; nobody does it any more. Upstream: validateNodeConfigSourceSpec and -Status. */
import type { ConfigMapNodeConfigSource, Node, NodeConfigSource } from '#machinery/api/core/v1/types.gen.ts'
import type { FieldError } from '#machinery/meta/field-error.ts'
import { fieldForbidden, fieldInvalid, fieldRequired } from '#machinery/meta/field-error.ts'
import { isConfigMapKey, isDns1123Label, isDns1123Subdomain } from '#machinery/meta/validation.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'
import { checkName } from '../validation.ts'

type FrozenMap = DeepReadonly<ConfigMapNodeConfigSource>
type Check = (errors: FieldError[], field: string, source: FrozenMap) => void

export function validateConfig(errors: FieldError[], { spec, status }: DeepReadonly<Node>): void {
  if (spec?.configSource !== undefined) validateSource(errors, 'spec.configSource', spec.configSource, checkUnpinned)
  for (const member of ['assigned', 'active', 'lastKnownGood'] as const) {
    const source = status?.config?.[member]
    if (source !== undefined) validateSource(errors, `status.config.${member}`, source, checkPinned)
  }
}

function validateSource(
  errors: FieldError[],
  field: string,
  { configMap }: DeepReadonly<NodeConfigSource>,
  check: Check,
): void {
  if (configMap === undefined) {
    errors.push(fieldInvalid(field, { ConfigMap: null }, 'exactly one reference subfield must be non-nil'))
    return
  }
  const at = `${field}.configMap`
  check(errors, at, configMap)
  checkName(errors, `${at}.namespace`, configMap.namespace, isDns1123Label)
  checkName(errors, `${at}.name`, configMap.name, isDns1123Subdomain)
  checkName(errors, `${at}.kubeletConfigKey`, configMap.kubeletConfigKey, isConfigMapKey)
}

function checkUnpinned(errors: FieldError[], field: string, { uid = '', resourceVersion = '' }: FrozenMap): void {
  if (uid !== '') errors.push(fieldForbidden(`${field}.uid`, 'uid must not be set in spec'))
  if (resourceVersion !== '') {
    errors.push(fieldForbidden(`${field}.resourceVersion`, 'resourceVersion must not be set in spec'))
  }
}

function checkPinned(errors: FieldError[], field: string, { uid = '', resourceVersion = '' }: FrozenMap): void {
  if (uid === '') errors.push(fieldRequired(`${field}.uid`, ''))
  if (resourceVersion === '') errors.push(fieldRequired(`${field}.resourceVersion`, ''))
}
