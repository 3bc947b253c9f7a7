/** Which taints of devices a claim bears. Upstream: k8s.io/dynamic-resource-allocation/resourceclaim ToleratesTaint. */
import type { DeviceTaint, DeviceToleration } from '#machinery/api/resource/v1/types.gen.ts'
import type { DeepReadonly } from '#machinery/util/types.ts'

/** Other than for taints of nodes, a toleration without key and with a value goes for that value of any key. */
export function toleratesDeviceTaint(
  { effect = '', key = '', operator = '', value = '' }: DeepReadonly<DeviceToleration>,
  taint: DeepReadonly<DeviceTaint>,
): boolean {
  if (effect !== '' && effect !== taint.effect) return false
  if (key !== '' && key !== taint.key) return false
  if (operator === 'Exists') return true
  return (operator === '' || operator === 'Equal') && value === (taint.value ?? '')
}
