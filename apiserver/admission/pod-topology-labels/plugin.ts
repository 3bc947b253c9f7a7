/** Copies zone and region from a node to the pods that are bound to it. Upstream: plugin/pkg/admission/podtopologylabels/admission.go. */
import type { Binding, Pod } from '#machinery/api/core/v1/types.gen.ts'
import type { AdmissionDeps } from '../deps.ts'
import type { AdmissionPlugin } from '../interfaces.ts'

const LABELS = ['topology.kubernetes.io/zone', 'topology.kubernetes.io/region']

export function createPodTopologyLabels(deps: Pick<AdmissionDeps, 'peek'>): AdmissionPlugin {
  return {
    name: 'PodTopologyLabels',
    handles: (operation) => operation === 'CREATE',
    admit({ group, resource, subresource, object }) {
      if (group !== '' || resource !== 'pods' || object === undefined) return
      const node = subresource === '' ? (object as Pod).spec.nodeName : subresource === 'binding' ? target(object) : ''
      if (node === undefined || node === '') return
      const from = deps.peek('', 'nodes', '', node)?.metadata.labels ?? {}
      for (const label of LABELS) {
        const value = from[label]
        if (value !== undefined) object.metadata.labels = { ...object.metadata.labels, [label]: value }
      }
    },
  }
}

function target(object: object): string {
  const { kind, name } = (object as Binding).target ?? {}
  return kind === 'Node' ? (name ?? '') : ''
}
